"""Machines of the local network that `[proxy] allow` lets in: they use the
internet, and do not reach what the daemon's machine keeps to itself."""

import contextlib
import socket

import canaries
import namespaces
import pytest
from harness import Daemon, wait_until
from lab_base import NGINX_ADDRESS
from local import Answer, read_all, request

HERE, OTHER = 1, 2  # the daemon's host, and one that is let in
PORT, SERVICE = 3128, 8077

NAMES = {
    "rebound.test": [["127.0.0.1"]],
    "rebound6.test": [["::1"]],
    "mapped.test": [["::ffff:127.0.0.1"]],
    "zero.test": [["0.0.0.0"]],
}

#: All of them lead to the loopback of the daemon's machine.
HOSTS = [
    "127.0.0.1", "127.9.9.9", "[::1]", "0.0.0.0", "[::]",
    "[::ffff:127.0.0.1]", "[::ffff:0.0.0.0]", "localhost",
    "127.1", "0", "2130706433", "0x7f000001", *NAMES,
]


@pytest.fixture(scope="module")
def services(lab):
    """What listens on the loopback of the daemon's machine: who comes is
    heard."""
    birds = canaries.Canaries()
    with contextlib.ExitStack() as stack:
        stack.callback(birds.close)
        for address in ("127.0.0.1", "127.9.9.9", "::1"):
            birds.listen(lab, HERE, address, SERVICE)
        names = canaries.Names(lab, NGINX_ADDRESS, NAMES)
        stack.callback(names.close)
        yield birds


@pytest.fixture(scope="module")
def daemon(lab, folder):
    made = Daemon(lab, HERE, folder, "open", {
        "proxy.listen": f'"0.0.0.0:{PORT}"',
        "proxy.allow": '["10.77.0.0/16"]',
        "wan.dns-cache": "0s",
    })
    made.start()
    yield made
    made.kill()


def ask(lab, client, raw: bytes, to=None) -> Answer:
    """What a host gets from the proxy of `HERE`."""
    to = to or lab.lan_address(HERE)
    with namespaces.connect(lab, client, (to, PORT)) as one:
        one.settimeout(10)
        one.sendall(raw)
        return Answer(read_all(one))


@pytest.mark.parametrize("host", HOSTS)
def test_who_is_let_in_does_not_reach_the_loopback(lab, daemon, services,
                                                   host):
    services.heard.clear()
    url = f"http://{host}:{SERVICE}/x"
    upgrade = request("GET", url, "Upgrade: websocket").replace(
        b"Connection: close", b"Connection: upgrade, close")
    for raw in (request("CONNECT", f"{host}:{SERVICE}"), request("GET", url),
                request("POST", url, "Content-Length: 2", body=b"hi"), upgrade):
        answer = ask(lab, OTHER, raw)
        assert answer.status == 403, answer.raw[:400]
        assert "destination_ip_prohibited" in answer.fields["proxy-status"]
        assert "not open to other machines" in answer.text
    assert services.heard == []


def test_who_is_let_in_reaches_everything_else(lab, daemon, services):
    with namespaces.listen(lab, "origin", NGINX_ADDRESS, 8079) as origin:
        with namespaces.connect(lab, OTHER,
                                (lab.lan_address(HERE), PORT)) as one:
            one.sendall(request("CONNECT", f"{NGINX_ADDRESS}:8079"))
            assert one.recv(100).startswith(b"HTTP/1.1 200 ")
            origin.accept()[0].close()


@pytest.mark.parametrize("to", ["127.0.0.1", "own address"])
def test_programs_of_the_machine_itself_reach_its_loopback(lab, daemon,
                                                           services, to):
    """By whichever of its addresses they use the proxy."""
    services.heard.clear()
    to = lab.lan_address(HERE) if to == "own address" else to
    for raw in (request("CONNECT", f"localhost:{SERVICE}") + b"hello",
                request("GET", f"http://rebound.test:{SERVICE}/x")):
        before = len(services.heard)
        ask(lab, HERE, raw, to)
        wait_until(lambda: len(services.heard) > before, 5, "it is heard")


def test_a_kept_connection_of_a_local_client_is_not_lent(lab, daemon):
    """The machine's own programs have left one to its loopback."""
    with namespaces.listen(lab, HERE, "127.0.0.1", 8080) as service:
        service.settimeout(10)
        with namespaces.connect(lab, HERE, ("127.0.0.1", PORT)) as one:
            one.sendall(b"GET http://127.0.0.1:8080/a HTTP/1.1\r\n"
                        b"Host: 127.0.0.1:8080\r\n\r\n")
            kept, _ = service.accept()
            with kept:
                kept.settimeout(10)
                kept.recv(65536)
                kept.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                assert until(one, b"ok").startswith(b"HTTP/1.1 200 ")
                got = ask(lab, OTHER,
                          request("GET", "http://127.0.0.1:8080/b"))
                assert got.status == 403
                # The next request of the local client finds it unused.
                one.sendall(b"GET http://127.0.0.1:8080/c HTTP/1.1\r\n"
                            b"Host: 127.0.0.1:8080\r\n\r\n")
                assert kept.recv(65536).startswith(b"GET /c ")


def until(one: socket.socket, end: bytes) -> bytes:
    one.settimeout(10)
    out = b""
    while not out.endswith(end):
        got = one.recv(65536)
        assert got, out
        out += got
    return out
