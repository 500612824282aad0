"""Messages that break RFC 9110 and 9112, or that two readers could read in two
ways: one row each, byte by byte, through a real daemon."""

import json
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

import harness
import origin_shapes
import pytest
from local import RESET, Answer, LocalDaemon, request
from raw_origin import RawOrigin

FORWARDED = "forwarded"


@pytest.fixture(scope="module")
def origin():
    """The port of a hostile origin."""
    with harness.hostile_origin() as port:
        yield port


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    with LocalDaemon(tmp_path_factory.mktemp("messages")) as daemon:
        yield daemon


def asked(proxy, origin, path: str) -> list:
    """The requests that reached the origin at a path."""
    log = json.loads(proxy.get(f"http://127.0.0.1:{origin}/__log").body)
    return [entry for entry in log if entry["path"].startswith(path)]


# -- requests -----------------------------------------------------------------

GET = "GET {url} HTTP/1.1\r\nHost: {host}\r\n"
POST = "POST {url} HTTP/1.1\r\nHost: {host}\r\n"

# Each row: what is wrong, the bytes, the status or that it is forwarded.
REQUESTS = [
    # A proper one, so that the table tells right from wrong.
    ("proper", GET + "\r\n", FORWARDED),
    ("proper-1.0", "GET {url} HTTP/1.0\r\n\r\n", FORWARDED),
    ("proper-post", POST + "Content-Length: 5\r\n\r\nhello", FORWARDED),
    ("proper-chunked", POST + "Transfer-Encoding: chunked\r\n\r\n"
     "5\r\nhello\r\n0\r\n\r\n", FORWARDED),
    ("coding-in-capitals", POST + "Transfer-Encoding: CHUNKED\r\n\r\n"
     "5\r\nhello\r\n0\r\n\r\n", FORWARDED),
    ("chunk-extension", POST + "Transfer-Encoding: chunked\r\n\r\n"
     '5;a=b;c="d e"\r\nhello\r\n0\r\n\r\n', FORWARDED),
    ("trailer", POST + "Transfer-Encoding: chunked\r\nTrailer: X\r\n\r\n"
     "5\r\nhello\r\n0\r\nX: y\r\n\r\n", FORWARDED),
    ("empty-lines-before", "\r\n\r\n" + GET + "\r\n", FORWARDED),
    ("empty-value", GET + "X:\r\n\r\n", FORWARDED),
    ("latin-1-value", GET + "X: \xe4\xf6\r\n\r\n", FORWARDED),
    ("tabs-around-value", GET + "X:\t y\t \r\n\r\n", FORWARDED),
    # Two lengths: smuggling (RFC 9112, 6.1, 6.3, 11.2).
    ("length-then-coding", POST + "Content-Length: 5\r\n"
     "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("coding-then-length", POST + "Transfer-Encoding: chunked\r\n"
     "Content-Length: 5\r\n\r\n0\r\n\r\n", 400),
    ("two-lengths-differ", POST + "Content-Length: 5\r\nContent-Length: 6\r\n"
     "\r\nhello!", 400),
    ("two-lengths-agree", POST + "Content-Length: 5\r\nContent-Length: 5\r\n"
     "\r\nhello", 400),
    ("length-list", POST + "Content-Length: 5, 5\r\n\r\nhello", 400),
    ("length-list-differs", POST + "Content-Length: 5, 6\r\n\r\nhello", 400),
    ("length-plus", POST + "Content-Length: +5\r\n\r\nhello", 400),
    ("length-minus", POST + "Content-Length: -5\r\n\r\nhello", 400),
    ("length-hex", POST + "Content-Length: 0x5\r\n\r\nhello", 400),
    ("length-float", POST + "Content-Length: 5.0\r\n\r\nhello", 400),
    ("length-empty", POST + "Content-Length:\r\n\r\nhello", 400),
    ("length-word", POST + "Content-Length: five\r\n\r\nhello", 400),
    ("length-inner-space", POST + "Content-Length: 1 0\r\n\r\nhello", 400),
    ("length-vertical-tab", POST + "Content-Length: \x0b5\r\n\r\nhello", 400),
    ("length-overflows", POST + "Content-Length: 18446744073709551621\r\n\r\n"
     "hello", 400),
    ("length-underscore", POST + "Content_Length: 5\r\n"
     "Content-Length: 0\r\n\r\n", FORWARDED),
    # Transfer codings.
    ("coding-gzip", POST + "Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n", 400),
    ("coding-gzip-chunked", POST + "Transfer-Encoding: gzip, chunked\r\n\r\n"
     "0\r\n\r\n", 501),
    ("coding-chunked-gzip", POST + "Transfer-Encoding: chunked, gzip\r\n\r\n"
     "0\r\n\r\n", 400),
    ("coding-identity", POST + "Transfer-Encoding: identity\r\n\r\n", 400),
    ("coding-twice", POST + "Transfer-Encoding: chunked\r\n"
     "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("coding-list-twice", POST + "Transfer-Encoding: chunked, chunked\r\n\r\n"
     "0\r\n\r\n", 400),
    ("coding-two-fields", POST + "Transfer-Encoding: chunked\r\n"
     "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n", 400),
    ("coding-prefix", POST + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
     400),
    ("coding-quoted", POST + 'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
     400),
    ("coding-parameter", POST + "Transfer-Encoding: chunked;q=1\r\n\r\n"
     "0\r\n\r\n", 400),
    ("coding-vertical-tab", POST + "Transfer-Encoding: \x0bchunked\r\n\r\n"
     "0\r\n\r\n", 400),
    ("coding-empty", POST + "Transfer-Encoding:\r\n\r\n", 400),
    ("coding-in-1.0", "POST {url} HTTP/1.0\r\nTransfer-Encoding: chunked\r\n"
     "\r\n0\r\n\r\n", 400),
    # Lines and names.
    ("bare-lf", "GET {url} HTTP/1.1\nHost: {host}\n\n", 400),
    ("bare-lf-in-field", GET + "X: y\nZ: w\r\n\r\n", 400),
    ("bare-cr-in-field", GET + "X: y\rZ: w\r\n\r\n", 400),
    ("bare-cr-in-line", "GET {url}\rX HTTP/1.1\r\nHost: {host}\r\n\r\n", 400),
    ("nul-in-value", GET + "X: a\0b\r\n\r\n", 400),
    ("nul-in-name", GET + "X\0: a\r\n\r\n", 400),
    ("nul-in-target", "GET {url}\0 HTTP/1.1\r\nHost: {host}\r\n\r\n", 400),
    ("delete-in-value", GET + "X: a\x7fb\r\n\r\n", 400),
    ("fold", GET + "X: a\r\n b\r\n\r\n", 400),
    ("fold-with-tab", GET + "X: a\r\n\tb\r\n\r\n", 400),
    ("fold-before-fields", "GET {url} HTTP/1.1\r\n Host: {host}\r\n\r\n", 400),
    ("fold-hides-coding", POST + "X: y\r\n Transfer-Encoding: chunked\r\n\r\n",
     400),
    ("space-before-colon", POST + "Content-Length : 5\r\n\r\nhello", 400),
    ("tab-before-colon", POST + "Transfer-Encoding\t: chunked\r\n\r\n", 400),
    ("space-in-name", GET + "X Y: z\r\n\r\n", 400),
    ("empty-name", GET + ": z\r\n\r\n", 400),
    ("no-colon", GET + "nonsense\r\n\r\n", 400),
    ("name-not-a-token", GET + "X(Y): z\r\n\r\n", 400),
    ("name-not-ascii", GET + "\xc3\xa4: z\r\n\r\n", 400),
    ("head-cut-off", GET + "X: y\r\n", 400),
    # The request line.
    ("http-0.9", "GET {url}\r\n\r\n", 400),
    ("http-0.9-origin-form", "GET /\r\n\r\n", 400),
    ("version-1.2", "GET {url} HTTP/1.2\r\nHost: {host}\r\n\r\n", 505),
    ("version-2", "GET {url} HTTP/2.0\r\nHost: {host}\r\n\r\n", 505),
    ("version-2-preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ("version-lower-case", "GET {url} http/1.1\r\nHost: {host}\r\n\r\n", 400),
    ("version-short", "GET {url} HTTP/1\r\nHost: {host}\r\n\r\n", 400),
    ("version-long", "GET {url} HTTP/1.10\r\nHost: {host}\r\n\r\n", 400),
    ("two-spaces", "GET  {url} HTTP/1.1\r\nHost: {host}\r\n\r\n", 400),
    ("space-after-version", "GET {url} HTTP/1.1 \r\nHost: {host}\r\n\r\n", 400),
    ("tab-between", "GET\t{url}\tHTTP/1.1\r\nHost: {host}\r\n\r\n", 400),
    ("space-in-target", "GET {url} x HTTP/1.1\r\nHost: {host}\r\n\r\n", 400),
    ("method-not-a-token", "G(T {url} HTTP/1.1\r\nHost: {host}\r\n\r\n", 400),
    ("method-empty", " {url} HTTP/1.1\r\nHost: {host}\r\n\r\n", 400),
    ("method-unknown", "BREW {url} HTTP/1.1\r\nHost: {host}\r\n\r\n",
     FORWARDED),
    ("method-too-long", "G" * 100 + " {url} HTTP/1.1\r\nHost: {host}\r\n\r\n",
     501),
    ("line-too-long", "GET {url}" + "x" * 40_000 + " HTTP/1.1\r\n"
     "Host: {host}\r\n\r\n", 414),
    ("line-endless", "GET {url}" + "x" * 100_000, 414),
    ("line-long", "GET {url}" + "x" * 30_000 + " HTTP/1.1\r\n"
     "Host: {host}\r\n\r\n", FORWARDED),
    ("field-too-long", GET + "X: " + "y" * 100_000 + "\r\n\r\n", 431),
    ("field-long", GET + "X: " + "y" * 50_000 + "\r\n\r\n", FORWARDED),
    ("fields-too-many", GET + "X: y\r\n" * 300 + "\r\n", 431),
    ("fields-many", GET + "X: y\r\n" * 250 + "\r\n", FORWARDED),
    ("fields-endless", GET + "X: y\r\n" * 20_000, 431),
    # Targets and hosts.
    ("no-host", "GET {url} HTTP/1.1\r\n\r\n", 400),
    ("two-hosts", GET + "Host: {host}\r\n\r\n", 400),
    ("two-hosts-differ", GET + "Host: other.test\r\n\r\n", 400),
    ("other-host", "GET {url} HTTP/1.1\r\nHost: other.test\r\n\r\n",
     FORWARDED),
    ("empty-host", "GET {url} HTTP/1.1\r\nHost:\r\n\r\n", FORWARDED),
    ("bad-host", "GET {url} HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    ("host-with-path", "GET {url} HTTP/1.1\r\nHost: {host}/x\r\n\r\n", 400),
    ("host-with-user", "GET {url} HTTP/1.1\r\nHost: u@{host}\r\n\r\n", 400),
    ("host-list", "GET {url} HTTP/1.1\r\nHost: a.test, b.test\r\n\r\n", 400),
    ("host-bad-port", "GET {url} HTTP/1.1\r\nHost: a.test:99999\r\n\r\n", 400),
    ("host-folded", "GET {url} HTTP/1.1\r\nHost:\r\n {host}\r\n\r\n", 400),
    ("url-without-host", "GET http:///x HTTP/1.1\r\nHost: {host}\r\n\r\n", 400),
    ("url-bad-port", "GET http://127.0.0.1:0/x HTTP/1.1\r\nHost: a\r\n\r\n",
     400),
    ("url-bad-address", "GET http://[::1/x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("url-backslash", "GET http://a\\@{host}/x HTTP/1.1\r\nHost: a\r\n\r\n",
     400),
    ("ftp", "GET ftp://{host}/x HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    ("websocket-scheme", "GET ws://{host}/x HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    ("mailto", "GET mailto:a@b HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    ("file", "GET file:///etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    ("authority-form", "GET {host} HTTP/1.1\r\nHost: {host}\r\n\r\n", 400),
    ("relative", "GET x/y HTTP/1.1\r\nHost: {host}\r\n\r\n", 400),
    ("star", "GET * HTTP/1.1\r\nHost: {host}\r\n\r\n", 400),
    ("origin-form", "GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n", 400),
    ("connect-without-port", "CONNECT 127.0.0.1 HTTP/1.1\r\nHost: a\r\n\r\n",
     400),
    ("connect-url", "CONNECT {url} HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("connect-with-body", "CONNECT {host} HTTP/1.1\r\nHost: a\r\n"
     "Content-Length: 5\r\n\r\nhello", 400),
    ("body-cut-off", POST + "Content-Length: 100\r\n\r\nhey", 400),
    # Chunks.
    *((f"chunk-{name}", POST + "Transfer-Encoding: chunked\r\n\r\n" + body,
       400) for name, body in (
        ("size-empty", "\r\nhello\r\n0\r\n\r\n"),
        ("size-word", "five\r\nhello\r\n0\r\n\r\n"),
        ("size-negative", "-5\r\nhello\r\n0\r\n\r\n"),
        ("size-plus", "+5\r\nhello\r\n0\r\n\r\n"),
        ("size-0x", "0x5\r\nhello\r\n0\r\n\r\n"),
        ("size-underscore", "1_0\r\nhellohellohello!\r\n0\r\n\r\n"),
        ("size-overflows", "ffffffffffffffff5\r\nhello\r\n0\r\n\r\n"),
        ("space-before-size", " 5\r\nhello\r\n0\r\n\r\n"),
        ("bare-lf-after-size", "5\nhello\r\n0\r\n\r\n"),
        ("bare-cr-after-size", "5\rhello\r\n0\r\n\r\n"),
        ("no-crlf-after-data", "5\r\nhello0\r\n\r\n"),
        ("bare-lf-after-data", "5\r\nhello\n0\r\n\r\n"),
        ("longer-than-size", "5\r\nhello, world\r\n0\r\n\r\n"),
        ("lf-in-extension", "5;a=\nb\r\nhello\r\n0\r\n\r\n"),
        ("extension-too-large", "5;" + "a" * 200_000 + "\r\nhello\r\n0\r\n"
         "\r\n"),
        ("cut-off", "5\r\nhel"),
        ("no-last", "5\r\nhello\r\n"),
        ("trailer-too-large", "0\r\nX: " + "y" * 200_000 + "\r\n\r\n"),
        ("trailer-nonsense", "5\r\nhello\r\n0\r\nno colon\r\n\r\n"),
        ("trailer-space-before-colon", "5\r\nhello\r\n0\r\nX : y\r\n\r\n"),
        ("trailer-bare-lf", "5\r\nhello\r\n0\r\nX: y\n\r\n\r\n"),
    )),
    # Other protocols.
    ("tls", "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03", 400),
    ("socks-5", "\x05\x01\x00", 400),
    ("socks-4", "\x04\x01\x00\x50\x7f\x00\x00\x01\x00", 400),
    ("ssh", "SSH-2.0-OpenSSH_9.2\r\n\r\n", 400),
    ("smtp", "EHLO a.test\r\n\r\n", 400),
]


@pytest.mark.parametrize("name, raw, verdict", REQUESTS,
                         ids=[row[0] for row in REQUESTS])
def test_a_request_is_forwarded_anew_or_refused(proxy, origin, name, raw,
                                                verdict):
    path = f"/echo/0/{name}"
    host = f"127.0.0.1:{origin}"
    raw = raw.replace("{url}", f"http://{host}{path}")
    raw = raw.replace("{host}", host).replace("{path}", path)
    answer = Answer(proxy.exchange(raw.encode("latin-1")))
    seen = asked(proxy, origin, path)
    if verdict == FORWARDED:
        assert (answer.status, len(seen)) == (200, 1)
        assert seen[0]["headers"]["host"] == host
        assert answer.body in (b"", b"hello")
    else:
        assert answer.status == verdict
        assert answer.count == 1
        # A body that breaks later may have begun; nothing whole arrived.
        assert all(entry["sent"] == 0 for entry in seen)
        assert name.startswith(("body-", "chunk-")) or not seen


def test_what_follows_a_refused_request_is_not_read_as_one(proxy, origin):
    smuggled = f"GET http://127.0.0.1:{origin}/echo/0/smuggled HTTP/1.1\r\n" \
               f"Host: a\r\n\r\n"
    outer = (f"POST http://127.0.0.1:{origin}/echo/0/outer HTTP/1.1\r\n"
             "Host: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n"
             f"\r\n0\r\n\r\n{smuggled}")
    answer = Answer(proxy.exchange(outer.encode()))
    assert (answer.status, answer.count) == (400, 1)
    assert asked(proxy, origin, "/echo/0/smuggled") == []


def test_a_refusal_says_why_to_people_and_to_programs(proxy):
    answer = Answer(proxy.exchange(b"GET ftp://a.test/x HTTP/1.1\r\n"
                                   b"Host: a.test\r\n\r\n"))
    assert answer.status == 501
    assert "only http and https" in answer.text
    assert "error=http_request_error" in answer.fields["proxy-status"]
    assert answer.fields["connection"] == "close"


# -- responses ----------------------------------------------------------------

#: What RFC 9112, 5.1 has a proxy mend.
MENDED = ("space-before-colon", "space-before-colon-of-trailer")

HEADS = [name for name in origin_shapes.SHAPES
         if name not in origin_shapes.BODY_SHAPES and name not in MENDED]


@pytest.mark.parametrize("shape", MENDED)
def test_white_space_before_a_colon_is_removed(proxy, origin, shape):
    answer = proxy.get(f"http://127.0.0.1:{origin}/raw,shape={shape}/0/x")
    assert answer.status == 200
    assert answer.body in (b"hello", b"5\r\nhello\r\n0\r\n\r\n")


@pytest.mark.parametrize("shape", HEADS)
def test_a_malformed_answer_is_a_502_and_not_passed_on(proxy, origin, shape):
    answer = proxy.get(f"http://127.0.0.1:{origin}/raw,shape={shape}/0/x")
    assert answer.status == 502
    assert "error=" in answer.fields["proxy-status"]
    assert b"hello" not in answer.raw
    assert answer.count == 1
    assert int(answer.fields["content-length"]) == len(answer.body)


@pytest.mark.parametrize("shape", origin_shapes.BODY_SHAPES)
def test_a_malformed_body_never_looks_complete(proxy, origin, shape):
    answer = proxy.get(f"http://127.0.0.1:{origin}/raw,shape={shape}/0/x")
    if answer.status == 200:
        assert answer.raw.endswith(RESET)
        assert not answer.raw.removesuffix(RESET).endswith(b"0\r\n\r\n")
    else:
        assert answer.status == 502


def test_a_whole_answer_is_written_anew(proxy, origin):
    answer = proxy.get(f"http://127.0.0.1:{origin}/range/5/x")
    assert (answer.status, len(answer.body)) == (200, 5)
    assert " PeaPod" not in answer.fields["via"]
    assert answer.fields["connection"] == "close"


def test_a_bare_status_is_taken(proxy):
    site = RawOrigin({"": lambda to, _: to.sendall(
        b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello")})
    answer = proxy.get(site.url(""))
    assert (answer.status, answer.body) == (200, b"hello")
    assert answer.raw.startswith(b"HTTP/1.1 200 \r\n")
    site.close()


STREAM = b"\xff\xfb\x90" * 40_000


def answering(*pieces: bytes):
    """An origin that sends these bytes as its answer to anything, and ends."""
    return RawOrigin({"": lambda to, _: to.sendall(b"".join(pieces))})


@pytest.mark.parametrize("client", ["1.0", "1.1"])
def test_a_stream_of_shoutcast_is_passed_on_as_http(proxy, client):
    site = answering(b"ICY 200 OK\r\nicy-name: Radio\r\n"
                     b"Content-Type: audio/mpeg\r\n\r\n", STREAM)
    host = f"127.0.0.1:{site.port}"
    raw = proxy.exchange(f"GET http://{host}/ HTTP/{client}\r\nHost: {host}\r\n"
                         "Icy-MetaData: 1\r\n\r\n".encode())
    answer = Answer(raw)
    assert answer.status == 200
    assert answer.fields["icy-name"] == "Radio"
    if client == "1.0":
        assert answer.body == STREAM
        assert answer.fields["connection"] == "close"
    else:
        assert answer.fields["transfer-encoding"] == "chunked"
        assert unchunked(answer.body) == STREAM
    site.close()


def unchunked(body: bytes) -> bytes:
    out = b""
    while True:
        size, _, body = body.partition(b"\r\n")
        if int(size, 16) == 0:
            assert body == b"\r\n"
            return out
        out += body[:int(size, 16)]
        body = body[int(size, 16) + 2:]


@pytest.mark.parametrize("line", ["ICY 20 OK", "ICY 2000 OK", "icy 200 OK",
                                  "ICY OK", "ICECAST 200 OK"])
def test_what_only_looks_like_shoutcast_is_a_502(proxy, line):
    site = answering(line.encode() + b"\r\n\r\nhello")
    answer = proxy.get(site.url(""))
    assert (answer.status, b"hello" in answer.raw) == (502, False)
    site.close()


def is_of_now(date: str) -> bool:
    since = parsedate_to_datetime(date)
    return abs((datetime.now(timezone.utc) - since).total_seconds()) < 60


@pytest.mark.parametrize("head", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n",
    b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n",
    b"HTTP/1.1 204 No Content\r\n"], ids=["200", "302", "404", "204"])
def test_an_answer_without_a_date_gets_one(proxy, head):
    site = answering(head, b"\r\n")
    assert is_of_now(proxy.get(site.url("")).fields["date"])
    site.close()


def test_a_date_that_is_there_stays_alone(proxy):
    date = "Sun, 06 Nov 1994 08:49:37 GMT"
    site = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
                     b"Date: ", date.encode(), b"\r\n\r\n")
    answer = proxy.get(site.url(""))
    assert answer.raw.lower().count(b"\r\ndate:") == 1
    assert answer.fields["date"] == date
    site.close()


def test_a_pooled_download_gets_a_date_and_so_do_own_answers(proxy):
    body = b"x" * 4_000_000
    site = answering(b'HTTP/1.1 200 OK\r\nETag: "a"\r\nAccept-Ranges: bytes\r\n'
                     b"Cache-Control: public, max-age=3600\r\n"
                     b"Content-Length: 4000000\r\n\r\n", body)
    answer = proxy.get(site.url(""))
    assert (answer.status, answer.body == body) == (200, True)
    assert is_of_now(answer.fields["date"])
    site.close()
    for raw in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", request("OPTIONS", "*"),
                b"GET http://127.0.0.1:1/ HTTP/1.1\r\nHost: a\r\n\r\n"):
        assert is_of_now(Answer(proxy.exchange(raw)).fields["date"])


@pytest.mark.parametrize("options", ["Upgrade", "close"])
def test_a_demand_for_an_upgrade_says_to_which_protocol(proxy, options):
    """Whether or not the origin names it in `Connection`, as it has to."""
    site = answering(b"HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\n"
                     b"Connection: ", options.encode(), b"\r\n"
                     b"Content-Length: 5\r\n\r\nhello")
    answer = proxy.get(site.url(""))
    assert (answer.status, answer.body) == (426, b"hello")
    assert answer.fields["upgrade"] == "websocket"
    assert answer.fields["connection"] == "close, Upgrade"
    site.close()


def test_an_offer_of_an_upgrade_ends_here(proxy):
    site = answering(b"HTTP/1.1 200 OK\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n"
                     b"Content-Length: 0\r\n\r\n")
    answer = proxy.get(site.url(""))
    assert (answer.status, answer.fields.get("upgrade")) == (200, None)
    site.close()


@pytest.mark.parametrize("head", [
    "Content-Length: 100000", "Transfer-Encoding: chunked",
    "Content-Length: 5\r\nExpect: 100-continue"])
def test_an_answer_before_the_request_is_whole_says_that_it_is_the_last(
        proxy, head):
    site = answering(b"HTTP/1.1 413 Content Too Large\r\n"
                     b"Content-Length: 2\r\n\r\nno")
    host = f"127.0.0.1:{site.port}"
    raw = proxy.exchange(f"POST http://{host}/ HTTP/1.1\r\nHost: {host}\r\n"
                         f"{head}\r\n\r\n".encode(), end=False)
    answer = Answer(raw)
    assert (answer.status, answer.body) == (413, b"no")
    assert answer.fields["connection"] == "close"
    site.close()


def test_an_empty_body_that_was_announced_keeps_the_connection(proxy):
    """Nothing of it is left to be read when the answer has come."""
    site = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    one = (f"POST {site.url('')} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n"
           "Expect: 100-continue\r\n\r\n").encode()
    answer = Answer(proxy.exchange(one + request("GET", site.url(""))))
    assert (answer.status, answer.count) == (200, 2)
    site.close()


# -- requests for the proxy itself --------------------------------------------


def test_a_browser_that_opens_the_proxy_reads_what_it_is(proxy):
    raw = (f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{proxy.port}\r\n"
           "Accept: text/html,*/*\r\n\r\n")
    answer = Answer(proxy.exchange(raw.encode()))
    assert answer.status == 400
    assert answer.fields["content-type"].startswith("text/html")
    assert f"127.0.0.1:{proxy.port}" in answer.text
    assert "proxy, not a web site" in answer.text


def test_options_of_the_proxy_itself(proxy):
    answer = Answer(proxy.exchange(request("OPTIONS", "*")))
    assert (answer.status, answer.body) == (200, b"")
    assert "CONNECT" in answer.fields["allow"]


def test_options_of_a_whole_origin_get_a_star(proxy, origin):
    Answer(proxy.exchange(request("OPTIONS", f"http://127.0.0.1:{origin}")))
    assert asked(proxy, origin, "*")[-1]["method"] == "OPTIONS"


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE"])
def test_max_forwards_is_counted_down(proxy, origin, method):
    path = f"/show-headers/0/{method}"
    url = f"http://127.0.0.1:{origin}{path}"
    Answer(proxy.exchange(request(method, url, "Max-Forwards: 7")))
    assert asked(proxy, origin, path)[-1]["headers"]["max-forwards"] == "6"
    before = len(asked(proxy, origin, path))
    answer = Answer(proxy.exchange(
        request(method, url, "Max-Forwards: 0", "Cookie: secret=1", "X: y")))
    assert answer.status == 200
    assert len(asked(proxy, origin, path)) == before
    if method == "TRACE":
        assert answer.fields["content-type"] == "message/http"
        assert answer.text.startswith(f"TRACE {url} HTTP/1.1\r\n")
        assert "X: y\r\n" in answer.text and "secret" not in answer.text


@pytest.mark.parametrize("value", ["-1", "x", "", "1.5"])
def test_a_senseless_max_forwards_is_refused(proxy, origin, value):
    url = f"http://127.0.0.1:{origin}/range/0/x"
    answer = Answer(proxy.exchange(request("TRACE", url,
                                           f"Max-Forwards: {value}")))
    assert answer.status == 400


def test_max_forwards_of_other_methods_is_passed_on(proxy, origin):
    path = "/show-headers/0/get"
    answer = proxy.get(f"http://127.0.0.1:{origin}{path}", "Max-Forwards: 0")
    assert json.loads(answer.body)["headers"]["max-forwards"] == "0"


def test_a_trace_with_a_body_is_refused(proxy, origin):
    url = f"http://127.0.0.1:{origin}/range/0/x"
    answer = Answer(proxy.exchange(
        request("TRACE", url, "Content-Length: 1", body=b"x")))
    assert answer.status == 400


def test_the_proxy_is_not_reached_through_itself(proxy):
    loop = proxy.get(f"http://127.0.0.1:{proxy.port}/x")
    assert loop.status == 508
    tunnel = Answer(proxy.exchange(
        request("CONNECT", f"127.0.0.1:{proxy.port}")))
    assert tunnel.status == 508
    assert "error=proxy_loop_detected" in tunnel.fields["proxy-status"]


def test_a_switch_to_http_2_is_not_offered_to_an_origin(proxy, origin):
    path = "/show-headers/0/h2c"
    proxy.get(f"http://127.0.0.1:{origin}{path}", "Upgrade: h2c",
              "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMA")
    seen = asked(proxy, origin, path)[-1]["headers"]
    assert "upgrade" not in seen and "http2-settings" not in seen
