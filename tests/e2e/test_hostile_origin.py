"""Hostile origins x kinds of peers x failures. There are two verdicts only:
the exact body, or a download that curl reports as failed."""

import gzip

import content
import pytest
from pods import HOSTILE, Starter, fresh_name

SIZE = 1_500_000
SETTINGS = {"pool_min_size": '"64KiB"', "pool_chunk_size": '"64KiB"'}
OWN_ADDRESS = "10.77.101.2"

# The body arrives whole when it is fetched without PeaPod: so it has to here.
WHOLE = [
    "range", "no-range", "claims-range", "no-validator", "only-last-modified",
    "only-last-modified,date=none", "only-last-modified,date=same",
    "weak-etag", "no-etag-on-206", "changes,after=1", "changes,after=4",
    "changes-deaf,after=1", "changes-deaf,after=4", "per-client",
    "lies-start", "lies-end", "lies-total", "shifted", "short-206",
    "chunked", "until-close", "gzipped", "gzip-by-wish",
    "error-on-range,status=416", "error-on-range,status=429",
    "error-on-range,status=503", f"only-from,address={OWN_ADDRESS}",
    f"portal,address={OWN_ADDRESS}", "one-connection", "one-shot",
    "redirect,hops=3", "drips,rate=2000000",
]
# It does not: PeaPod may complete it or has to fail visibly.
BROKEN = ["long-length", "closes-early,bytes=300000", "resets,bytes=300000",
          "stalls,bytes=700000", "closes-once,bytes=300000",
          "chunked-cut,bytes=300000"]
# Here PeaPod may give up visibly: the file changes while it is put together,
# or (with a foreign peer) the origin's answers cannot vouch for its bytes
# or it gets other bytes than we do.
CHANGING = ("changes",)
UNVOUCHED = ("lies-", "shifted", "no-validator", "no-etag-on-206",
             "per-client")
# Worth the time that a killed peer takes to be replaced.
WITH_A_KILLED_PEER = [
    "range", "weak-etag", "only-last-modified", "changes,after=4",
    "lies-total", "closes-early,bytes=300000", "resets,bytes=300000",
    "one-connection", "one-shot", "error-on-range,status=503",
    "drips,rate=2000000",
]


@pytest.fixture(scope="module", params=["none", "ours", "reference"])
def company(request, lab, folder):
    """A daemon on host 1 and a peer of one kind on host 2."""
    starter = Starter(lab, folder)
    starter.kind = request.param
    starter.settings["transport_legacy"] = "true"
    starter.mine = starter.daemon(1, **SETTINGS)
    starter.peer = None
    yield starter
    starter.stop()


def ensure_peer(company) -> None:
    """Starts the peer when there is none, and waits for the session."""
    if company.kind == "none":
        return
    if is_lost(company) or is_set_aside(company):
        company.peer.kill()
    if company.peer is None or not company.peer.is_running:
        company.mine.wait_for_peers(0, 15)
        if company.kind == "ours":
            company.peer = company.daemon(2, **SETTINGS)
        else:
            company.peer = company.reference(2)
    # Beacons pause for up to half a minute when foreign peers were lost.
    company.mine.wait_for_peers(1, 60)


def is_lost(company) -> bool:
    """Whether a running peer has no session: the reference does not come
    back soon once it was hung up on."""
    return (company.kind == "reference" and company.peer is not None
            and not company.mine.connected_peers())


def is_set_aside(company) -> bool:
    """Whether the peer got other bytes than we did, so that it looks like a
    liar: a new one takes its place."""
    return company.peer is not None and any(
        p["state"] == "set aside" for p in company.mine.status()["peers"])


def accepted(company, behaviour: str) -> tuple:
    """The verdicts that are right for a behaviour in this company."""
    foreign = company.kind == "reference"
    may_fail = (behaviour in BROKEN or behaviour.startswith(CHANGING)
                or (foreign and behaviour.startswith(UNVOUCHED)))
    return ("exact", "failed") if may_fail else ("exact",)


def download(company, behaviour: str, name: str, kill_peer: bool):
    """Fetches SIZE bytes with the behaviour; a dead origin ends after 6 s."""
    got = company.start(
        f"{HOSTILE}/{behaviour}/{SIZE}/{name}", "--fail", "--location",
        *(["--header", "Accept-Encoding: gzip"] if "gzip" in behaviour
          else []), seconds=6)
    if kill_peer:
        while got.process.poll() is None and got.size < SIZE // 5:
            pass
        company.peer.kill()
    return got.wait()


def right_bodies(behaviour: str, name: str) -> list:
    """Every body that would be one version of the file."""
    body = content.content(name, 0, SIZE)
    if "gzip" in behaviour:
        return [gzip.compress(body, 1, mtime=0)]
    if behaviour == "per-client":
        return [content.content(f"{name}@{OWN_ADDRESS}", 0, SIZE)]
    if behaviour.startswith("changes"):
        return [body, content.content(name + "#2", 0, SIZE)]
    return [body]


def judge(got, behaviour: str, name: str) -> str:
    """"exact", "failed", or "corrupt", which no test accepts."""
    if got.code != 0:
        return "failed"
    return "exact" if got.body in right_bodies(behaviour, name) else "corrupt"


@pytest.mark.parametrize("behaviour", WHOLE + BROKEN)
def test_a_body_is_exact_or_fails_visibly(company, behaviour):
    ensure_peer(company)
    name = fresh_name()
    got = download(company, behaviour, name, kill_peer=False)
    verdict = judge(got, behaviour, name)
    assert verdict in accepted(company, behaviour), got.error


@pytest.mark.parametrize("behaviour", WITH_A_KILLED_PEER)
def test_a_peer_killed_meanwhile_corrupts_nothing(company, behaviour):
    ensure_peer(company)
    name = fresh_name()
    got = download(company, behaviour, name, company.kind != "none")
    verdict = judge(got, behaviour, name)
    assert verdict in accepted(company, behaviour), got.error
