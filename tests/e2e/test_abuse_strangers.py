"""Devices whose session stands and that nobody has let in: they get nothing but
a pairing, whatever they say."""

import os
import subprocess

import abuse
import namespaces
import noise
import protocol2
import pytest
from abuse import MIB, costs, representation
from abuse_beacons import beacon
from harness import BINARY
from pods import HOSTILE, fresh_name, wait_until
from protocol2_peer import Ended

SETTINGS = {"trust.mode": '"ask"', "console.pod-view": "true"}


@pytest.fixture
def stranger(victim, strangers):
    with strangers.session() as session:
        assert session.wait_for("PairingCommit")
        yield session


def kinds(session) -> set:
    return {message["type"] for message in session.seen}


#: What the victim says to a stranger.
NOTHING = {"Sharing", "PairingCommit", "PairingReveal"}


@pytest.mark.parametrize("before", [[], ["Welcome"], ["Welcome"] * 3],
                         ids=["at-once", "with-welcome", "with-three"])
def test_a_stranger_gets_nothing_whatever_it_says(victim, client, stranger,
                                                  before):
    """Who asks for a range is thrown out; no origin hears of it."""
    name = fresh_name()
    path = f"/range/5000/{name}"
    for word in before:
        stranger.send(word)
    stranger.ask(HOSTILE + path, 0, 100, representation(name, 5000))
    assert stranger.is_closed_within(3)
    assert stranger.last_words().startswith("misbehaved: ")
    assert kinds(stranger) <= NOTHING | {"Goodbye"}
    assert client.origin_log(path) == []
    assert victim.connected_peers() == []


@pytest.mark.parametrize("kind, fields", [
    ("ViewQuestion", {}), ("Welcome", {}), ("Cancel", {"id": 0}),
    ("ViewPiece", {"payload": b"[]", "last": 1}),
    ("Part", {"id": 1, "offset": 0, "payload": b"x"}),
    ("FetchDone", {"id": 1, "hash": bytes(32)}),
    ("Credit", {"id": 0, "bytes": 1}),
], ids=lambda x: x if isinstance(x, str) else "")
def test_what_else_a_stranger_says_means_nothing(victim, stranger, kind,
                                                 fields):
    with costs(victim, mib=4):
        for _ in range(20):
            stranger.send(kind, **fields)
        assert stranger.is_alive()
        assert kinds(stranger) <= NOTHING
        assert victim.connected_peers() == []


def test_a_stranger_is_asked_for_nothing(victim, client, stranger):
    """Nor does it learn what the victim downloads."""
    stranger.send("Welcome")
    got = client.get(f"{abuse.HOSTILE}/range/{2 * MIB}/{fresh_name()}")
    assert (got.code, got.status) == (0, 200)
    assert stranger.is_alive()
    assert kinds(stranger) <= NOTHING


def test_floods_of_strangers_cost_little(victim, strangers):
    """Four of them, as fast as they can."""
    noise = [protocol2.encode({"type": kind, **fields}) for kind, fields in (
        ("ViewQuestion", {}), ("Welcome", {}), ("Cancel", {"id": 0}),
        ("Part", {"id": 1, "offset": 0, "payload": bytes(1000)}))]
    sessions = [strangers.session() for _ in range(4)]
    with costs(victim, mib=16):
        for _ in range(8):
            for session in sessions:
                session.send_raw(b"".join(map(session.seal, noise * 100)))
        assert all(session.is_alive() for session in sessions)
        for session in sessions:
            session.sock.close()


def test_words_that_were_shown_are_of_no_use_to_another_key(victim, strangers):
    """Trust is in a key: who pairs and is let in takes nobody with it."""
    with strangers.session() as friend, strangers.session() as other:
        abuse.let_in(victim, friend)
        assert abuse.served(friend)
        other.send("Welcome")
        with pytest.raises(TimeoutError):
            other.wait_for("Welcome", 0.5)
        with pytest.raises(Ended):
            abuse.served(other)


def trust(daemon, *words):
    """`peapod trust` where nobody sits at a terminal."""
    return subprocess.run([BINARY, "trust", *words, "--socket", daemon.socket],
                          capture_output=True, text=True, timeout=20)


def test_words_that_were_shown_let_nobody_in_who_has_taken_the_name(
        victim, strangers):
    """The command that was printed, said when the one that it was printed for
    is gone and another one has its name."""
    with strangers.session(name="phone") as friend:
        words = friend.pair(os.urandom(32))
        wait_until(lambda: words in [p["code"] for p in abuse.peers(victim)],
                   5, "the words are shown")
        friend.send("Goodbye", code=protocol2.GOODBYES.index("leaving"),
                    detail="")
        wait_until(lambda: friend.device_id not in abuse.ids(victim), 5,
                   "it is forgotten")
    with strangers.session(name="phone") as thief:
        others = thief.pair(os.urandom(32))
        wait_until(lambda: others in [p["code"] for p in abuse.peers(victim)],
                   5, "the thief waits in its place")
        refused = trust(victim, "phone", *words)
        assert refused.returncode == 1
        assert "shows no such words" in refused.stderr
        assert trust(victim, "phone").returncode == 1
        assert trust(victim, thief.device_id[:8]).returncode == 1
        thief.send("Welcome")
        with pytest.raises(TimeoutError):
            thief.wait_for("Welcome", 0.5)
        assert thief.device_id in abuse.ids(victim, "waiting")


def test_who_was_only_heard_is_let_in_by_no_beginning_of_its_id(
        lab, victim, strangers):
    """A few digits of an id can be had by trying keys; all 32 cannot."""
    keys = noise.KeyPair()
    me = protocol2.device_id(keys.public)
    with namespaces.datagrams(lab, abuse.STRANGERS,
                              abuse.ADDRESSES[40]) as udp:
        udp.sendto(beacon(keys.public, abuse.PEER_PORT),
                   (lab.lan_address(abuse.VICTIM), 45678))
        wait_until(lambda: me in abuse.ids(victim), 5, "it is heard")
    for beginning in (me[:4], me[:31]):
        refused = trust(victim, beginning)
        assert refused.returncode == 1
        assert "whole id" in refused.stderr
    assert trust(victim, me).returncode == 0
