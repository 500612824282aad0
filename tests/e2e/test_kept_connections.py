"""Connections to origins that are kept for the next request: never for
somebody else's login, for what must not be sent twice, or in another network."""

import contextlib
import re
import subprocess
import threading

import namespaces
import pytest
from harness import PROXY, wait_until
from lab_base import NGINX_ADDRESS
from local import LocalDaemon
from pods import HOSTILE, assert_exact, fresh_name
from raw_origin import RawOrigin


class PersistentOrigin:
    """Serves many requests on each connection: `answer(connection, head)`
    gives the response, where `connection` is a dictionary of its own; None ends
    it."""

    def __init__(self, answer):
        self.connections = []
        self.answer = answer
        self.origin = RawOrigin({"": self._serve})

    @property
    def url(self) -> str:
        return self.origin.url("")

    def _serve(self, taken, came) -> None:
        connection = {}
        self.connections.append(connection)
        with contextlib.suppress(OSError):
            while True:
                while b"\r\n\r\n" not in came:
                    if not (got := taken.recv(65536)):
                        return
                    came += got
                head, _, came = came.partition(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: (\d+)", head)
                length = int(length[1]) if length else 0
                while len(came) < length:
                    came += taken.recv(65536)
                came = came[length:]
                answer = self.answer(connection, head)
                if answer is None:
                    return
                taken.sendall(answer)

    def close(self) -> None:
        self.origin.close()


@pytest.fixture
def origin():
    made = []

    def start(answer):
        made.append(PersistentOrigin(answer))
        return made[-1]
    yield start
    for each in made:
        each.close()


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    with LocalDaemon(tmp_path_factory.mktemp("kept")) as daemon:
        yield daemon


class Client:
    """A client's connection, for several requests with short answers."""

    def __init__(self, proxy):
        self.socket = proxy.connect()

    def ask(self, url: str, *fields: str, method="GET", body=b"") -> bytes:
        """The answer's status and body."""
        self.send(url, *fields, method=method, body=body)
        return self.receive()

    def send(self, url: str, *fields: str, method="GET", body=b"") -> None:
        host = url.split("/")[2]
        lines = [f"{method} {url} HTTP/1.1", f"Host: {host}", *fields]
        self.socket.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def receive(self) -> bytes:
        came = b""
        while b"\r\n\r\n" not in came:
            came += self._more()
        head, _, rest = came.partition(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
        while len(rest) < length:
            rest += self._more()
        return head.split(b" ")[1] + b" " + rest

    def _more(self) -> bytes:
        got = self.socket.recv(65536)
        assert got, "the proxy ended the connection"
        return got


def response(status: int, body: bytes, *fields: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


# -- logins of connections ----------------------------------------------------

SCHEMES = ["NTLM", "Negotiate"]


def asks_for_login(scheme: str):
    """An origin that takes who has logged in for all that follows on the
    connection, as IIS does."""
    def answer(connection, head):
        given = re.search(rb"(?i)authorization: \w+ (\w+)", head)
        step = given[1] if given else b""
        if connection.get("user"):
            return response(200, b"the user's page")
        if step == b"hello":
            connection["asked"] = True
            return response(401, b"", f"WWW-Authenticate: {scheme} riddle")
        if step == b"solved" and connection.get("asked"):
            connection["user"] = True
            return response(200, b"welcome")
        return response(401, b"", f"WWW-Authenticate: {scheme}")
    return answer


def log_in(client, url: str, scheme: str) -> bytes:
    client.ask(url, f"Authorization: {scheme} hello")
    return client.ask(url, f"Authorization: {scheme} solved")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_login_is_nobody_elses(proxy, origin, scheme):
    site = origin(asks_for_login(scheme))
    user, other = Client(proxy), Client(proxy)
    assert log_in(user, site.url, scheme) == b"200 welcome"
    assert other.ask(site.url) == b"401 "
    assert user.ask(site.url) == b"200 the user's page"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_login_stays_on_its_connection(proxy, origin, scheme):
    arrived, go_on = threading.Event(), threading.Event()
    login = asks_for_login(scheme)

    def answer(connection, head):
        if b"?slow" in head:
            arrived.set()
            go_on.wait(10)
        return login(connection, head)
    site = origin(answer)
    user, other = Client(proxy), Client(proxy)
    user.ask(site.url, f"Authorization: {scheme} hello")
    # Takes a connection, and not the one that was used last.
    other.send(site.url + "?slow")
    assert arrived.wait(10)
    assert user.ask(site.url, f"Authorization: {scheme} solved") \
        == b"200 welcome"
    go_on.set()
    assert other.receive() == b"401 "
    assert user.ask(site.url) == b"200 the user's page"


# -- what must not be sent twice ----------------------------------------------


def test_a_post_takes_no_connection_that_is_about_to_end(proxy, origin):
    def answer(connection, head):
        # Ends at its time, when the next request is on its way.
        if connection.setdefault("served", False):
            return None
        connection["served"] = True
        return response(200, b"x", "Keep-Alive: timeout=1",
                        "Connection: keep-alive")
    site = origin(answer)
    client = Client(proxy)
    for _ in range(3):
        assert client.ask(site.url) == b"200 x"
        assert client.ask(site.url, "Content-Length: 3", method="POST",
                          body=b"abc") == b"200 x"


def test_posts_in_a_row_use_one_connection(proxy, origin):
    site = origin(lambda *_: response(200, b"x"))
    client = Client(proxy)
    for _ in range(3):
        assert client.ask(site.url, "Content-Length: 3", method="POST",
                          body=b"abc") == b"200 x"
    assert len(site.connections) == 1


# -- another network ----------------------------------------------------------

HOST, UPLINK = 1, 2


def get_page(lab) -> str:
    return lab.run(HOST, "curl", "-s", "-m", "10", "-o", "/dev/null", "-w",
                   "%{http_code}", "-x", PROXY, f"http://{NGINX_ADDRESS}/",
                   check=False).stdout


def take_address(lab) -> None:
    lab.run(HOST, "ip", "addr", "del", f"{lab.wan_address(HOST)}/24", "dev",
            "wan0")


def give_back_address(lab) -> None:
    address = lab.wan_address(HOST)
    gateway = address.rsplit(".", 1)[0] + ".1"
    lab.run(HOST, "ip", "addr", "add", f"{address}/24", "dev", "wan0",
            check=False)
    lab.run(HOST, "ip", "route", "add", "default", "via", gateway,
            check=False)


@pytest.fixture
def moves(lab):
    """Takes a host from one network to another one, and back."""
    def move():
        lab.add_uplink(HOST, UPLINK, 40)
        lab.set_wan(HOST, False)
        take_address(lab)
    yield move
    lab.set_wan(HOST, True)
    give_back_address(lab)
    lab.remove_uplink(HOST, UPLINK)


def await_new_network(lab) -> None:
    reachable = ["curl", "-s", "-m", "1", "-o", "/dev/null",
                 f"http://{NGINX_ADDRESS}/"]
    wait_until(lambda: subprocess.run(
        lab.command(HOST, *reachable), check=False).returncode == 0, 10,
        "the origin is reached from the new network")


def test_another_network_gets_connections_of_its_own(lab, alone, moves):
    alone.daemon(HOST)
    before = get_page(lab)
    assert before != "000"
    moves()
    await_new_network(lab)
    assert get_page(lab) == before


def test_a_request_is_sent_again_from_the_new_network(lab, alone, moves):
    alone.daemon(HOST)
    path = f"/slow-head,seconds=2/1000/{fresh_name()}"
    got = alone.start(HOSTILE + path)
    wait_until(lambda: alone.origin_log(path), 10, "the request is there")
    moves()
    # Without this it would be ten minutes.
    assert got.longest_stall() < 15
    assert got.wait().status == 200
    assert len(got.body) == 1000


def test_a_download_goes_on_in_the_new_network(lab, alone, moves):
    alone.daemon(HOST)
    name = fresh_name()
    got = alone.start(f"{HOSTILE}/range/20000000/{name}")
    got.wait_for_size(4_000_000)
    moves()
    assert got.longest_stall() < 15
    assert_exact(got.wait(), name, 20_000_000)


@contextlib.contextmanager
def deaf_origin(lab, port: int):
    """A listener that lets connections wait, as a network does that drops
    them, until it is listened with again."""
    with namespaces.listen(lab, "origin", NGINX_ADDRESS, port) as origin, \
            contextlib.ExitStack() as taken:
        origin.settimeout(15)
        origin.listen(0)
        with contextlib.suppress(TimeoutError):
            for _ in range(8):
                taken.enter_context(namespaces.connect(
                    lab, "origin", (NGINX_ADDRESS, port), seconds=0.5))
        yield origin


def test_a_connection_is_made_again_from_the_new_network(lab, alone, moves):
    alone.daemon(HOST)
    with deaf_origin(lab, 8082) as origin:
        got = alone.start(f"http://{NGINX_ADDRESS}:8082/")
        wait_until(lambda: "SYN-SENT" in lab.run(HOST, "ss", "-tn").stdout, 10,
                   "the connection is being made")
        moves()
        origin.listen(128)
        before = {NGINX_ADDRESS, lab.wan_address(HOST)}
        # Nobody would come.
        while (came := origin.accept())[1][0] in before:
            came[0].close()
        with came[0] as far:
            far.recv(4096)
            far.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    assert got.wait().body == b"ok"


@pytest.fixture
def tunnel(lab, alone):
    """Both ends of a tunnel from the first network: a client's, an origin's."""
    alone.daemon(HOST)
    with namespaces.listen(lab, "origin", NGINX_ADDRESS, 8081) as origin:
        origin.settimeout(10)
        host, _, port = PROXY.partition(":")
        with namespaces.connect(lab, HOST, (host, int(port))) as client:
            client.sendall(f"CONNECT {NGINX_ADDRESS}:8081 HTTP/1.1\r\n"
                           f"Host: {NGINX_ADDRESS}:8081\r\n\r\n".encode())
            far, _ = origin.accept()
            with far:
                far.sendall(b"hello")
                while not client.recv(4096).endswith(b"hello"):
                    pass
                client.settimeout(15)
                yield client, far


def test_a_tunnel_of_an_address_that_is_gone_is_reset(tunnel, moves):
    client, _ = tunnel
    moves()
    # Without this it would be ten minutes.
    with pytest.raises(ConnectionResetError):
        client.recv(1)


def assert_nothing_comes(client, seconds: float) -> None:
    """Neither bytes nor a reset."""
    before = client.gettimeout()
    client.settimeout(seconds)
    with pytest.raises(TimeoutError):
        client.recv(1)
    client.settimeout(before)


def test_a_tunnel_outlives_an_address_that_comes_back(lab, tunnel):
    client, far = tunnel
    take_address(lab)
    give_back_address(lab)
    assert_nothing_comes(client, 8)
    far.sendall(b"there")
    assert client.recv(5) == b"there"


def test_a_tunnel_outlives_an_address_that_comes_and_goes(lab, tunnel):
    client, far = tunnel
    take_address(lab)
    give_back_address(lab)
    assert_nothing_comes(client, 4.5)
    take_address(lab)
    assert_nothing_comes(client, 2.5)  # six seconds after the first change
    give_back_address(lab)
    assert_nothing_comes(client, 8)
    far.sendall(b"there")
    assert client.recv(5) == b"there"


def test_an_address_that_comes_back_ends_nothing(lab, alone):
    daemon = alone.daemon(HOST, pool_enabled="false")
    name = fresh_name()
    path = f"/drips,rate=200000/2400000/{name}"
    got = alone.start(HOSTILE + path)
    got.wait_for_size(200_000)
    take_address(lab)
    give_back_address(lab)
    assert_exact(got.wait(), name, 2_400_000)
    assert len(alone.origin_log(path)) == 1
    assert daemon.is_running
