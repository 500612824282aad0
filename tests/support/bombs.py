"""Answers of origins that are too much of something (raw_origin.py serves
them)."""

import contextlib
import zlib

MIB = 1024 * 1024
BODY = bytes(range(256)) * 400


def head(*fields: str, status: str = "200 OK") -> bytes:
    return ("\r\n".join([f"HTTP/1.1 {status}", "Connection: close", *fields])
            + "\r\n\r\n").encode()


def honest(sock, came):
    sock.sendall(head(f"Content-Length: {len(BODY)}") + BODY)


def endless(sock, came):
    """a body that never ends"""
    sock.sendall(head())
    while True:
        sock.sendall(bytes(1 << 18))


def endless_pooled(sock, came):
    """a large body that looks like one to pool"""
    sock.sendall(head(f"Content-Length: {1 << 30}", 'ETag: "a"',
                      "Accept-Ranges: bytes"))
    for _ in range(1 << 12):
        sock.sendall(bytes(1 << 18))


def endless_head(sock, came):
    sock.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in range(1 << 20):
        sock.sendall(b"X-%d: %s\r\n" % (number, b"x" * 1000))


def long_field(sock, came):
    sock.sendall(head("X: " + "x" * 8 * MIB))


def many_fields(sock, came):
    sock.sendall(head(*(f"X-{n}: y" for n in range(10_000)),
                      "Content-Length: 0"))


def interim_heads(sock, came):
    while True:
        sock.sendall(head(status="103 Early Hints") * 100)


def long_extension(sock, came):
    sock.sendall(head("Transfer-Encoding: chunked")
                 + b"1;" + b"x" * 8 * MIB + b"\r\na\r\n0\r\n\r\n")


def extensions(sock, came):
    """a kilobyte of extension for each byte"""
    sock.sendall(head("Transfer-Encoding: chunked")
                 + (b"1;" + b"x" * 1000 + b"\r\na\r\n") * 5000 + b"0\r\n\r\n")


def long_trailer(sock, came):
    sock.sendall(head("Transfer-Encoding: chunked") + b"1\r\na\r\n0\r\n")
    for number in range(10_000):
        sock.sendall(b"X-%d: %s\r\n" % (number, b"x" * 1000))


def zeros_packed(count: int) -> bytes:
    """So many bytes of zeros as gzip."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(MIB)
    return b"".join(packer.compress(block) for _ in range(count // MIB)
                    ) + packer.flush()


BOMB = zeros_packed(256 * MIB)


def bomb(sock, came):
    """256 MiB of zeros in some hundred kilobytes"""
    sock.sendall(head(f"Content-Length: {len(BOMB)}", 'ETag: "b"',
                      "Accept-Ranges: bytes", "Content-Encoding: gzip") + BOMB)


def takes_it(sock, came):
    """reads a request's body to its end and says how long it was"""
    with contextlib.suppress(OSError):
        while not came.endswith(b"0\r\n\r\n") and (got := sock.recv(1 << 16)):
            came += got
    body = came.partition(b"\r\n\r\n")[2]
    sock.sendall(head(f"Content-Length: {len(str(len(body)))}")
                 + str(len(body)).encode())


def waits(sock, came):
    """reads, and never answers"""
    while sock.recv(1 << 16):
        pass


ANSWERS = {f.__name__: f for f in (
    honest, endless, endless_pooled, endless_head, long_field, many_fields,
    interim_heads, long_extension, extensions, long_trailer, bomb, takes_it,
    waits)}
