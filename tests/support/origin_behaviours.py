"""What the hostile origin does for each behaviour named in a URL."""

import gzip
import hashlib
import http
import json
import re
from dataclasses import dataclass, field

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
    options: dict
    size: int
    name: str
    memory: dict

    def number(self, key: str, default: int) -> int:
        return int(self.options.get(key, default))


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
        yield from content.pieces(self.seed, self.start, self.end, step)

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
                     ("Last-Modified", LAST_MODIFIED)]
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
    return ranged(request, it.name, it.size)


# -- validators ---------------------------------------------------------------


def no_range(request, it):
    return plain(request, it.name, it.size)


def claims_range(request, it):
    reply = plain(request, it.name, it.size)
    reply.set("Accept-Ranges", "bytes")
    return reply


def no_validator(request, it):
    reply = honest(request, it)
    reply.set("ETag", None)
    reply.set("Last-Modified", None)
    return reply


def only_last_modified(request, it):
    reply = honest(request, it)
    reply.set("ETag", None)
    return reply


def weak_etag(request, it):
    etag = "W/" + etag_of(it.name)
    return ranged(request, it.name, it.size, etag, heed_if_range=False)


def no_etag_on_206(request, it):
    reply = honest(request, it)
    if reply.status == 206:
        reply.set("ETag", None)
        reply.set("Last-Modified", None)
    return reply


def _version(it) -> str:
    it.memory["count"] = it.memory.get("count", 0) + 1
    old = it.memory["count"] <= it.number("after", 1)
    return it.name if old else it.name + "#2"


def changes(request, it):
    return ranged(request, _version(it), it.size)


def changes_deaf(request, it):
    return ranged(request, _version(it), it.size, heed_if_range=False)


def per_client(request, it):
    seed = f"{it.name}@{request.client}"
    return ranged(request, seed, it.size, heed_if_range=False)


# -- lies ---------------------------------------------------------------------


def _lie(request, it, start=0, end=0, total=0):
    reply = honest(request, it)
    if reply.status == 206:
        reply.set("Content-Range",
                  f"bytes {reply.start + start}-{reply.end - 1 + end}"
                  f"/{it.size + total}")
    return reply


def lies_start(request, it):
    return _lie(request, it, start=1, end=1)


def lies_end(request, it):
    return _lie(request, it, end=1)


def lies_total(request, it):
    return _lie(request, it, total=1)


def shifted(request, it):
    reply = honest(request, it)
    if reply.status == 206 and reply.start > 0:
        reply.start, reply.end = reply.start - 1, reply.end - 1
        reply.set("Content-Range",
                  f"bytes {reply.start}-{reply.end - 1}/{it.size}")
    return reply


def short_206(request, it):
    reply = honest(request, it)
    if reply.status == 206 and reply.end - reply.start > 1:
        reply.end -= 1
        reply.set("Content-Length", reply.end - reply.start)
    return reply


def long_length(request, it):
    reply = honest(request, it)
    if reply.status == 200:
        reply.set("Content-Length", it.size + 1)
        reply.cut = "close"
    return reply


# -- endings ------------------------------------------------------------------


def closes_early(request, it):
    reply = honest(request, it)
    reply.stop_after(it.number("bytes", 100_000), "close")
    return reply


def resets(request, it):
    reply = honest(request, it)
    reply.stop_after(it.number("bytes", 100_000), "reset")
    return reply


def stalls(request, it):
    reply = honest(request, it)
    reply.stop_after(it.number("bytes", 100_000), "stall")
    return reply


def closes_once(request, it):
    reply = honest(request, it)
    if not it.memory.setdefault("closed", False):
        it.memory["closed"] = True
        reply.stop_after(it.number("bytes", 100_000), "close")
    return reply


def drips(request, it):
    reply = honest(request, it)
    reply.rate = it.number("rate", 100_000)
    return reply


def chunked(request, it):
    reply = plain(request, it.name, it.size)
    reply.set("Content-Length", None)
    reply.set("Transfer-Encoding", "chunked")
    reply.framing = "chunked"
    return reply


def chunked_cut(request, it):
    reply = chunked(request, it)
    reply.stop_after(it.number("bytes", 100_000), "close")
    return reply


def until_close(request, it):
    reply = plain(request, it.name, it.size)
    reply.set("Content-Length", None)
    reply.set("Connection", "close")
    reply.framing = "close"
    return reply


# -- encodings ----------------------------------------------------------------


def gzipped(request, it, always=True):
    if not always and "gzip" not in request.headers.get("accept-encoding", ""):
        return honest(request, it)
    body = gzip.compress(content.content(it.name, 0, it.size), 1, mtime=0)
    reply = ranged(request, it.name, len(body))
    if reply.status in (200, 206):
        reply.data = body[reply.start : reply.end]
        reply.set("Content-Encoding", "gzip")
    reply.start = reply.end = 0
    return reply


def gzip_by_wish(request, it):
    return gzipped(request, it, always=False)


# -- policies -----------------------------------------------------------------


def error_on_range(request, it):
    if request.headers.get("range") not in (None, "bytes=0-"):
        reply = Reply.text(it.number("status", 503), "no ranges today\n")
        if reply.status == 416:
            reply.set("Content-Range", f"bytes */{it.size}")
        return reply
    return honest(request, it)


def only_from(request, it):
    if request.client != it.options.get("address"):
        return Reply.text(403, "not for your address\n")
    return honest(request, it)


def portal(request, it):
    if request.client != it.options.get("address"):
        return Reply.text(200, "<h1>Please log in to this network</h1>\n")
    return honest(request, it)


def one_connection(request, it):
    busy = it.memory.setdefault("busy", set())
    if request.client in busy:
        return Reply.text(503, "one connection per address\n")
    busy.add(request.client)
    reply = honest(request, it)
    reply.on_done = lambda: busy.discard(request.client)
    return reply


def one_shot(request, it):
    if it.memory.setdefault("used", False):
        return Reply.text(410, "this link was used\n")
    it.memory["used"] = True
    return honest(request, it)


def redirect(request, it):
    hops = it.number("hops", 1)
    reply = Reply.text(it.number("status", 302), "over there\n")
    where = "range" if hops <= 1 else f"redirect,hops={hops - 1}"
    reply.set("Location", f"/{where}/{it.size}/{it.name}")
    return reply


# -- messages -----------------------------------------------------------------


def echo(request, it):
    reply = Reply(200, echo=True)
    reply.headers = [("Content-Type", "application/octet-stream"),
                     ("X-Method", request.method),
                     ("X-Framing", request.headers.get(
                         "transfer-encoding", "length")),
                     ("X-Expect", request.headers.get("expect", "none"))]
    if it.options.get("chunked"):
        reply.framing = "chunked"
        reply.set("Transfer-Encoding", "chunked")
    return reply


def show_headers(request, it):
    return Reply.json({"method": request.method, "headers": request.headers})


def refuses_body(request, it):
    reply = Reply.text(417, "not that much\n")
    reply.refuse_body = True
    reply.set("Connection", "close")
    return reply


def status(request, it):
    return Reply.text(it.number("code", 404), "as you wish\n")


BEHAVIOURS = {
    name.replace("_", "-"): function
    for name, function in {
        "range": honest, **{f.__name__: f for f in (
            no_range, claims_range, no_validator, only_last_modified,
            weak_etag, no_etag_on_206, changes, changes_deaf, per_client,
            lies_start, lies_end, lies_total, shifted, short_206, long_length,
            closes_early, resets, stalls, closes_once, drips, chunked,
            chunked_cut, until_close, gzipped, gzip_by_wish, error_on_range,
            only_from, portal, one_connection, one_shot, redirect, echo,
            show_headers, refuses_body, status)},
    }.items()
}


def choose(request: Request, state: dict) -> Reply:
    """The reply that the behaviour in the URL gives."""
    words = request.target.split("?")[0].strip("/").split("/", 2)
    behaviour, *options = words[0].split(",")
    function = BEHAVIOURS.get(behaviour)
    size = words[1] if len(words) > 1 else "0"
    if function is None or not size.isdigit():
        return Reply.text(404, "no such behaviour\n")
    memory = state.setdefault(request.target, {})
    pairs = dict(option.partition("=")[::2] for option in options)
    name = words[2] if len(words) > 2 else "body"
    resource = Resource(behaviour, pairs, int(size), name, memory)
    return function(request, resource)
