"""A peer that dies, freezes or is unplugged in the middle of a download: the
right bytes, and no stall of more than three seconds."""

import pytest
from pods import assert_exact, devices_of, wait_until

SIZE = 20_000_000
MAX_STALL = 3.0


def kill(pod, host):
    pod[host].kill()


def freeze(pod, host):
    pod[host].freeze()


def unplug_lan(pod, host):
    pod.lab.set_lan(host, False)


def unplug_wan(pod, host):
    pod.lab.set_wan(host, False)


def unplug_own_lan(pod, host):
    pod.lab.set_lan(1, False)


def kill_all(pod, host):
    for other in (2, 3):
        pod[other].kill()


@pytest.mark.parametrize("failure", [
    kill, freeze, unplug_lan, unplug_wan, unplug_own_lan, kill_all,
], ids=lambda f: f.__name__)
def test_a_failing_peer_costs_neither_bytes_nor_seconds(pod, failure):
    got = pod.start(pod.nginx_file(SIZE))
    got.wait_for_size(4_000_000)
    failure(pod, 2)
    stall = got.longest_stall()
    assert_exact(got.wait(), f"{SIZE}.bin", SIZE)
    assert stall < MAX_STALL


def test_a_killed_peer_is_gone_from_status_and_comes_back(pod):
    pod[2].kill()
    pod[1].wait_for_peers(1, 5)
    pod[2].start()
    pod[1].wait_for_peers(2, 8)


def test_a_frozen_peer_is_dropped(pod):
    pod[2].freeze()
    pod[1].wait_for_peers(1, 12)
    pod[2].thaw()


def test_a_peer_that_leaves_is_gone_at_once(pod):
    assert pod[2].terminate() == 0
    pod[1].wait_for_peers(1, 2)


def test_peers_lend_their_line_when_the_own_one_is_slow(pod):
    pod.lab.set_rate(1, 4)
    try:
        url = pod.nginx_file(10_000_000)
        got = pod.get(url)
        assert_exact(got, "10000000.bin", 10_000_000)
        bytes_of = pod[1].transfer(url)["bytes"]
        assert bytes_of.get("host2", 0) + bytes_of.get("host3", 0) > (
            bytes_of.get("self", 0))
    finally:
        pod.lab.set_rate(1, 40)


def test_a_restarted_daemon_is_the_same_device(pod):
    before = pod[3].status()["device"]["id"]
    pod[3].kill()
    pod[3].start()
    assert pod[3].status()["device"]["id"] == before


def test_a_download_pools_again_after_a_failure(pod):
    pod[2].kill()
    pod.heal()
    url = pod.nginx_file(SIZE)
    assert_exact(pod.get(url), f"{SIZE}.bin", SIZE)
    wait_until(lambda: pod[1].transfer(url), 2, "the transfer is listed")
    assert len(devices_of(pod[1].transfer(url))) > 1
