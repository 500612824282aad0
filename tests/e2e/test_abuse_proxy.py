"""Clients of the proxy, and origins behind it, that want to wear a daemon out:
it stays, within its bounds, and whoever behaves is served."""

import contextlib
import resource
import socket
import struct
import threading
import time

import pytest
from abuse import MIB, costs, descriptors, memory
from bombs import ANSWERS, BODY, BOMB
from harness import wait_until
from local import RESET, Answer, LocalDaemon, request
from raw_origin import RawOrigin

HEAD_WAIT = 30.0  # how long a head may take
MAX_CLIENTS = 1024
RESETS = struct.pack("ii", 1, 0)


@pytest.fixture(scope="module", autouse=True)
def many_descriptors():
    """This process holds both ends of many connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 12000 if hard == resource.RLIM_INFINITY else min(hard, 12000)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(scope="module")
def origin():
    made = RawOrigin(ANSWERS)
    yield made
    made.close()


@pytest.fixture
def proxy(tmp_path):
    """A fresh one each time: memory that was given back stays resident."""
    with LocalDaemon(tmp_path, pool_min_size='"64KiB"') as daemon:
        yield daemon
        assert daemon.is_running


def served(proxy, origin) -> bool:
    """Whether an honest client gets an honest body, byte by byte, in time."""
    since = time.monotonic()
    got = proxy.get(origin.url("honest"))
    return (got.status, got.body == BODY) == (200, True) and (
        time.monotonic() - since < 2)


class Crowd:
    """Many clients; what they have sent at first is the same."""

    def __init__(self, proxy, count: int, say: bytes = b""):
        self.sockets = []
        for _ in range(count):
            one = proxy.connect()
            self.sockets.append(one)
            with contextlib.suppress(OSError):
                one.sendall(say)

    def say(self, data: bytes) -> None:
        for one in self.sockets:
            with contextlib.suppress(OSError):
                one.sendall(data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Resets them: who only closes its half may want an answer."""
        for one in self.sockets:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESETS)
            one.close()


# -- slow clients -------------------------------------------------------------


def test_heads_that_come_byte_by_byte_lock_nobody_out(proxy, origin):
    with costs(proxy, mib=16, most_descriptors=350):
        with Crowd(proxy, 300, b"GET http://a.test/ HTTP/1.1\r\nX: ") as crowd:
            wait_until(lambda: descriptors(proxy) > 300, 5)
            for _ in range(5):
                crowd.say(b"x")
                assert served(proxy, origin)


def test_bodies_that_come_byte_by_byte_lock_nobody_out(proxy, origin):
    say = request("POST", origin.url("waits"), "Content-Length: 1000000",
                  body=b"x")
    with costs(proxy, mib=24, most_descriptors=500):
        with Crowd(proxy, 200, say) as crowd:
            for _ in range(10):
                crowd.say(b"x")
                assert served(proxy, origin)


# -- bombs of clients ---------------------------------------------------------

URL = "http://127.0.0.1:1/"
GET = f"GET {URL} HTTP/1.1\r\nHost: 127.0.0.1:1\r\n"
BOMBS = {
    "field-of-1MiB": (GET + "X: " + "x" * MIB + "\r\n\r\n", 431),
    "name-of-1MiB": (GET + "x" * MIB + ": y\r\n\r\n", 431),
    "10000-fields": (GET + "".join(f"X-{n}: y\r\n" for n in range(10_000))
                     + "\r\n", 431),
    "1000-short-fields": (GET + "a:\r\n" * 1000 + "\r\n", 431),
    "line-of-1MiB": (f"GET {URL}{'x' * MIB} HTTP/1.1\r\n\r\n", 414),
    "method-of-1MiB": ("X" * MIB + f" {URL} HTTP/1.1\r\n\r\n", 414),
    "no-end-of-line": ("GET " + "x" * 8 * MIB, 414),
    "no-end-of-head": (GET + "X: y\r\n" * (MIB // 4), 431),
    "nothing-but-empty-lines": ("\r\n" * MIB, 0),
}


@pytest.mark.parametrize("name", BOMBS)
def test_heads_of_clients_are_bounded(proxy, origin, name):
    """50 clients at a time."""
    text, status = BOMBS[name]
    raw = text.encode()
    with costs(proxy, mib=16):
        answers, threads = [], []

        def attack():
            with contextlib.suppress(OSError):
                answers.append(Answer(proxy.exchange(raw)).status)
        for _ in range(50 if len(raw) <= 2 * MIB else 8):
            threads.append(threading.Thread(target=attack))
            threads[-1].start()
        for thread in threads:
            thread.join()
        assert served(proxy, origin)
    # Who still sends when it is refused may see a reset instead.
    assert set(answers) <= {status, 0}
    assert status == 0 or status in answers


def test_extensions_of_chunks_of_clients_are_bounded(proxy, origin):
    """One that is longer than a head may be is refused. Shorter ones are cut
    out, however many there are."""
    post = request("POST", origin.url("takes_it"), "Transfer-Encoding: chunked")
    with costs(proxy, mib=8):
        long_one = b"1;" + b"x" * 4 * MIB + b"\r\na\r\n0\r\n\r\n"
        with contextlib.suppress(OSError):
            got = proxy.exchange(post + long_one, end=False)
            assert got == RESET or Answer(got).status in (400, 0)
        many = (b"1;" + b"x" * 1000 + b"\r\na\r\n") * 5000 + b"0\r\n\r\n"
        got = Answer(proxy.exchange(post + many, end=False))
        assert got.status == 200 and int(got.body) < 100_000
        assert served(proxy, origin)


# -- bombs of origins ---------------------------------------------------------


@pytest.mark.parametrize("path", ["endless_head", "long_field", "many_fields",
                                  "interim_heads"])
def test_heads_of_origins_are_bounded(proxy, origin, path):
    with costs(proxy, mib=8):
        for _ in range(5):
            got = proxy.get(origin.url(path))
            assert got.status == 502, got.raw[:200]
        assert served(proxy, origin)


@pytest.mark.parametrize("path", ["long_extension", "long_trailer"])
def test_what_surrounds_chunks_of_origins_is_bounded(proxy, origin, path):
    """Too much of it, and the body ends visibly incomplete."""
    with costs(proxy, mib=8):
        for _ in range(5):
            got = proxy.get(origin.url(path))
            assert got.status == 502 or not got.raw.endswith(b"0\r\n\r\n")
        assert served(proxy, origin)


def test_extensions_of_chunks_of_origins_are_cut_out(proxy, origin):
    with costs(proxy, mib=8):
        got = proxy.get(origin.url("extensions"))
        assert got.status == 200 and len(got.raw) < 100_000
        assert got.body.count(b"a") >= 5000
        assert served(proxy, origin)


def test_what_is_packed_stays_packed(proxy, origin):
    """A body of 256 MiB as some hundred kilobytes of gzip."""
    assert 100_000 < len(BOMB) < MIB
    with costs(proxy, mib=16):
        for _ in range(5):
            got = proxy.get(origin.url("bomb"), "Accept-Encoding: gzip")
            assert (got.status, got.fields["content-encoding"]) == (200, "gzip")
            assert got.body == BOMB
        assert served(proxy, origin)


# -- those that do not read ---------------------------------------------------


def until_level(proxy, seconds: float = 15) -> None:
    """Waits until the memory of the proxy grows no more."""
    before, since = memory(proxy), time.monotonic()
    while time.monotonic() - since < seconds:
        wait_until(lambda t=time.monotonic(): time.monotonic() - t > 0.7, 2)
        now = memory(proxy)
        if now - before < MIB // 8:
            return
        before = now
    raise AssertionError("its memory grows and grows")


def test_clients_that_never_read_cost_little(proxy, origin):
    """A hundred, each with a body without end."""
    with costs(proxy, mib=48, most_descriptors=600):
        with Crowd(proxy, 100, request("GET", origin.url("endless"))):
            until_level(proxy)
            assert served(proxy, origin)


def test_clients_that_never_read_a_pooled_body_cost_little(proxy, origin):
    """Forty; all of their transfers have 64 MiB together ([pool] memory)."""
    with costs(proxy, mib=80, most_descriptors=400):
        with Crowd(proxy, 40, request("GET", origin.url("endless_pooled"))):
            until_level(proxy)
            assert served(proxy, origin)


def test_tunnels_that_nobody_reads_cost_little(proxy, origin):
    say = (f"CONNECT 127.0.0.1:{origin.port} HTTP/1.1\r\nHost: a\r\n\r\n"
           f"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n").encode()
    with costs(proxy, mib=24, most_descriptors=500):
        with Crowd(proxy, 100, say):
            until_level(proxy)
            assert served(proxy, origin)


# -- loops and crowds ---------------------------------------------------------


@pytest.mark.parametrize("host", [
    "127.0.0.1", "localhost", "0.0.0.0", "0", "127.1", "2130706433",
    "[::ffff:127.0.0.1]", "[::ffff:0.0.0.0]"])
def test_it_is_not_led_to_itself(proxy, origin, host):
    """By a tunnel or by a request: it would go round and round."""
    with costs(proxy, mib=4):
        tunnel = request("CONNECT", f"{host}:{proxy.port}")
        got = Answer(proxy.exchange(tunnel))
        assert got.status in (502, 508), got.raw[:200]
        got = proxy.get(f"http://{host}:{proxy.port}/x")
        assert got.status in (404, 502, 508), got.raw[:200]
        assert served(proxy, origin)


def test_two_thousand_clients_that_say_nothing(proxy, origin):
    """As many as [proxy] max-clients stay; the others are told to come later,
    and so is whoever comes then, honest or not. When they go, all is well."""
    with costs(proxy, mib=32, most_descriptors=MAX_CLIENTS + 100):
        with Crowd(proxy, 2000) as crowd:
            def refused():
                return Answer(proxy.exchange(
                    request("GET", origin.url("honest")))).status == 503
            wait_until(refused, 5, "one more is refused")
            wait_until(lambda: sum(map(is_told, crowd.sockets))
                       == 2000 - MAX_CLIENTS, 5, "976 are told")
        wait_until(lambda: served(proxy, origin), 5, "it serves again")


def is_told(one: socket.socket) -> bool:
    """Whether a client was told to come later."""
    one.settimeout(0)
    try:
        return one.recv(13, socket.MSG_PEEK) == b"HTTP/1.1 503 "
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True  # a moment later


def test_clients_that_wait_for_nothing_make_room(proxy, origin):
    """Those that have had an answer and are silent now go first."""
    say = (f"GET {origin.url('honest')} HTTP/1.1\r\nHost: a\r\n\r\n").encode()
    with costs(proxy, mib=48, most_descriptors=2 * MAX_CLIENTS):
        with Crowd(proxy, MAX_CLIENTS, say):
            wait_until(lambda: served(proxy, origin), 10, "it serves more")


def test_a_head_that_comes_byte_by_byte_ends_after_half_a_minute(dripping):
    """In a proxy of its own, which the run has begun with."""
    waited = dripping.wait(HEAD_WAIT + 15)
    assert len(waited) == len(dripping.clients)
    assert HEAD_WAIT - 1 < min(waited) and max(waited) < HEAD_WAIT + 5
    told = [x for x in dripping.answers if x.startswith(b"HTTP/1.1 408 ")]
    # A byte that was on its way makes the system send a reset instead.
    assert len(told) >= len(waited) // 2
