"""Devices whose session stands and that nobody has let in: they get nothing but
a pairing, whatever they say."""

import abuse
import protocol2
import pytest
from abuse import MIB, costs, representation
from pods import HOSTILE, fresh_name
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
