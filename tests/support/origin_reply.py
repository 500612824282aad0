"""What a request to the hostile origin and its reply are, and the honest
reply that most behaviours begin with."""

import hashlib
import http
import json
import re
from dataclasses import dataclass, field
from email.utils import formatdate

import content

LAST_MODIFIED = "Wed, 01 May 2024 10:00:00 GMT"


@dataclass
class Request:
    """One request; header names are in lower case."""

    method: str
    target: str
    headers: dict
    client: str
    body: bytes = b""


@dataclass
class Resource:
    """What the URL asks for, and the memory kept for this very URL."""

    behaviour: str
    options: dict  # all that the behaviour has; None: left out
    size: int
    name: str
    memory: dict


@dataclass
class Reply:
    """A response, its body by seed and range or as bytes, and how it fails."""

    status: int = 200
    headers: list = field(default_factory=list)
    seed: str = ""
    start: int = 0
    end: int = 0
    data: bytes = b""
    framing: str = "length"  # or chunked, close
    rate: int = 0  # bytes a second; 0 is as fast as possible
    pace: object = None  # instead of `rate`: origin_policies.Collapse
    head_wait: float = 0  # seconds before the first byte
    body_wait: float = 0  # seconds between head and body
    headless: bool = False  # `cut` comes before anything was sent
    raw: bytes = b""  # instead of everything else
    cut: str = ""  # close, reset or stall once the bytes are out
    refuse_body: bool = False  # answer before the request's body
    echo: bool = False
    on_done: object = None

    @property
    def reason(self) -> str:
        try:
            return http.HTTPStatus(self.status).phrase
        except ValueError:
            return "Unknown"

    @staticmethod
    def text(status: int, words: str) -> "Reply":
        return Reply.of(words.encode(), status, "text/plain")

    @staticmethod
    def json(value) -> "Reply":
        return Reply.of(json.dumps(value).encode(), 200, "application/json")

    @staticmethod
    def of(data: bytes, status=200, kind="application/octet-stream"):
        reply = Reply(status, data=data)
        reply.headers = [("Content-Type", kind),
                         ("Content-Length", str(len(data)))]
        return reply

    def set(self, name: str, value) -> None:
        """Replaces a header, or removes it when `value` is None."""
        self.headers = [h for h in self.headers if h[0].lower() != name.lower()]
        if value is not None:
            self.headers.append((name, str(value)))

    def stop_after(self, count: int, how: str) -> None:
        """Fails in the way `how` after `count` bytes of the body."""
        if self.data:
            self.cut = how if count < len(self.data) else ""
            self.data = self.data[:count]
        elif self.end - self.start > count:
            self.end, self.cut = self.start + count, how

    def take_body(self, body: bytes) -> None:
        if self.echo:
            self.data = body
            if self.framing == "length":
                self.set("Content-Length", len(body))

    def pieces(self):
        step = 16384 if self.rate or self.framing == "chunked" else 65536
        if self.rate:
            step = max(1, min(step, self.rate // 10))
        for at in range(0, len(self.data), step):
            yield self.data[at : at + step]
        if self.pace is None:
            yield from content.pieces(self.seed, self.start, self.end, step)
            return
        at = self.start
        while at < self.end:
            count = self.pace.step(min(16384, self.end - at))
            yield content.content(self.seed, at, at + count)
            at += count

    def done(self) -> None:
        if self.on_done:
            self.on_done()


# -- the honest part ----------------------------------------------------------


def etag_of(seed: str) -> str:
    """The strong validator of a body."""
    return f'"{hashlib.sha256(seed.encode()).hexdigest()[:16]}"'


def asked_range(request: Request, size: int):
    """A single byte range as (start, end); "bad" when unsatisfiable; None for
    none or one this origin ignores (RFC 9110, 14.2)."""
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("range", ""))
    if not found or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        count = min(int(last), size)
        return (size - count, size) if count else "bad"
    start = int(first)
    end = min(int(last) + 1, size) if last else size
    if last and int(last) < start:
        return None
    return (start, end) if start < size else "bad"


def ranged(request: Request, seed: str, size: int, etag=None,
           heed_if_range=True) -> Reply:
    """The reply of an honest origin with a strong validator."""
    etag = etag or etag_of(seed)
    span = asked_range(request, size)
    condition = request.headers.get("if-range")
    if heed_if_range and condition not in (None, etag, LAST_MODIFIED):
        span = None
    reply = Reply(200, seed=seed, start=0, end=size)
    reply.headers = [("Content-Type", "application/octet-stream"),
                     ("Accept-Ranges", "bytes"), ("ETag", etag),
                     ("Last-Modified", LAST_MODIFIED),
                     ("Date", formatdate(usegmt=True))]
    if span == "bad":
        reply.status, reply.end = 416, 0
        reply.set("Content-Range", f"bytes */{size}")
    elif span:
        reply.status, (reply.start, reply.end) = 206, span
        reply.set("Content-Range", f"bytes {span[0]}-{span[1] - 1}/{size}")
    reply.set("Content-Length", reply.end - reply.start)
    return reply


def plain(request: Request, seed: str, size: int) -> Reply:
    """The reply of an origin that knows no ranges."""
    reply = Reply(200, seed=seed, start=0, end=size)
    reply.headers = [("Content-Type", "application/octet-stream"),
                     ("Content-Length", str(size)), ("ETag", etag_of(seed))]
    return reply


def honest(request: Request, it: Resource) -> Reply:
    """ranges, a strong ETag, Last-Modified, If-Range: no hostility"""
    return ranged(request, it.name, it.size)
