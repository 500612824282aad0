"""Strangers on the local network who connect in numbers, or by halves: floods,
half-open connections, and queues of those who wait."""

import contextlib
import json
import os
import subprocess
import sys
import time

import abuse
import noise
import pytest
from abuse import PEER_PORT, STRANGERS, VICTIM, costs, ids, served
from harness import BINARY, HERE
from pods import NGINX, assert_exact, wait_until
from protocol2_peer import Ended, Session

ASK = {"trust_mode": '"ask"'}
SIZE = 20_000_000

#: What the text of docs/SECURITY.md promises.
MOST_OPEN, MOST_OPEN_HERE = 64, 8
MOST_WAITING, MOST_WAITING_HERE = 16, 4
FIRST_BYTE, HANDSHAKE = 5.0, 5.0


def two(alone, **settings):
    """A victim on host 1 and an honest peer on host 2, connected."""
    victim = alone.daemon(VICTIM, **settings)
    other = alone.daemon(2, **settings)
    victim.wait_for_peers(1)
    return victim, other


def download(alone, victim, other) -> None:
    """A download that the honest peer has a part in, byte by byte."""
    url = f"{NGINX}/{SIZE}.bin"
    assert_exact(alone.get(url), f"{SIZE}.bin", SIZE)
    assert victim.transfer(url)["bytes"].get(other.name, 0) > 0


# -- floods -------------------------------------------------------------------


def start_flood(lab, say: bytes, seconds: float) -> subprocess.Popen:
    return lab.popen(
        STRANGERS, sys.executable, HERE / "flood.py",
        "--to", f"{lab.lan_address(VICTIM)}:{PEER_PORT}", "--say", say.hex(),
        "--seconds", seconds, "--from", *abuse.ADDRESSES[:16],
        stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("say", ["", "first-message"])
def test_a_flood_of_connections_costs_little(lab, alone, strangers, say):
    """Thousands a second from 16 addresses; with `first-message` each brings a
    handshake that has to be computed."""
    victim, other = two(alone)
    if say:
        with Session(strangers.connect()) as session:
            say = session.first_message(strangers.key())
    with costs(victim, mib=16, most_descriptors=MOST_OPEN + 20):
        flood = start_flood(lab, say or b"", 3)
        download(alone, victim, other)
        made = json.loads(flood.communicate(timeout=20)[0])
    print(made)
    assert made["connections"] / made["seconds"] > 1000
    since = time.monotonic()
    with strangers.member(seconds=15) as late:
        assert served(late)
        print(f"a new peer is in after {time.monotonic() - since:.1f} s")
        assert len(victim.connected_peers()) == 2


def news(daemon) -> list:
    """The kinds of all events that are kept."""
    asked = subprocess.run(
        ["timeout", "2", BINARY, "events", "--since", "0", "--json",
         "--socket", daemon.socket], capture_output=True, text=True)
    return [json.loads(line)["kind"] for line in asked.stdout.splitlines()]


def test_strangers_who_come_and_go_wash_nothing_away(alone, strangers):
    """As many sessions as are taken, each with a key of its own: a few lines
    in the log, and what happened before can still be seen."""
    victim = alone.daemon(VICTIM, log_level='"info"', **ASK)
    with strangers.session() as friend:
        abuse.let_in(victim, friend)
        before = len(victim.output())
    until, count = time.monotonic() + 10, 0
    while time.monotonic() < until:
        with contextlib.suppress(Ended, OSError):
            strangers.session(seconds=1).sock.close()
            count += 1
    said = victim.output()[before:]
    print(f"{count} sessions, {len(said)} bytes, {said.count(chr(10))} lines")
    assert count > 150
    assert said.count("\n") < 30
    assert len(said) < 5000
    wait_until(lambda: "came and went" in victim.output(), 12,
               "the log says how many there were")
    kinds = news(victim)
    assert "peer_trusted" in kinds and "peer_up" in kinds
    assert kinds.count("peer_down") == 1


# -- half of a connection -----------------------------------------------------


def silent(session, key):
    """connects and says nothing"""


def only_a_version(session, key):
    session.send_raw(b"\2")


def only_the_question(session, key):
    session.ask_key()


def half_a_message(session, key):
    first = session.first_message(key)
    session.send_raw(first[:len(first) // 2])


def no_record(session, key):
    """a whole handshake of which nothing follows"""
    session.send_raw(session.first_message(key))
    session.read_answer()


def half_a_record(session, key):
    no_record(session, key)
    session.send_raw(session.seal({"type": "Ping", "token": 0})[:20])


def drips(session, key):
    """byte by byte"""
    session.slow = iter(session.first_message(key))


def drip(sessions) -> None:
    """A byte more of each that sends byte by byte."""
    for session in sessions:
        byte = next(getattr(session, "slow", iter(())), None)
        if byte is not None:
            try:
                session.send_raw(bytes([byte]))
            except Ended:
                session.slow = iter(())


HALVES = [silent, only_a_version, only_the_question, half_a_message,
          no_record, half_a_record, drips]


def hold(strangers, key) -> list:
    """As many half-open connections as a daemon takes, and some more, of all
    kinds: eight from an address, 30 a second."""
    held = []
    for number in range(MOST_OPEN + MOST_OPEN_HERE):
        if number and number % 30 == 0:
            wait_until(lambda t=time.monotonic(): time.monotonic() - t > 1.1,
                       2)
        source = abuse.ADDRESSES[number // MOST_OPEN_HERE]
        held.append(Session(strangers.connect(source)))
        with contextlib.suppress(Ended):
            HALVES[number % len(HALVES)](held[-1], key)
    return held


def test_half_open_connections_end_in_ten_seconds(alone, strangers):
    """Whoever is connected is served meanwhile; who is new finds no room until
    they have ended, and then does."""
    victim, other = two(alone)
    key = strangers.key()
    with costs(victim, mib=24, most_descriptors=MOST_OPEN + 20):
        held = hold(strangers, key)
        with pytest.raises(Ended):
            strangers.session(seconds=0)
        download(alone, victim, other)
        until = time.monotonic() + FIRST_BYTE + HANDSHAKE + 3
        left = held
        while left and time.monotonic() < until:
            drip(left)
            left = [x for x in left if not x.is_closed_within(0.005)]
        assert not left
        with strangers.member() as late:
            assert served(late)
    for session in held:
        session.sock.close()


def test_one_address_gets_its_share_and_no_more(alone, strangers):
    """Its ninth connection is closed at once; others still find room."""
    alone.daemon(VICTIM)
    strangers.key()
    mine = [Session(strangers.connect(abuse.ADDRESSES[0])) for _ in range(20)]
    try:
        wait_until(lambda: sum(x.is_closed_within(0.01) for x in mine)
                   >= 20 - MOST_OPEN_HERE, 3, "most of them are closed")
        with strangers.member() as other:
            assert served(other)
    finally:
        for session in mine:
            session.sock.close()


def test_strangers_who_wait_leave_room_for_who_is_trusted(alone, strangers):
    """At most 16 wait, four at an address; a trusted device needs no such
    room."""
    victim = alone.daemon(VICTIM, **ASK)
    keys = noise.KeyPair()
    with strangers.session(keys) as friend:
        abuse.let_in(victim, friend)
    waiting = [strangers.session(seconds=10) for _ in range(24)]
    try:
        wait_until(lambda: sum(x.is_closed_within(0.01) for x in waiting)
                   == 24 - MOST_WAITING, 5, "eight of them are sent away")
        assert len(ids(victim, "waiting")) == MOST_WAITING
        gone = [x for x in waiting if x.last_words()]
        assert {x.last_words() for x in gone} == {
            "refused: too many devices wait to be accepted"}
        with strangers.member(keys) as friend:
            assert served(friend)
        said = subprocess.run([BINARY, "peers", "--socket", victim.socket],
                              capture_output=True, text=True, timeout=20)
        assert "peapod id there, peapod trust ID here" in said.stdout
        assert "overloaded" in news(victim)
    finally:
        for session in waiting:
            session.sock.close()


def test_a_full_waiting_room_has_a_place_for_who_is_alone(alone, strangers):
    """Of those that hold it from a few addresses one goes, the oldest of the
    address with most of them; who has come from elsewhere stays."""
    victim = alone.daemon(VICTIM, **ASK)
    held = [strangers.session(source=abuse.ADDRESSES[number // 4], seconds=10)
            for number in range(MOST_WAITING)]
    try:
        assert all(x.is_alive() for x in held)
        with strangers.session(source=abuse.ADDRESSES[20],
                               seconds=10) as honest:
            words = honest.pair(os.urandom(32))
            wait_until(lambda: words in [p["code"] for p in
                                         abuse.peers(victim)],
                       5, "its words are shown")
            # They come back, and displace one another.
            held += [strangers.session(source=abuse.ADDRESSES[number // 4],
                                       seconds=10) for number in range(8)]
            assert honest.is_alive()
            assert honest.device_id in ids(victim, "waiting")
            assert len(ids(victim, "waiting")) == MOST_WAITING
    finally:
        for session in held:
            session.sock.close()
