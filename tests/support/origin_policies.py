"""Behaviours of origins that restrict who may have what, how often and how
fast."""

from origin_options import address, decimal, flag, number, status, takes
from origin_reply import Reply, honest, plain


@takes(status=status(503))
def error_on_range(request, it):
    """status=416|429|503 for every range"""
    if request.headers.get("range") not in (None, "bytes=0-"):
        reply = Reply.text(it.options["status"], "no ranges today\n")
        if reply.status == 416:
            reply.set("Content-Range", f"bytes */{it.size}")
        return reply
    return honest(request, it)


@takes(address=address())
def only_from(request, it):
    """address=A: 403 for everyone else"""
    if request.client != it.options["address"]:
        return Reply.text(403, "not for your address\n")
    return honest(request, it)


@takes(address=address())
def portal(request, it):
    """address=A: a login page with 200 for everyone else"""
    if request.client != it.options["address"]:
        return Reply.text(200, "<h1>Please log in to this network</h1>\n")
    return honest(request, it)


def one_connection(request, it):
    """503 while another request of that client is under way"""
    busy = it.memory.setdefault("busy", set())
    if request.client in busy:
        return Reply.text(503, "one connection per address\n")
    busy.add(request.client)
    reply = honest(request, it)
    reply.on_done = lambda: busy.discard(request.client)
    return reply


def one_shot(request, it):
    """410 from the second request on"""
    if it.memory.setdefault("used", False):
        return Reply.text(410, "this link was used\n")
    it.memory["used"] = True
    return honest(request, it)


@takes(hops=number(1), status=status(302))
def redirect(request, it):
    """hops=N, status=N: ends at range"""
    hops = it.options["hops"]
    reply = Reply.text(it.options["status"], "over there\n")
    where = "range" if hops <= 1 else f"redirect,hops={hops - 1}"
    reply.set("Location", f"/{where}/{it.size}/{it.name}")
    return reply


@takes(cap=number(2), status=status(429), retry_after=number(1))
def limits_connections(request, it):
    """cap=N, status=429|503, retry-after=S: refuses a client's requests above
    N at a time, with Retry-After"""
    return _capped(request, it, lambda: _try_later(it))


@takes(cap=number(2))
def resets_connections(request, it):
    """cap=N: resets a client's connections above N at a time"""
    def refused():
        reply = Reply.text(503, "")
        reply.cut, reply.headless = "reset", True
        return reply
    return _capped(request, it, refused)


@takes(status=status(403))
def locked_to_first(request, it):
    """status=403|404: the URL belongs to the client address that used it
    first"""
    if it.memory.setdefault("owner", request.client) != request.client:
        return Reply.text(it.options["status"], "made for another exit\n")
    return honest(request, it)


@takes(locked=flag(), status=status(302))
def redirect_per_client(request, it):
    """locked=0|1, status=N: every client address is sent to a URL of its own;
    locked, nobody else may use it"""
    reply = Reply.text(it.options["status"], "over there\n")
    rule = "only-from,address" if it.options["locked"] else "range,group"
    reply.set("Location", f"/{rule}={request.client}/{it.size}/{it.name}")
    return reply


@takes(after=number(1), status=status(416))
def refuses_ranges(request, it):
    """after=N, status=200|403|416|429|503: refuses ranges after N requests;
    200 gives everything instead"""
    it.memory["count"] = it.memory.get("count", 0) + 1
    is_range = request.headers.get("range") not in (None, "bytes=0-")
    if it.memory["count"] <= it.options["after"] or not is_range:
        return honest(request, it)
    if it.options["status"] == 200:
        return plain(request, it.name, it.size)
    return error_on_range(request, it)


def _capped(request, it, refused) -> Reply:
    """Counts a client's requests under way; above the cap `refused` answers.
    HTTP/1.1 has one request at a time on a connection, so this is a cap on
    connections that are in use."""
    busy = it.memory.setdefault("busy", {})
    if busy.get(request.client, 0) >= it.options["cap"]:
        return refused()
    busy[request.client] = busy.get(request.client, 0) + 1
    reply = honest(request, it)

    def done():
        busy[request.client] -= 1
    reply.on_done = done
    return reply


def _try_later(it) -> Reply:
    reply = Reply.text(it.options["status"], "too many connections\n")
    reply.set("Retry-After", it.options["retry-after"])
    return reply


# -- pace ---------------------------------------------------------------------


@takes(seconds=decimal(1))
def slow_head(request, it):
    """seconds=S: every answer begins S seconds late"""
    reply = honest(request, it)
    reply.head_wait = it.options["seconds"]
    return reply


@takes(seconds=decimal(1))
def slow_body(request, it):
    """seconds=S: the head comes at once, the body's first byte S seconds
    later"""
    reply = honest(request, it)
    reply.body_wait = it.options["seconds"]
    return reply


@takes(rate=number(0), after=number(100_000), to=number(1000))
def rate_collapse(request, it):
    """rate=N, after=BYTES, to=M: N bytes a second (0: unlimited) until a client
    has had BYTES of the URL in all, then M (0: nothing more)"""
    reply = honest(request, it)
    reply.pace = Collapse(it, request.client)
    return reply


class Collapse:
    """The pace of a client's answers, which share what it has had so far."""

    def __init__(self, it, client: str):
        self.had = it.memory.setdefault("had", {})
        self.client = client
        self.before, self.after = it.options["rate"], it.options["to"]
        self.border = it.options["after"]

    def step(self, most: int) -> int:
        """How many bytes to send at once now."""
        rate, had = self._rate(), self.had.get(self.client, 0)
        if had < self.border:
            most = min(most, self.border - had)
        return max(1, min(most, rate // 10)) if rate else most

    def wait(self, count: int) -> float:
        """Seconds to pause before the next `count` bytes."""
        rate = self._rate()
        collapsed = self.had.get(self.client, 0) >= self.border
        self.had[self.client] = self.had.get(self.client, 0) + count
        if collapsed and not rate:
            return 3600
        return count / rate if rate else 0

    def _rate(self) -> int:
        collapsed = self.had.get(self.client, 0) >= self.border
        return self.after if collapsed else self.before


BEHAVIOURS = (
    error_on_range, only_from, portal, one_connection, one_shot, redirect,
    limits_connections, resets_connections, locked_to_first,
    redirect_per_client, refuses_ranges, slow_head, slow_body, rate_collapse,
)
