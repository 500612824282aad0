"""What any HTTP proxy has to do right (RFC 9110 and 9112)."""

import json
import os

import content
import pytest
from pods import HOSTILE, NGINX, assert_exact, fresh_name, wait_until

BODY = os.urandom(300_000)


@pytest.fixture
def body_file(tmp_path):
    file = tmp_path / "body"
    file.write_bytes(BODY)
    return file


def exchange(pod, raw: bytes, tmp_path) -> bytes:
    """Sends raw bytes to the proxy and gives all that comes back."""
    file = tmp_path / "raw"
    file.write_bytes(raw)
    script = (
        "import socket, sys\n"
        "s = socket.create_connection(('127.0.0.1', 3128), 5)\n"
        "s.settimeout(5)\n"
        "s.sendall(open(sys.argv[1], 'rb').read())\n"
        "s.shutdown(socket.SHUT_WR)\n"
        "out = b''\n"
        "try:\n"
        "  while got := s.recv(65536): out += got\n"
        "except OSError: pass\n"
        "sys.stdout.buffer.write(out)\n")
    process = pod.lab.popen(1, "/usr/bin/python3", "-c", script, file,
                            stdout=-1)
    return process.communicate(timeout=20)[0]


# -- methods and bodies -------------------------------------------------------


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_request_bodies_arrive(pod, body_file, method, framing):
    chunked = ["--header", "Transfer-Encoding: chunked"]
    got = pod.get(f"{HOSTILE}/echo/0/{fresh_name()}", "--request", method,
                  "--data-binary", f"@{body_file}", "--header", "Expect:",
                  *(chunked if framing == "chunked" else []))
    assert (got.code, got.status) == (0, 200)
    assert got.body == BODY


def test_an_empty_post_arrives(pod):
    got = pod.get(f"{HOSTILE}/echo/0/{fresh_name()}", "--data", "")
    assert (got.code, got.status, got.body) == (0, 200, b"")


def test_chunked_answers_arrive(pod, body_file):
    got = pod.get(f"{HOSTILE}/echo,chunked=1/0/{fresh_name()}",
                  "--data-binary", f"@{body_file}")
    assert (got.code, got.body) == (0, BODY)


def test_expect_100_continue_is_honoured(pod, body_file):
    got = pod.get(f"{HOSTILE}/echo/0/{fresh_name()}", "--data-binary",
                  f"@{body_file}", "--header", "Expect: 100-continue")
    assert (got.code, got.status, got.body) == (0, 200, BODY)
    assert got.seconds < 1


def test_a_refused_expectation_comes_back(pod, body_file):
    got = pod.get(f"{HOSTILE}/refuses-body/0/{fresh_name()}", "--data-binary",
                  f"@{body_file}", "--header", "Expect: 100-continue")
    assert got.status == 417


def test_head_has_the_length_and_no_body(pod):
    got = pod.get(f"{NGINX}/5000000.bin", "--head")
    assert (got.code, got.status) == (0, 200)
    assert b"Content-Length: 5000000" in got.body


@pytest.mark.parametrize("code", [204, 304, 404, 500])
def test_statuses_pass_through(pod, code):
    got = pod.get(f"{HOSTILE}/status,code={code}/0/{fresh_name()}")
    assert (got.code, got.status) == (0, code)


def test_redirects_pass_through(pod):
    url = f"{HOSTILE}/redirect,hops=2/1000/{(name := fresh_name())}"
    assert pod.get(url).status == 302
    assert_exact(pod.get(url, "--location"), name, 1000)


def test_hop_by_hop_headers_stay_here(pod):
    got = pod.get(f"{HOSTILE}/show-headers/0/x", "--header",
                  "Connection: X-Secret", "--header", "X-Secret: 1",
                  "--header", "Proxy-Authorization: Basic YTpi",
                  "--header", "X-Kept: yes")
    seen = json.loads(got.body)["headers"]
    assert seen["x-kept"] == "yes"
    assert seen["host"] == HOSTILE.removeprefix("http://")
    for gone in ("x-secret", "proxy-authorization", "proxy-connection"):
        assert gone not in seen


# -- connections --------------------------------------------------------------


def test_one_client_connection_carries_several_requests(pod):
    done = pod.lab.run(
        1, "curl", "--silent", "--proxy", "http://127.0.0.1:3128",
        "--output", "/dev/null", "--output", "/dev/null",
        "--write-out", "%{http_code}:%{num_connects} ",
        f"{NGINX}/1000.bin", f"{NGINX}/65536.bin")
    assert done.stdout.split() == ["200:1", "200:0"]


def test_pipelined_requests_are_answered_in_order(pod, tmp_path):
    one = (f"GET {NGINX}/1.bin HTTP/1.1\r\nHost: x\r\n\r\n"
           f"GET {NGINX}/1000.bin HTTP/1.1\r\nHost: x\r\n"
           "Connection: close\r\n\r\n")
    out = exchange(pod, one.encode(), tmp_path)
    assert out.count(b"HTTP/1.1 200") == 2
    assert out.endswith(content.content("1000.bin", 0, 1000))


def test_connect_tunnels_tls(pod):
    before = pod[1].status()["proxy"]["tunnels"]
    got = pod.get("https://origin.test/5000000.bin", "--cacert",
                  pod.lab.ca_file)
    assert_exact(got, "5000000.bin", 5_000_000)
    assert pod[1].status()["proxy"]["tunnels"] == before + 1


def test_connect_to_a_closed_port_is_a_502(pod):
    got = pod.get("https://10.77.99.1:444/")
    assert got.code != 0
    assert got.info["http_connect"] in (502, 504)


@pytest.mark.parametrize("url, statuses", [
    ("http://10.77.99.1:444/", (502, 504)),
    ("http://no.such.name.test/", (502, 504)),
])
def test_an_origin_out_of_reach_is_a_502(pod, url, statuses):
    got = pod.get(url)
    assert (got.code, got.status in statuses) == (0, True), got.status


def test_a_request_for_the_proxy_itself_is_a_loop(pod):
    assert pod.get("http://127.0.0.1:3128/").status == 508


def test_ipv6_origins_are_reached(pod):
    got = pod.get("http://[fd77:99::1]/5000000.bin", "--globoff")
    assert_exact(got, "5000000.bin", 5_000_000)


def test_names_are_resolved(pod):
    assert_exact(pod.get("http://origin.test/1000.bin"), "1000.bin", 1000)


def test_content_without_length_arrives(pod):
    for behaviour in ("chunked", "until-close"):
        name = fresh_name()
        got = pod.get(f"{HOSTILE}/{behaviour}/500000/{name}")
        assert_exact(got, name, 500_000)


# -- what is wrong ------------------------------------------------------------


@pytest.mark.parametrize("raw", [
    b"garbage\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET http://a b/ HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET ftp://10.77.99.1/ HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET " + b"x" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET http://10.77.99.1/ HTTP/1.1\r\nHost: a\r\nX: "
    + b"y" * 200_000 + b"\r\n\r\n",
    b"POST http://10.77.98.1/echo/0/s HTTP/1.1\r\nHost: a\r\n"
    b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST http://10.77.98.1/echo/0/s HTTP/1.1\r\nHost: a\r\n"
    b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
    b"CONNECT 10.77.99.1 HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03",
    b"",
], ids=["garbage", "version", "target", "scheme", "long-line", "long-header",
        "smuggling", "two-lengths", "no-port", "tls", "nothing"])
def test_bad_requests_are_refused_and_do_no_harm(pod, tmp_path, raw):
    out = exchange(pod, raw, tmp_path)
    assert out == b"" or out.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5",
                                         b"HTTP/1.0 4", b"HTTP/1.0 5"))
    assert_exact(pod.get(f"{NGINX}/1000.bin"), "1000.bin", 1000)


def test_nothing_stays_active_after_the_last_answer(pod):
    pod.get(f"{NGINX}/1000.bin")
    wait_until(lambda: pod[1].status()["proxy"]["active"] == 0, 5,
               "nothing is active")
