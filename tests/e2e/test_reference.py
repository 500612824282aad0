"""Together with the reference daemon, in both directions, and with peers that
speak protocol 1 and mean harm."""

import time

import content
import pytest
from pods import HOSTILE, NGINX, assert_exact, fresh_name, wait_until

SIZE = 10_000_000
SMALL = {"pool_min_size": '"64KiB"'}


@pytest.fixture(autouse=True)
def with_legacy(alone):
    alone.settings["transport_legacy"] = "true"


def settle(alone, *options, **settings):
    """A daemon on host 1 with a reference peer on host 2, connected."""
    daemon = alone.daemon(1, **settings)
    peer = alone.reference(2, *options)
    peer.wait_for("connected", seconds=5)
    daemon.wait_for_peers(1, 3)
    return daemon, peer


def test_the_daemon_connects_to_it_at_once(alone):
    since = time.monotonic()
    _, peer = settle(alone)
    assert peer.events("connected")[0]["way"] == "in"
    assert time.monotonic() - since < 3


def test_it_serves_us(alone):
    daemon, peer = settle(alone)
    got = alone.get(f"{NGINX}/{SIZE}.bin")
    assert_exact(got, f"{SIZE}.bin", SIZE)
    assert peer.events("served")
    assert len(daemon.connected_peers()) == 1


def test_it_is_asked_for_one_chunk_at_a_time(alone):
    _, peer = settle(alone)
    alone.get(f"{NGINX}/{SIZE}.bin")
    waiting, most = 0, 0
    for event in peer.events():
        waiting += {"asked": 1, "served": -1}.get(event["event"], 0)
        most = max(most, waiting)
    assert most <= 2


def test_we_serve_it(alone):
    _, peer = settle(alone)
    start, end = 1_000_000, 1_300_000
    peer.do("request", url=f"{NGINX}/{SIZE}.bin", start=start, end=end)
    chunk = peer.wait_for("chunk")
    assert (chunk["start"], chunk["end"], chunk["hash_fits"]) == (
        start, end, True)
    assert chunk["sha256"] == content.sha256(f"{SIZE}.bin", end - start,
                                             start)


def test_many_requests_of_it_are_all_answered(alone):
    _, peer = settle(alone)
    step = 200_000
    for at in range(0, 10 * step, step):
        peer.do("request", url=f"{NGINX}/{SIZE}.bin", start=at, end=at + step)
    peer.wait_for("chunk", count=10, seconds=10)
    got = {c["start"]: c["sha256"] for c in peer.events("chunk")}
    assert got == {at: content.sha256(f"{SIZE}.bin", step, at)
                   for at in range(0, 10 * step, step)}


@pytest.mark.parametrize("behaviour", ["status,code=404", "no-range",
                                       "closes-early,bytes=10"])
def test_a_fetch_that_fails_is_never_nacked_nor_answered_wrongly(
        alone, behaviour):
    _, peer = settle(alone)
    name = fresh_name()
    peer.do("request", url=f"{HOSTILE}/{behaviour}/5000/{name}",
            start=100, end=1100)
    wait_until(lambda: peer.events("chunk") or peer.events("lost"), 15,
               "an answer or the end of the session")
    assert not peer.events("nack")
    for chunk in peer.events("chunk"):
        assert chunk["sha256"] == content.sha256(name, 1000, 100)


def test_its_late_connection_does_not_cost_the_session(alone):
    daemon, peer = settle(alone, "--connect-after", "2")
    peer.wait_for("connecting", seconds=5)
    peer.wait_for("handshake-failed", seconds=5)
    assert not peer.events("double-connection")
    assert not peer.events("lost")
    assert_exact(alone.get(f"{NGINX}/{SIZE}.bin"), f"{SIZE}.bin", SIZE)
    assert len(daemon.connected_peers()) == 1


def test_its_leave_is_heard_at_once(alone):
    daemon, peer = settle(alone)
    peer.do("leave")
    daemon.wait_for_peers(0, 2)


def test_our_end_says_leave_to_it(alone):
    daemon, peer = settle(alone)
    assert daemon.terminate() == 0
    peer.wait_for("left", seconds=2)


def test_its_silence_ends_the_session(alone):
    daemon, peer = settle(alone)
    peer.freeze()
    daemon.wait_for_peers(0, 12)


def test_with_legacy_off_it_is_left_alone(alone):
    daemon = alone.daemon(1, transport_legacy="false")
    peer = alone.reference(2)
    peer.wait_for("discovered")
    alone.daemon(3, transport_legacy="false")
    daemon.wait_for_peers(1, 5)
    assert not peer.events("connected")


def test_all_kinds_pool_together(alone):
    daemon, peer = settle(alone)
    alone.daemon(3)
    daemon.wait_for_peers(2, 5)
    assert_exact(alone.get(f"{NGINX}/20000000.bin"), "20000000.bin",
                 20_000_000)
    assert peer.events("served")


# -- bad manners --------------------------------------------------------------


def test_a_device_id_that_is_not_of_its_key_is_refused(alone):
    daemon = alone.daemon(1)
    peer = alone.reference(2, "--claim", "00112233445566778899aabbccddeeff")
    alone.daemon(3)
    daemon.wait_for_peers(1, 5)
    assert not peer.events("asked")
    assert all(p["id"][:8] != "00112233" for p in daemon.connected_peers())


@pytest.mark.parametrize("manner", [
    "silent", "wrong-hash", "wrong-bytes", "short", "elsewhere", "stranger",
    "nack", "oversized", "garbage", "nonsense", "hangs-up",
])
def test_bad_manners_never_reach_the_client(alone, manner):
    daemon, peer = settle(alone, "--misbehave", manner, **SMALL)
    size = 5_000_000
    got = alone.start(f"{NGINX}/{size}.bin")
    stall = got.longest_stall()
    assert_exact(got.wait(), f"{size}.bin", size)
    assert stall < 3
    assert daemon.status()["proxy"]["requests"] >= 1
    assert peer.events("asked") or manner in ("oversized", "garbage")


def test_nothing_but_lies_reach_no_client(alone):
    """Nothing in protocol 1 tells these bytes from good ones; a sample of them
    is compared with the origin before any goes out."""
    daemon, peer = settle(alone, "--misbehave", "liar", **SMALL)
    got = alone.get(f"{NGINX}/5000000.bin")
    assert_exact(got, "5000000.bin", 5_000_000)
    assert peer.events("served")
    status = daemon.status()
    assert status["transfers"][-1]["lies"] == 1
    assert status["transfers"][-1]["rechecked"] == 0
    assert [p["state"] for p in status["peers"]] == ["set aside"]


def test_without_audit_nothing_but_lies_end_a_download_visibly(alone):
    """Samples are compared before the end, whatever the setting."""
    daemon, peer = settle(alone, "--misbehave", "liar", pool_audit="0",
                          **SMALL)
    got = alone.get(f"{NGINX}/5000000.bin")
    assert peer.events("served")
    assert got.code != 0
    transfer = daemon.status()["transfers"][-1]
    assert "differs from what the origin says" in transfer["state"]
    assert transfer["rechecked"] == 0


def test_a_peer_may_not_make_us_fetch_private_addresses(alone):
    daemon = alone.daemon(1, share_allow_private="[]")
    peer = alone.reference(2)
    peer.wait_for("connected")
    path = f"/range/5000/{fresh_name()}"
    for url in (HOSTILE + path, "http://127.0.0.1:3128/x",
                "http://localhost/x", "http://[::1]/x",
                "http://hostile.test" + path):
        peer.do("request", url=url, start=0, end=100)
    wait_until(lambda: peer.events("chunk") or peer.events("lost")
               or peer.events("nack"), 35, "a refusal")
    assert not peer.events("chunk")
    assert alone.origin_log(path) == []
    assert daemon.is_running


def test_a_peer_may_not_make_us_fetch_from_other_ports(alone):
    daemon = alone.daemon(1)
    peer = alone.reference(2)
    peer.wait_for("connected")
    peer.do("request", url="http://10.77.99.1:22/x", start=0, end=100)
    wait_until(lambda: peer.events("lost") or peer.events("nack"), 35,
               "a refusal")
    assert not peer.events("chunk")
    assert daemon.is_running


def test_with_sharing_off_nobody_is_served(alone):
    daemon = alone.daemon(1, share_enabled="false")
    peer = alone.reference(2)
    peer.wait_for("connected")
    path = f"/range/5000/{fresh_name()}"
    peer.do("request", url=HOSTILE + path, start=0, end=100)
    wait_until(lambda: peer.events("lost") or peer.events("nack"), 35,
               "a refusal")
    assert alone.origin_log(path) == []
    assert daemon.is_running
