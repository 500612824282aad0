"""Strangers on the local network who connect and do not become peers: floods,
half-open connections, replayed and forged handshakes."""

import base64
import contextlib
import json
import os
import struct
import subprocess
import sys
import time

import abuse
import namespaces
import noise
import protocol1
import protocol2
import pytest
from abuse import PEER_PORT, STRANGERS, VICTIM, costs, served
from abuse_beacons import beacon
from harness import BINARY, HERE
from pods import NGINX, assert_exact, wait_until
from protocol2_peer import Ended, Session

ASK = {"trust_mode": '"ask"'}
SIZE = 20_000_000

#: What the text of docs/SECURITY.md promises.
MOST_OPEN, MOST_OPEN_HERE = 64, 8
MOST_WAITING, MOST_WAITING_HERE = 16, 4
FIRST_BYTE, HANDSHAKE = 5.0, 5.0


def peers(daemon) -> list:
    done = subprocess.run([BINARY, "peers", "--json", "--socket",
                           daemon.socket], capture_output=True, text=True,
                          timeout=20, check=True)
    return json.loads(done.stdout)["peers"]


def ids(daemon, state=None) -> list:
    return [p["id"] for p in peers(daemon) if state in (None, p["state"])]


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
        friend.pair(os.urandom(32))
        done = subprocess.run(
            [BINARY, "trust", friend.device_id, "--socket", victim.socket],
            capture_output=True, text=True, timeout=20)
        assert done.returncode == 0, done.stderr
        friend.join()
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
    finally:
        for session in waiting:
            session.sock.close()


# -- handshakes that are not what they seem -----------------------------------


def test_a_replayed_first_message_is_no_session(alone, strangers):
    """Recorded from a session, sent again beside it and after it."""
    victim = alone.daemon(VICTIM)
    session = Session(strangers.connect())
    recorded = session.first_message(strangers.key())
    session.send_raw(recorded)
    session.read_answer()
    session.send("Ping", token=0)
    session.join()
    for _ in range(2):
        with Session(strangers.connect()) as again:
            again.send_raw(recorded)
            # The answer is sealed with an ephemeral key that is not known here.
            size, = struct.unpack("<H", again.read_raw(2))
            again.read_raw(size)
            assert ids(victim).count(session.device_id) <= 1
            again.send_raw(session.sent[0])  # its first record, too
            assert again.is_closed_within(2)
        assert session.is_alive() and served(session)
    assert ids(victim, "connected") == [session.device_id]
    session.sock.close()
    victim.wait_for_peers(0)
    with Session(strangers.connect()) as again:
        again.send_raw(recorded + b"")
        again.read_raw(2)
        assert not victim.connected_peers()
        again.send_raw(session.sent[0])
        assert again.is_closed_within(2)
    assert not victim.connected_peers()


def raw(data: bytes):
    return lambda session, key: data


def built(**options):
    """A first message; what differs is in `options`."""
    def make(session, key):
        session.keys = options.get("keys", session.keys)
        if "introduction" in options:
            session.introduction = options["introduction"]
        return session.first_message(options.get("to", key),
                                     options.get("e"))
    return make


def shows_the_victims_key(session, key):
    session.keys = noise.CounterfeitKeyPair(key)
    return session.first_message(key)


def more_than_a_message(session, key):
    return session.first_message(key) + b"\0"


def flipped_at(place: int):
    def make(session, key):
        out = bytearray(session.first_message(key))
        out[place] ^= 1
        return bytes(out)
    return make


ZERO = noise.ZeroKeyPair()
INTRODUCTION = protocol2.introduction
BAD_FIRST = {
    "protocol-3": raw(b"\3" + bytes(200)),
    "http": raw(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    "tls": raw(bytes.fromhex("1603010200010001fc0303") + bytes(200)),
    "protocol-1": raw(protocol1.handshake(protocol1.Identity(bytes(32)))),
    "two-questions": raw(b"??"),
    "length-0": raw(b"\2\0\0"),
    "length-95": raw(b"\2" + struct.pack("<H", 95) + bytes(95)),
    "length-1025": raw(b"\2" + struct.pack("<H", 1025) + bytes(1025)),
    "length-65535": raw(b"\2\xff\xff"),
    "zeros": raw(b"\2" + struct.pack("<H", 200) + bytes(200)),
    "for-another-key": built(to=noise.KeyPair().public),
    "ephemeral-key-of-low-order": built(e=ZERO),
    "all-keys-of-low-order": built(e=ZERO, keys=ZERO),
    "static-key-of-low-order": built(keys=ZERO),
    "somebody-elses-key": built(
        keys=noise.CounterfeitKeyPair(noise.KeyPair().public)),
    "victims-own-key": shows_the_victims_key,
    "more-than-a-message": more_than_a_message,
    "ephemeral-key-flipped": flipped_at(3),
    "static-key-flipped": flipped_at(3 + 32),
    "payload-flipped": flipped_at(-20),
    "tag-flipped": flipped_at(-1),
    "no-introduction": built(introduction=b""),
    "introduction-cut": built(introduction=INTRODUCTION()[:-3]),
    "agent-with-escapes": built(introduction=INTRODUCTION(agent="\x1b[2J")),
    "agent-too-long": built(introduction=INTRODUCTION(agent="a" * 65)),
    "name-too-long": built(introduction=INTRODUCTION(name="a" * 33)),
    "name-of-2-to-the-63": built(introduction=(
        protocol2.TEXT.write("a") + struct.pack("<Q", 2**63))),
    "name-that-is-no-text": built(introduction=INTRODUCTION(name=b"\xff")),
    "speaks-1-only": built(introduction=INTRODUCTION(versions=b"\1")),
    "nine-versions": built(introduction=INTRODUCTION(versions=b"\2" * 9)),
    "battery-of-101": built(introduction=INTRODUCTION(
        sharing=(1, None, None, 0, 101))),
}


def test_first_messages_that_are_wrong_get_no_answer(alone, strangers):
    """One row each; nothing is answered, nobody is shown, all are closed before
    the deadline of a handshake."""
    victim = alone.daemon(VICTIM)
    key = strangers.key()
    with strangers.member() as other, costs(victim, mib=8):
        for name, make in BAD_FIRST.items():
            with Session(strangers.connect()) as session:
                asked = name == "two-questions"
                session.send_raw(make(session, key))
                try:
                    answer = session.read_raw(33 if asked else 1, 3)
                except Ended:
                    answer = b""
                assert answer == b"", name
        assert served(other)
        assert ids(victim) == [other.device_id]
    assert "\x1b" not in victim.output()


def test_names_cannot_colour_what_people_see(alone, strangers):
    victim = alone.daemon(VICTIM)
    with strangers.member(name="\x1b[31m\r\nroot\x7f") as session:
        assert [p["name"] for p in peers(victim)] == [" [31m  root "]
        assert served(session)
    assert "\x1b" not in victim.output()


# -- without the secret -------------------------------------------------------

RIGHT, WRONG = bytes(range(32)), bytes(range(1, 33))


def secret_file(alone, secret: bytes) -> str:
    target = alone.folder / "abuse-secret"
    target.touch(0o600)
    target.write_text(base64.b64encode(secret).decode() + "\n")
    return f'"{target}"'


def test_without_the_secret_there_is_no_session(alone, strangers):
    """What a stranger gets is the answer to a handshake that it cannot open."""
    victim = alone.daemon(VICTIM, trust_mode='"secret"',
                          **{"trust_secret-file": secret_file(alone, RIGHT)})
    with strangers.member(psk=protocol2.psk_of(RIGHT)) as member:
        assert served(member)
        for psk in (protocol2.NO_PSK, protocol2.psk_of(WRONG), RIGHT):
            with Session(strangers.connect(), psk=psk) as session:
                session.send_raw(session.first_message(strangers.key()))
                with pytest.raises(noise.Refused):
                    session.read_answer()
                # Whatever it goes on with, the victim cannot open it.
                session.handshake.symmetric.mix_key(bytes(32))
                sends, opens = session.handshake.split()
                session.sealer = protocol2.Records(sends)
                session.opener = protocol2.Records(opens)
                session.send("Ping", token=0)
                session.send("Welcome")
                assert session.is_closed_within(3)
        assert ids(victim) == [member.device_id]
        assert served(member)


# -- beacons that lie about others --------------------------------------------


def test_a_beacon_with_somebody_elses_key_leads_to_nobody(lab, alone,
                                                          strangers):
    """The victim dials where the beacon says, and whoever is there cannot
    answer for the key; the one whose key it is gets in as before."""
    victim = alone.daemon(VICTIM)
    honest, mine = noise.KeyPair(), noise.KeyPair()
    listener = namespaces.listen(lab, STRANGERS, lab.lan_address(STRANGERS))
    port = listener.getsockname()[1]
    listener.settimeout(5)
    udp = namespaces.datagrams(lab, STRANGERS, lab.lan_address(STRANGERS))
    to = (lab.lan_address(VICTIM), protocol1.DISCOVERY_PORT)
    # An id that is not of the key is not even dialled.
    udp.sendto(beacon(mine.public, port,
                      protocol1.device_id(honest.public)), to)
    udp.sendto(beacon(honest.public, port), to)
    taken, _ = listener.accept()
    with Session(taken, mine) as session:
        with pytest.raises(noise.Refused):
            session.accept()
        # A made-up answer of the right length.
        session.send_raw(protocol2.frame(os.urandom(120)))
        assert session.is_closed_within(3)
    assert not victim.connected_peers()
    with strangers.member(honest) as session:
        assert served(session)
        assert ids(victim, "connected") == [session.device_id]
    listener.close()
    udp.close()
