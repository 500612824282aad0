"""What the hostile origin does for each behaviour named in a URL: bodies and
messages. origin_policies.py has those that restrict clients."""

import base64
import gzip
import re

import content
import origin_options
import origin_policies
import origin_shapes
from origin_options import address, choice, flag, number, takes
from origin_reply import (LAST_MODIFIED, Reply, Request, Resource, etag_of,
                          honest, plain, ranged)


# -- validators ---------------------------------------------------------------


def no_range(request, it):
    """knows no ranges: answers them with 200"""
    return plain(request, it.name, it.size)


def claims_range(request, it):
    """the same, but says Accept-Ranges: bytes"""
    reply = plain(request, it.name, it.size)
    reply.set("Accept-Ranges", "bytes")
    return reply


def no_validator(request, it):
    """neither ETag nor Last-Modified"""
    reply = honest(request, it)
    reply.set("ETag", None)
    reply.set("Last-Modified", None)
    return reply


@takes(date=choice("none", "same"))
def only_last_modified(request, it):
    """no ETag; date=none: no Date, date=same: that of the last change"""
    reply = honest(request, it)
    reply.set("ETag", None)
    if it.options["date"]:
        same = it.options["date"] == "same"
        reply.set("Date", LAST_MODIFIED if same else None)
    return reply


def weak_etag(request, it):
    """a weak ETag; If-Range is not heeded"""
    etag = "W/" + etag_of(it.name)
    return ranged(request, it.name, it.size, etag, heed_if_range=False)


def no_etag_on_206(request, it):
    """validators in 200 only"""
    reply = honest(request, it)
    if reply.status == 206:
        reply.set("ETag", None)
        reply.set("Last-Modified", None)
    return reply


def _version(it) -> str:
    it.memory["count"] = it.memory.get("count", 0) + 1
    old = it.memory["count"] <= it.options["after"]
    return it.name if old else it.name + "#2"


@takes(after=number(1))
def changes(request, it):
    """after=N: another body and ETag after N requests"""
    return ranged(request, _version(it), it.size)


@takes(after=number(1))
def changes_deaf(request, it):
    """the same, and If-Range is not heeded"""
    return ranged(request, _version(it), it.size, heed_if_range=False)


def per_client(request, it):
    """every client address has a body and an ETag of its own"""
    seed = f"{it.name}@{request.client}"
    return ranged(request, seed, it.size, heed_if_range=False)


@takes(field=choice("repr", "content", "legacy", default="repr"),
       wrong=flag(), lies_to=address())
def digest(request, it):
    """field=repr, content or legacy: the SHA-256 of the whole in Repr-Digest,
    Content-Digest or Digest; wrong=1: of something else; lies-to=ADDRESS: who
    asks from there gets other bytes"""
    lies = it.options["lies-to"] == request.client
    reply = honest(request, it)
    if lies:
        reply.seed += "#other"
    seed = it.name + "#wrong" if it.options["wrong"] else it.name
    value = base64.b64encode(
        bytes.fromhex(content.sha256(seed, it.size))).decode()
    field = it.options["field"]
    if field == "repr":
        reply.set("Repr-Digest", f"sha-256=:{value}:")
    elif field == "legacy":
        reply.set("Digest", f"SHA-256={value}")
    elif reply.status == 200:
        reply.set("Content-Digest", f"sha-256=:{value}:")
    return reply


# -- lies ---------------------------------------------------------------------


def _under_its_etag(request, it, seed):
    """A body under the validators and the length of another one."""
    return ranged(request, seed, it.size, etag_of(it.name))


@takes(from_=number(0))
def other_bytes(request, it):
    """other bytes under the same validators and length; best with for=;
    from=N: only in ranges that begin at N or later"""
    reply = _under_its_etag(request, it, it.name)
    if reply.start >= it.options["from"]:
        reply.seed += "#other"
    return reply


def fickle(request, it):
    """every answer to a range has other bytes under the same validators"""
    it.memory["count"] = it.memory.get("count", 0) + 1
    if "range" not in request.headers:
        return _under_its_etag(request, it, it.name)
    return _under_its_etag(request, it, f"{it.name}#{it.memory['count']}")


def _lie(request, it, start=0, end=0, total=0):
    reply = honest(request, it)
    if reply.status == 206:
        reply.set("Content-Range",
                  f"bytes {reply.start + start}-{reply.end - 1 + end}"
                  f"/{it.size + total}")
    return reply


def lies_start(request, it):
    """Content-Range one byte off"""
    return _lie(request, it, start=1, end=1)


def lies_end(request, it):
    """Content-Range ends one byte late"""
    return _lie(request, it, end=1)


def lies_total(request, it):
    """Content-Range with a total one too large"""
    return _lie(request, it, total=1)


def shifted(request, it):
    """a true Content-Range, one byte off what was asked"""
    reply = honest(request, it)
    if reply.status == 206 and reply.start > 0:
        reply.start, reply.end = reply.start - 1, reply.end - 1
        reply.set("Content-Range",
                  f"bytes {reply.start}-{reply.end - 1}/{it.size}")
    return reply


def short_206(request, it):
    """a 206 that lacks its last byte"""
    reply = honest(request, it)
    if reply.status == 206 and reply.end - reply.start > 1:
        reply.end -= 1
        reply.set("Content-Length", reply.end - reply.start)
    return reply


def long_length(request, it):
    """Content-Length one too large"""
    reply = honest(request, it)
    if reply.status == 200:
        reply.set("Content-Length", it.size + 1)
        reply.cut = "close"
    return reply


# -- endings ------------------------------------------------------------------


@takes(bytes=number(100_000))
def closes_early(request, it):
    """bytes=N: closes within every body after N bytes"""
    reply = honest(request, it)
    reply.stop_after(it.options["bytes"], "close")
    return reply


@takes(bytes=number(100_000))
def resets(request, it):
    """bytes=N: resets the connection within every body"""
    reply = honest(request, it)
    reply.stop_after(it.options["bytes"], "reset")
    return reply


@takes(bytes=number(100_000))
def stalls(request, it):
    """bytes=N: stops sending within every body and stays"""
    reply = honest(request, it)
    reply.stop_after(it.options["bytes"], "stall")
    return reply


@takes(bytes=number(100_000))
def closes_once(request, it):
    """bytes=N: closes within the first body only"""
    reply = honest(request, it)
    if not it.memory.setdefault("closed", False):
        it.memory["closed"] = True
        reply.stop_after(it.options["bytes"], "close")
    return reply


@takes(rate=number(100_000))
def drips(request, it):
    """rate=N: N bytes a second"""
    reply = honest(request, it)
    reply.rate = it.options["rate"]
    return reply


def chunked(request, it):
    """no length, chunked"""
    reply = plain(request, it.name, it.size)
    reply.set("Content-Length", None)
    reply.set("Transfer-Encoding", "chunked")
    reply.framing = "chunked"
    return reply


@takes(bytes=number(100_000))
def chunked_cut(request, it):
    """bytes=N: chunked, closes without the last chunk"""
    reply = chunked(request, it)
    reply.stop_after(it.options["bytes"], "close")
    return reply


def until_close(request, it):
    """no length, the connection's end ends the body"""
    reply = plain(request, it.name, it.size)
    reply.set("Content-Length", None)
    reply.set("Connection", "close")
    reply.framing = "close"
    return reply


# -- encodings ----------------------------------------------------------------


def allows_gzip(request) -> bool:
    """Whether Accept-Encoding names gzip, or all codings, with a weight above
    0 (RFC 9110, 12.5.3)."""
    weights = {}
    for one in request.headers.get("accept-encoding", "").split(","):
        coding, *parameters = (x.strip().lower() for x in one.split(";"))
        weights[coding] = not any(re.fullmatch(r"q\s*=\s*0(\.0*)?", x)
                                  for x in parameters)
    return weights.get("gzip", weights.get("*", False))


def gzipped(request, it, always=True):
    """gzip always, under one ETag"""
    if not always and not allows_gzip(request):
        return honest(request, it)
    body = gzip.compress(content.content(it.name, 0, it.size), 1, mtime=0)
    reply = ranged(request, it.name, len(body))
    if reply.status in (200, 206):
        reply.data = body[reply.start : reply.end]
        reply.set("Content-Encoding", "gzip")
    reply.start = reply.end = 0
    return reply


def gzip_by_wish(request, it):
    """gzip when Accept-Encoding allows it, under one ETag"""
    return gzipped(request, it, always=False)


# -- messages -----------------------------------------------------------------


@takes(chunked=flag())
def echo(request, it):
    """chunked=1: gives the request's body back"""
    reply = Reply(200, echo=True)
    reply.headers = [("Content-Type", "application/octet-stream"),
                     ("X-Method", request.method),
                     ("X-Framing", request.headers.get(
                         "transfer-encoding", "length")),
                     ("X-Expect", request.headers.get("expect", "none"))]
    if it.options["chunked"]:
        reply.framing = "chunked"
        reply.set("Transfer-Encoding", "chunked")
    return reply


def show_headers(request, it):
    """gives the request's headers back as JSON"""
    return Reply.json({"method": request.method, "headers": request.headers})


def refuses_body(request, it):
    """417 before the request's body was read"""
    reply = Reply.text(417, "not that much\n")
    reply.refuse_body = True
    reply.set("Connection", "close")
    return reply


@takes(shape=choice(*origin_shapes.SHAPES))
def raw(request, it):
    """shape=NAME: an answer that breaks RFC 9112 (origin_shapes.py)"""
    shape = it.options["shape"]
    if shape is None:
        return Reply.text(400, "which shape? shape= takes "
                          f"{raw.options['shape'].takes}\n")
    return Reply(0, raw=origin_shapes.SHAPES[shape], cut="close")


@takes(code=origin_options.status(404))
def status(request, it):
    """code=N: that status"""
    return Reply.text(it.options["code"], "as you wish\n")


BEHAVIOURS = {
    name.replace("_", "-"): function
    for name, function in {
        "range": honest, **{f.__name__: f for f in (
            no_range, claims_range, no_validator, only_last_modified,
            weak_etag, no_etag_on_206, changes, changes_deaf, per_client,
            digest, other_bytes, fickle,
            lies_start, lies_end, lies_total, shifted, short_206, long_length,
            closes_early, resets, stalls, closes_once, drips, chunked,
            chunked_cut, until_close, gzipped, gzip_by_wish, echo,
            show_headers, refuses_body, raw, status,
            *origin_policies.BEHAVIOURS)},
    }.items()
}


def descriptions() -> dict:
    """What each behaviour does, in a line, and what its options are when left
    out."""
    def described(function):
        words = " ".join(function.__doc__.split())
        defaults = ", ".join(origin_options.defaults_of(function))
        return f"{words} [{defaults}]" if defaults else words
    return {name: described(f) for name, f in BEHAVIOURS.items()}


def choose(request: Request, state: dict) -> Reply:
    """The reply that the behaviour in the URL gives."""
    words = request.target.split("?")[0].strip("/").split("/", 2)
    behaviour, *options = words[0].split(",")
    function = BEHAVIOURS.get(behaviour)
    size = words[1] if len(words) > 1 else "0"
    if function is None:
        return Reply.text(404, f"no behaviour {behaviour!r}; there are: "
                          f"{', '.join(BEHAVIOURS)}\n")
    if not re.fullmatch(origin_options.NUMBER, size):
        return Reply.text(400, f"{size!r} is no size; the path is "
                          "/BEHAVIOUR[,option=value...]/SIZE/NAME\n")
    try:
        values = origin_options.read_options(function, options)
    except origin_options.BadOption as mistake:
        return Reply.text(400, f"{behaviour}: {mistake}\n")
    if values["for"] not in (None, request.client):
        function = honest
    memory = state.setdefault(values["group"] or request.target, {})
    name = words[2] if len(words) > 2 else "body"
    resource = Resource(behaviour, values, int(size), name, memory)
    return function(request, resource)
