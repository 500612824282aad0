"""A member of the pod that sends messages which it may not send then, or that
no message may be: nothing happens, or its session ends, and no other one
does."""

import protocol2
import pytest
from abuse import costs, served
from pods import HOSTILE, fresh_name
from protocol2_peer import Ended

SETTINGS = {"console.pod-view": "true"}


def message(kind: str, **fields) -> dict:
    return {"type": kind, **fields}


# -- messages that mean nothing then ------------------------------------------

NOTHING = [
    message("FetchHead", id=1, status=206, found=protocol2.ANYTHING,
            range=(0, 1)),
    message("Part", id=1, offset=0, payload=bytes(60000)),
    message("Part", id=2, offset=2**64 - 2, payload=b"x"),
    message("FetchDone", id=1, hash=bytes(32)),
    message("FetchFailed", id=1, code=0, wait=2**32 - 1, detail="no"),
    message("FetchFailed", id=1, code=65535, wait=None, detail=""),
    message("Cancel", id=0),
    message("Cancel", id=2**32 - 1),
    message("Credit", id=0, bytes=2**32 - 1),
    message("TunnelOpened", id=1),
    message("TunnelData", id=1, payload=b"x"),
    message("CloseTunnel", id=1, code=65535, detail=""),
    message("ViewPiece", payload=b"[]", last=1),
    message("ViewPiece", payload=bytes(60000), last=0),
    message("Pong", token=2**64 - 1),
    message("Welcome"),
]


@pytest.mark.parametrize("odd", NOTHING, ids=lambda x: x["type"])
def test_what_nobody_asked_for_changes_nothing(victim, strangers, odd):
    with strangers.member() as session, costs(victim, mib=4):
        for _ in range(5):
            session.send(odd)
        assert session.is_alive()
        assert served(session)


# -- messages that end a session ----------------------------------------------


def commit(session, nonce=bytes(32)) -> dict:
    return message("PairingCommit", commitment=protocol2.commitment(
        True, session.handshake.hash, nonce))


def reveals_first(session):
    session.send("PairingReveal", nonce=bytes(32))


def commits_twice(session):
    session.send(commit(session))
    session.send(commit(session))


def reveals_something_else(session):
    session.send(commit(session))
    session.send("PairingReveal", nonce=b"\1" * 32)


def passes_on_the_victims_commitment(session):
    """as who sits in between would like to"""
    session.send(commit(session))
    theirs = session.wait_for("PairingCommit")["commitment"]
    session.wait_for("PairingReveal")
    session.send("PairingCommit", commitment=theirs)


def uses_the_victims_numbers(session):
    session.send(protocol2.fetch(1, f"{HOSTILE}/range/5000/x", 0, 100))


def uses_a_number_twice(session):
    slow = f"{HOSTILE}/slow-head,seconds=5/5000/{fresh_name()}"
    for _ in range(2):
        session.send(protocol2.fetch(0, slow, 0, 100))


def asks_for_more_than_may_wait(session):
    slow = f"{HOSTILE}/slow-head,seconds=5/5000/{fresh_name()}"
    for _ in range(6 + 16 + 1):
        session.ask(slow, 0, 100)


def pings_without_end(session):
    for token in range(200):
        session.send("Ping", token=token)


def changes_its_offers_without_end(session):
    for number in range(200):
        session.send("Sharing", what=(number % 2, None, None, 0, None))


def fetch(**fields):
    def attack(session):
        session.send({**protocol2.fetch(0, "http://a/", 0, 1), **fields})
    attack.__name__ = "fetch of " + ", ".join(
        f"{k} {str(v)[:20]}" for k, v in fields.items())
    return attack


def bad(kind: str, **fields):
    def attack(session):
        session.send(message(kind, **fields))
    attack.__name__ = f"{kind} of " + ", ".join(
        f"{k} {str(v)[:20]}" for k, v in fields.items())
    return attack


BROKEN_BOUNDS = [
    fetch(url=""), fetch(url="http://a/" + "x" * 8200),
    fetch(url="http://a/ b"), fetch(url="http://a/\r\nX: y"),
    fetch(url="http://a/\0"), fetch(url=b"http://a/\xff"),
    fetch(range=(5, 5)), fetch(range=(6, 5)), fetch(range=(0, 2**64 - 1),
                                                    expected=(None, None, 9)),
    fetch(expected=("x" * 1025, None, None)),
    fetch(expected=('"a"\r\nX: y', None, None)),
    fetch(expected=(None, "x" * 65, None)),
    fetch(fields=[("A", "b")] * 17), fetch(fields=[("A b", "c")]),
    fetch(fields=[("A", "b\r\nCookie: c")]), fetch(fields=[("A", "x" * 2049)]),
    fetch(urgency=8),
    bad("Credit", id=0, bytes=0), bad("OpenTunnel", id=0, host="", port=1),
    bad("OpenTunnel", id=0, host="a", port=0),
    bad("Part", id=0, offset=0, payload=b""),
    bad("Part", id=0, offset=2**64 - 1, payload=b"xx"),
    bad("Sharing", what=(1, None, None, 0, 101)),
    bad("Goodbye", code=4, detail="\x1b[2Jgone"),
    bad("Goodbye", code=4, detail="\x9b2Jgone"),
    bad("Goodbye", code=4, detail="x" * 257),
    bad("FetchFailed", id=1, code=1, wait=None, detail="\n[warn] all is lost"),
]


@pytest.mark.parametrize("attack", [
    reveals_first, commits_twice, reveals_something_else,
    passes_on_the_victims_commitment, uses_the_victims_numbers,
    uses_a_number_twice, asks_for_more_than_may_wait, pings_without_end,
    changes_its_offers_without_end,
    *BROKEN_BOUNDS,
], ids=lambda attack: attack.__name__.replace("_", "-"))
def test_what_may_not_be_said_ends_the_session_alone(victim, strangers,
                                                     attack):
    with strangers.member() as other, strangers.member() as session:
        with costs(victim, mib=8):
            try:
                attack(session)
            except Ended:
                pass
            assert session.is_closed_within(3)
        assert other.is_alive()
    assert not {"\x1b", "\x9b"} & set(victim.output())


def test_after_a_goodbye_nothing_is_read(victim, strangers):
    name = fresh_name()
    with strangers.member() as session:
        session.send_raw(
            session.seal(message("Goodbye", code=1, detail="bye"))
            + session.seal(protocol2.fetch(
                0, f"{HOSTILE}/range/5000/{name}", 0, 100)))
        assert session.is_closed_within(3)
    with strangers.member() as other:
        assert served(other)
