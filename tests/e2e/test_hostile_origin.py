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
    starter.mine = starter.daemon(1, **SETTINGS)
    starter.peer = None
    yield starter
    starter.stop()


def ensure_peer(company) -> None:
    """Starts the peer when there is none, and waits for the session."""
    if company.kind == "none":
        return
    if company.peer is None or not company.peer.is_running:
        company.mine.wait_for_peers(0, 15)
        if company.kind == "ours":
            company.peer = company.daemon(2, **SETTINGS)
        else:
            company.peer = company.reference(2)
    company.mine.wait_for_peers(1, 10)


def download(company, behaviour: str, name: str, kill_peer: bool):
    """Fetches SIZE bytes with the behaviour; a dead origin ends after 6 s."""
    got = company.start(
        f"{HOSTILE}/{behaviour}/{SIZE}/{name}", "--fail", "--location",
        *(["--compressed"] if behaviour == "gzip-by-wish" else []), seconds=6)
    if kill_peer:
        while got.process.poll() is None and got.size < SIZE // 5:
            pass
        company.peer.kill()
    return got.wait()


def right_bodies(behaviour: str, name: str) -> list:
    """Every body that would be one version of the file."""
    body = content.content(name, 0, SIZE)
    if behaviour == "gzipped":
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


@pytest.mark.parametrize("behaviour", WHOLE)
def test_a_whole_body_arrives_whole(company, behaviour):
    ensure_peer(company)
    name = fresh_name()
    got = download(company, behaviour, name, kill_peer=False)
    assert judge(got, behaviour, name) == "exact", got.error


@pytest.mark.parametrize("behaviour", BROKEN)
def test_a_broken_body_is_completed_or_fails_visibly(company, behaviour):
    ensure_peer(company)
    name = fresh_name()
    got = download(company, behaviour, name, kill_peer=False)
    assert judge(got, behaviour, name) in ("exact", "failed"), got.error


@pytest.mark.parametrize("behaviour", WITH_A_KILLED_PEER)
def test_a_peer_killed_meanwhile_corrupts_nothing(company, behaviour):
    ensure_peer(company)
    name = fresh_name()
    got = download(company, behaviour, name, company.kind != "none")
    wanted = ("exact",) if behaviour in WHOLE else ("exact", "failed")
    assert judge(got, behaviour, name) in wanted, got.error
