"""What people read when something goes wrong, and what programs do."""

import contextlib
import socket
import ssl
import threading

import harness
import pytest
from local import Answer, LocalDaemon, request

#: No name has so long a label, so that no name server need be asked.
NOWHERE = "no-such-name-" + "x" * 64 + ".test"


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    with LocalDaemon(tmp_path_factory.mktemp("pages")) as daemon:
        yield daemon


@contextlib.contextmanager
def listener(answer=None, tls=None):
    """A port whose connections get `answer` and are closed; gives the port.
    Without an answer they are closed once they have sent something."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), client:
                wrapped = tls.wrap_socket(client, server_side=True) if tls \
                    else client
                wrapped.recv(65536)
                wrapped.sendall(answer or b"")
                wrapped.close()
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextlib.contextmanager
def full_port():
    """A port that neither takes nor refuses connections."""
    with socket.socket() as server, socket.socket() as first, \
            socket.socket() as second:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        first.connect(server.getsockname())
        second.setblocking(False)
        second.connect_ex(server.getsockname())
        yield server.getsockname()[1]


def check(answer, status, error, *words):
    assert answer.status == status
    assert f"error={error};" in answer.fields["proxy-status"]
    for word in words:
        assert word in answer.text
    assert int(answer.fields["content-length"]) == len(answer.body)
    assert answer.fields["cache-control"] == "no-store"
    assert answer.fields["connection"] == "close"
    assert len(answer.body) < 2000


def both(proxy, where: str) -> list:
    """A GET and a CONNECT to the same place."""
    return [proxy.get(f"http://{where}/x"),
            Answer(proxy.exchange(request("CONNECT", where)))]


def test_an_unknown_name(proxy):
    for answer in both(proxy, f"{NOWHERE}:80"):
        check(answer, 502, "dns_error", "no site with this name",
              "typing mistake", NOWHERE)


def test_a_refused_connection(proxy):
    port = closed_port()
    for answer in both(proxy, f"127.0.0.1:{port}"):
        check(answer, 502, "connection_refused", "does not take",
              f"127.0.0.1:{port}")


def test_an_address_without_a_route(alone):
    alone.daemon(1)
    alone.lab.run(1, "ip", "route", "replace", "unreachable", "10.78.0.0/16")
    got = alone.get("http://10.78.0.1/", "--include")
    assert got.status == 502
    assert b"error=destination_ip_unroutable" in got.body
    assert b"No way leads to the site" in got.body


def test_an_address_that_is_silent(proxy):
    with full_port() as port, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(proxy.connect(30)) for _ in range(2)]
        where = f"127.0.0.1:{port}"
        clients[0].sendall(request("GET", f"http://{where}/"))
        clients[1].sendall(request("CONNECT", where))
        for client in clients:
            raw = b"".join(iter(lambda c=client: c.recv(65536), b""))
            check(Answer(raw), 504, "connection_timeout", "does not answer")


def test_an_origin_that_closes_without_an_answer(proxy):
    with listener() as port:
        check(proxy.get(f"http://127.0.0.1:{port}/"), 502,
              "connection_terminated", "closed the connection")


@pytest.mark.parametrize("words", [b"220 mail.test ESMTP\r\n",
                                   b"SSH-2.0-OpenSSH_9.2\r\n",
                                   b"HTTP/1.1 200 OK\nX: y\n\n"])
def test_an_origin_that_answers_nonsense(proxy, words):
    with listener(words) as port:
        check(proxy.get(f"http://127.0.0.1:{port}/"), 502,
              "http_protocol_error", "not a web server")


def test_an_origin_that_does_not_speak_tls(proxy):
    with listener(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        check(proxy.get(f"https://127.0.0.1:{port}/"), 502,
              "tls_protocol_error", "No secure connection")


def test_a_certificate_that_nobody_trusts(proxy, tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    harness.subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj", "/CN=x",
         "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with listener(b"", tls=context) as port:
        check(proxy.get(f"https://127.0.0.1:{port}/"), 502,
              "tls_certificate_error", "could not prove who it is",
              "self-signed")


def test_a_page_for_head_has_no_body(proxy):
    answer = Answer(proxy.exchange(
        request("HEAD", f"http://127.0.0.1:{closed_port()}/")))
    assert (answer.status, answer.body) == (502, b"")
    assert int(answer.fields["content-length"]) > 100
    assert "error=connection_refused" in answer.fields["proxy-status"]


def test_a_browser_gets_html_that_cannot_be_scripted(proxy):
    url = f"http://{NOWHERE}/<script>alert(1)</script>"
    answer = proxy.get(url, "Accept: text/html,application/xhtml+xml,*/*;q=0.8")
    check(answer, 502, "dns_error", "<h1>There is no site with this name.")
    assert answer.fields["content-type"] == "text/html; charset=utf-8"
    assert "<script" not in answer.text


def test_a_program_gets_plain_text(proxy):
    answer = proxy.get(f"http://{NOWHERE}/", "Accept: */*")
    assert answer.fields["content-type"] == "text/plain; charset=utf-8"
    assert answer.text.startswith("502 Bad Gateway\n\n")
