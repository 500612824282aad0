"""A member of the pod that says too much, or takes nothing: what that costs is
bounded, and whoever behaves is served meanwhile."""

import contextlib
import itertools
import socket
import time

import abuse
import namespaces
import protocol2
import pytest
from abuse import MIB, costs, memory, processor_seconds, representation, served
from pods import HOSTILE, NGINX, assert_exact, fresh_name, wait_until
from protocol2_peer import Ended, FetchFailed

BIG = 8 * MIB  # the longest range
PROXY = ("127.0.0.1", 3128)


@pytest.fixture
def victim(alone):
    """A fresh one each time: memory that was given back stays resident."""
    return alone.daemon(abuse.VICTIM, console_pod_view="true")


def message(kind: str, **fields) -> dict:
    return {"type": kind, **fields}


def downloads(client) -> None:
    """The victim's own client gets its body, byte by byte."""
    assert_exact(client.get(f"{NGINX}/1048577.bin"), "1048577.bin", 1048577)


# -- floods -------------------------------------------------------------------


def flood(session, messages, times: int) -> None:
    """Sends all of them many times, as fast as the victim reads."""
    for _ in range(times):
        session.send_raw(b"".join(map(session.seal, messages)))


@pytest.mark.parametrize("what, times", [
    ([message("Cancel", id=n) for n in range(0, 2000, 2)], 20),
    ([message("Part", id=1, offset=0, payload=bytes(60000))] * 16, 60),
    ([message("ViewPiece", payload=bytes(60000), last=0)] * 16, 60),
    ([message("Welcome")] * 1000, 20),
    ([message("Pong", token=1)] * 1000, 20),
    ([message("Credit", id=0, bytes=1)] * 1000, 20),
], ids=lambda x: x[0]["type"] if isinstance(x, list) else "")
def test_a_flood_of_one_message_costs_little(victim, strangers, client,
                                             what, times):
    """20,000 short ones, or 60 MB of long ones; meanwhile the victim's own
    client and another peer are served."""
    messages = [protocol2.encode(x) for x in what]
    with strangers.member() as other, strangers.member() as session:
        with costs(victim, mib=24):
            flood(session, messages, times // 2)
            downloads(client)
            assert served(other)
            flood(session, messages, times // 2)
            assert session.is_alive()


def test_a_flood_of_fetches_that_are_called_off_costs_little(
        victim, strangers, client):
    """Each begins a connection to an origin that never answers."""
    slow = f"{HOSTILE}/slow-head,seconds=20/5000/{fresh_name()}"
    with strangers.member() as other, strangers.member() as session:
        with costs(victim, mib=24, most_descriptors=300):
            for _ in range(20):
                for _ in range(50):
                    number = session.ask(slow, 0, 100)
                    session.send("Cancel", id=number)
                assert session.is_alive()
            downloads(client)
            assert served(other)


def test_a_flood_of_fetches_that_are_refused_is_answered(victim, strangers):
    with strangers.member() as session, costs(victim, mib=16):
        for _ in range(100):
            asked = [session.ask("http://127.0.0.1/", 0, 100)
                     for _ in range(15)]
            for number in asked:
                with pytest.raises(FetchFailed):
                    session.collect(number, 0, 100)
        assert session.is_alive()


# -- those that do not read ---------------------------------------------------


@contextlib.contextmanager
def fast_line(lab):
    """The victim's line to the internet has no limit meanwhile."""
    lab.unshape(abuse.VICTIM)
    try:
        yield
    finally:
        lab.set_rate(abuse.VICTIM, 40)


class Deaf:
    """A member that reads nothing, but sends enough to be thought alive."""

    def __init__(self, session):
        self.session = session
        session.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        session.sock.settimeout(0.2)
        self.is_over = False

    def say(self, messages) -> bool:
        """Whether they could be sent. Half a record is not finished later, so
        nothing can be said after a failure."""
        if not self.is_over:
            try:
                self.session.send_raw(
                    b"".join(map(self.session.seal, messages)))
            except (Ended, TimeoutError):
                self.is_over = True
        return not self.is_over


PONG = protocol2.encode(message("Pong", token=0))


def until_level(victim, deaf, other, seconds: float = 15) -> None:
    """Waits until the memory of the victim grows no more."""
    before, since = memory(victim), time.monotonic()
    while time.monotonic() - since < seconds:
        wait_until(lambda t=time.monotonic(): deaf.say([PONG])
                   and not other.is_closed_within(0.05)
                   and time.monotonic() - t > 1, 4, "a second passes")
        now = memory(victim)
        if abs(now - before) < MIB // 8:
            return
        before = now
    raise AssertionError("its memory grows and grows")


def test_who_takes_no_parts_costs_little(lab, victim, strangers, client):
    """All that one may ask for at a time: 20 ranges of 8 MiB, four of which
    are fetched, while the kernel takes some."""
    name, size = fresh_name(), 20 * BIG
    url = f"{HOSTILE}/range/{size}/{name}"
    with fast_line(lab), strangers.member() as other:
        with strangers.member() as session, costs(victim, mib=64) as cost:
            deaf = Deaf(session)
            for n in range(20):
                session.ask(url, n * BIG, (n + 1) * BIG,
                            representation(name, size))
            until_level(victim, deaf, other)
            downloads(client)
            assert served(other)
            session.sock.close()
        assert cost.memory > 8 * MIB
        assert served(other)


def test_who_takes_no_answers_costs_little(victim, strangers, client):
    """Refusals, which are longer than their questions: it is told to go when
    they have piled up."""
    with strangers.member() as other:
        with strangers.member() as session, costs(victim, mib=24):
            deaf = Deaf(session)
            numbers = itertools.count(0, 2)
            for _ in range(400):
                if not deaf.say([protocol2.encode(protocol2.fetch(
                        next(numbers), "ftp://a/", 0, 1))
                        for _ in range(500)]):
                    break
                assert not other.is_closed_within(0.001)
            else:
                pytest.fail("it takes them all")
            downloads(client)
            assert served(other)


def test_who_takes_no_views_costs_little(lab, victim, strangers, client):
    """Questions of four bytes, answers of many kilobytes: 500 clients of the
    victim make them long."""
    question = protocol2.encode(message("ViewQuestion"))
    with contextlib.ExitStack() as stack:
        for _ in range(500):
            stack.enter_context(contextlib.closing(
                namespaces.connect(lab, abuse.VICTIM, PROXY)))
        other = stack.enter_context(strangers.member())
        session = stack.enter_context(strangers.member())
        with costs(victim, mib=12) as cost:
            deaf, since = Deaf(session), time.monotonic()
            while time.monotonic() - since < 3:
                assert deaf.say([question])
                assert not other.is_closed_within(0.01)
            downloads(client)
            assert served(other)
            session.sock.close()
        # Or nothing has piled up, and this was no attack.
        assert cost.memory > MIB // 2


def test_a_flood_does_not_keep_the_processor_busy_after_it(victim, strangers):
    with strangers.member() as session:
        flood(session, [message("Cancel", id=0)] * 1000, 10)
        assert session.is_alive()
        before, since = processor_seconds(victim), time.monotonic()
        wait_until(lambda: time.monotonic() - since > 0.5, 2)
        assert processor_seconds(victim) - before < 0.25
