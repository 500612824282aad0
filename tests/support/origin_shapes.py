"""Answers that break RFC 9112, or that two readers could read in two ways. No
client behind a proxy may ever see one of them, or a body of one of them as if
it were whole."""

OK = b"HTTP/1.1 200 OK\r\n"
BODY = b"Content-Length: 5\r\n\r\nhello"

#: By name, in the order of RFC 9112. What is wrong stands in the name.
SHAPES = {
    "no-status-line": b"hello, I am no web server\r\n\r\n",
    "http-0.9": b"<html>no head at all</html>",
    "ssh-banner": b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
    "tls-alert": b"\x15\x03\x01\x00\x02\x02\x46",
    "version-2": b"HTTP/2.0 200 OK\r\n" + BODY,
    "version-lower-case": b"http/1.1 200 OK\r\n" + BODY,
    "status-of-two-digits": b"HTTP/1.1 20 OK\r\n" + BODY,
    "status-of-four-digits": b"HTTP/1.1 2000 OK\r\n" + BODY,
    "status-word": b"HTTP/1.1 OK\r\n" + BODY,
    "bare-lf": b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
    "bare-lf-in-one-line": OK + b"X: y\n" + BODY,
    "bare-cr": OK + b"X: a\rb\r\n" + BODY,
    "nul-in-field": OK + b"X: a\0b\r\n" + BODY,
    "nul-in-reason": b"HTTP/1.1 200 O\0K\r\n" + BODY,
    "folded-field": OK + b"X: a\r\n b\r\n" + BODY,
    "folded-length": OK + b"Content-Length:\r\n 5\r\n\r\nhello",
    "space-before-colon": OK + b"Content-Length : 5\r\n\r\nhello",
    "space-before-colon-of-trailer": OK + b"Transfer-Encoding: chunked\r\n\r\n"
                                     b"5\r\nhello\r\n0\r\nX : y\r\n\r\n",
    "space-before-field": OK + b" X: y\r\n" + BODY,
    "no-colon": OK + b"nonsense\r\n" + BODY,
    "empty-name": OK + b": x\r\n" + BODY,
    "two-lengths": OK + b"Content-Length: 4\r\n" + BODY,
    "length-list-differs": OK + b"Content-Length: 5, 6\r\n\r\nhello",
    "length-with-plus": OK + b"Content-Length: +5\r\n\r\nhello",
    "length-negative": OK + b"Content-Length: -5\r\n\r\nhello",
    "length-hexadecimal": OK + b"Content-Length: 0x5\r\n\r\nhello",
    "length-empty": OK + b"Content-Length:\r\n\r\nhello",
    "length-overflows": OK + b"Content-Length: 18446744073709551621\r\n\r\n"
                        b"hello",
    "length-and-coding": OK + b"Transfer-Encoding: chunked\r\n"
                         b"Content-Length: 3\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "coding-gzip": OK + b"Transfer-Encoding: gzip\r\n\r\nhello",
    "coding-identity": OK + b"Transfer-Encoding: identity\r\n\r\nhello",
    "coding-chunked-not-last": OK + b"Transfer-Encoding: chunked, gzip\r\n\r\n"
                               b"5\r\nhello\r\n0\r\n\r\n",
    "coding-chunked-twice": OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n"
                            b"5\r\nhello\r\n0\r\n\r\n",
    "coding-in-two-fields": OK + b"Transfer-Encoding: chunked\r\n"
                            b"Transfer-Encoding: chunked\r\n\r\n"
                            b"5\r\nhello\r\n0\r\n\r\n",
    "coding-with-tab": OK + b"Transfer-Encoding: \x0bchunked\r\n\r\n"
                       b"5\r\nhello\r\n0\r\n\r\n",
    "coding-in-http-1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n"
                          b"\r\n5\r\nhello\r\n0\r\n\r\n",
    "head-without-end": OK + b"X: y\r\n",
    "head-too-large": OK + b"X: " + b"y" * 200_000 + b"\r\n" + BODY,
    "too-many-fields": OK + b"X: y\r\n" * 5_000 + BODY,
    "endless-interim": b"HTTP/1.1 102 Processing\r\n\r\n" * 1_000,
    "unasked-switch": b"HTTP/1.1 101 Switching Protocols\r\n"
                      b"Connection: upgrade\r\nUpgrade: nonsense\r\n\r\nhello",
    "closed-at-once": b"HTTP",
}

#: The head is fine, the body is not: a client may get the head, but has to see
#: that the body failed.
BODY_SHAPES = {
    f"chunk-{name}": OK + b"Transfer-Encoding: chunked\r\n\r\n" + body
    for name, body in {
        "size-empty": b"\r\nhello\r\n0\r\n\r\n",
        "size-word": b"five\r\nhello\r\n0\r\n\r\n",
        "size-negative": b"-5\r\nhello\r\n0\r\n\r\n",
        "size-with-plus": b"+5\r\nhello\r\n0\r\n\r\n",
        "size-with-0x": b"0x5\r\nhello\r\n0\r\n\r\n",
        "size-overflows": b"ffffffffffffffff5\r\nhello\r\n0\r\n\r\n",
        "size-largest": b"ffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        "space-before-size": b" 5\r\nhello\r\n0\r\n\r\n",
        "bare-lf-after-size": b"5\nhello\r\n0\r\n\r\n",
        "no-crlf-after-data": b"5\r\nhello0\r\n\r\n",
        "bare-lf-after-data": b"5\r\nhello\n0\r\n\r\n",
        "longer-than-size": b"5\r\nhello, world\r\n0\r\n\r\n",
        "extension-with-lf": b"5;a=\nb\r\nhello\r\n0\r\n\r\n",
        "extension-too-large": b"5;" + b"a" * 200_000 + b"\r\nhello\r\n0\r\n\r\n",
        "trailer-without-end": b"5\r\nhello\r\n0\r\nX: y\r\n",
        "trailer-too-large": b"5\r\nhello\r\n0\r\nX: " + b"y" * 200_000
                             + b"\r\n\r\n",
        "trailer-nonsense": b"5\r\nhello\r\n0\r\nno colon\r\n\r\n",
        "last-missing": b"5\r\nhello\r\n",
        "cut-in-data": b"5\r\nhel",
    }.items()
}
BODY_SHAPES["length-too-long"] = OK + b"Content-Length: 9\r\n\r\nhello"

SHAPES.update(BODY_SHAPES)
