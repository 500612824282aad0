"""Pooled downloads: the right bytes, from more than one device."""

import time

import pytest
from pods import HOSTILE, assert_exact, content, devices_of, fresh_name, \
    wait_until

MIN_SIZE = 1024 * 1024


def test_a_pod_of_three_forms_within_two_seconds_of_the_last_start(alone):
    daemons = [alone.daemon(host) for host in (1, 2)]
    since = time.monotonic()
    daemons.append(alone.daemon(3))
    for daemon in daemons:
        daemon.wait_for_peers(2, 2.0 - (time.monotonic() - since))
    assert all(d.status()["pod_size"] == 3 for d in daemons)


def test_peers_are_known_by_their_names(pod):
    names = {peer["name"] for peer in pod[1].connected_peers()}
    assert names == {"host2", "host3"}


@pytest.mark.parametrize(
    "size", [0, 1, 1000, MIN_SIZE - 1, MIN_SIZE, MIN_SIZE + 1])
def test_small_bodies_are_exact(pod, size):
    got = pod.get(pod.nginx_file(size))
    assert got.status == 200
    assert_exact(got, f"{size}.bin", size)


def test_a_hundred_megabytes_come_exactly_and_from_several_devices(pod):
    url = pod.nginx_file(100_000_000)
    got = pod.get(url)
    assert_exact(got, "100000000.bin", 100_000_000)
    transfer = pod[1].transfer(url)
    assert len(devices_of(transfer)) > 1, transfer
    assert transfer["delivered"] == transfer["total"] == 100_000_000


def test_a_pooled_download_is_faster_than_the_own_line(pod):
    direct = pod.get(pod.nginx_file(20_000_000), proxy=None)
    pooled = pod.get(pod.nginx_file(20_000_000))
    assert_exact(pooled, "20000000.bin", 20_000_000)
    assert pooled.seconds < direct.seconds


def test_two_devices_download_at_the_same_time(pod):
    size = 10_000_000
    both = [pod.start(pod.nginx_file(size), host=host) for host in (1, 2)]
    for got in both:
        assert_exact(got.wait(), f"{size}.bin", size)


def test_eight_downloads_at_once_are_exact(pod):
    names = [fresh_name() for _ in range(8)]
    size = 2_000_000
    all_started = [pod.start(f"{HOSTILE}/range/{size}/{n}") for n in names]
    for name, got in zip(names, all_started):
        assert_exact(got.wait(), name, size)


def test_a_client_that_goes_away_ends_its_transfer(pod):
    url = pod.nginx_file(100_000_000)
    got = pod.start(url)
    got.wait_for_size(2_000_000)
    got.process.kill()
    got.process.wait()
    wait_until(lambda: pod[1].status()["proxy"]["active"] == 0, 5,
               "nothing is active")


def test_a_slow_client_gets_everything(pod):
    size = 5_000_000
    got = pod.get(pod.nginx_file(size), "--limit-rate", "2M")
    assert_exact(got, f"{size}.bin", size)


# -- ranges -------------------------------------------------------------------


@pytest.mark.parametrize("asked, start, end", [
    ("0-0", 0, 1),
    ("1000-1999", 1000, 2000),
    ("1000000-4999999", 1_000_000, 5_000_000),
    ("2500000-", 2_500_000, 5_000_000),
    ("-3000000", 2_000_000, 5_000_000),
    ("4999999-9999999", 4_999_999, 5_000_000),
])
def test_a_range_request_gets_its_range(pod, asked, start, end):
    got = pod.get(pod.nginx_file(5_000_000), "--range", asked)
    assert (got.code, got.status) == (0, 206)
    assert got.body == content.content("5000000.bin", start, end)


def test_several_ranges_pass_through(pod):
    got = pod.get(pod.nginx_file(5_000_000), "--range",
                  "0-99,1000000-1000099")
    assert (got.code, got.status) == (0, 206)
    assert got.info["content_type"].startswith("multipart/byteranges")
    for start in (0, 1_000_000):
        assert content.content("5000000.bin", start, start + 100) in got.body


def test_an_unsatisfiable_range_is_416(pod):
    got = pod.get(pod.nginx_file(5_000_000), "--range", "5000000-")
    assert got.status == 416


def test_a_resumed_download_is_completed(pod):
    size, have = 5_000_000, 1_234_567
    part = content.content("5000000.bin", 0, have)
    got = pod.start(pod.nginx_file(1))  # reserves a file name
    got.wait()
    got.target.write_bytes(part)
    again = pod.lab.run(
        1, "curl", "--silent", "--proxy", "http://127.0.0.1:3128",
        "--continue-at", "-", "--output", got.target, pod.nginx_file(size))
    assert again.returncode == 0
    assert got.sha256 == content.sha256("5000000.bin", size)


def test_without_peers_a_download_is_exact(alone):
    daemon = alone.daemon(1)
    url = f"{HOSTILE}/range/5000000/{(name := fresh_name())}"
    assert_exact(alone.get(url), name, 5_000_000)
    transfer = daemon.transfer(url)
    assert transfer is None or devices_of(transfer) == ["self"]


def test_with_pooling_off_a_download_passes_through(alone):
    daemon = alone.daemon(1, pool_enabled="false")
    alone.daemon(2)
    daemon.wait_for_peers(1)
    url = f"{HOSTILE}/range/5000000/{(name := fresh_name())}"
    assert_exact(alone.get(url), name, 5_000_000)
    assert {e["client"] for e in alone.origin_log(url[len(HOSTILE):])} == {
        alone.lab.wan_address(1)}
