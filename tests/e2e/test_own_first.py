"""A device's own use of its line goes before what it fetches for peers."""

import time

from pods import NGINX, assert_exact, wait_until

SIZE = 100_000_000
ENOUGH = 40_000_000  # bytes, to see how fast a download is


def share(daemon) -> dict:
    return daemon.status()["share"]


def begin(starter):
    """A download of host 2's own, through a tunnel."""
    return starter.start(f"{NGINX}/{SIZE}.bin", "--proxytunnel", host=2)


def seconds_for_enough(download) -> float:
    """How long it takes for the first bytes; the rest is not waited for."""
    download.wait_for_size(ENOUGH, 60)
    seconds = time.monotonic() - download.started
    download.process.kill()
    download.process.wait()
    return seconds


def test_own_use_gets_the_line_and_peers_get_it_back(alone):
    first, second = [alone.daemon(host) for host in (1, 2)]
    first.wait_for_peers(1)
    by_itself = seconds_for_enough(begin(alone))
    pooled = alone.start(f"{NGINX}/{SIZE}.bin")
    wait_until(lambda: share(second)["served_bytes"] > 5_000_000, 10,
               "host 2 serves")
    assert share(second)["held_to"] is None
    own = begin(alone)
    wait_until(lambda: share(second)["held_to"], 5, "host 2 holds back")
    ratio = by_itself / seconds_for_enough(own)
    print(f"own use beside a pooled download: {ratio:.3f} of what it has by "
          "itself")
    assert ratio >= 0.8
    wait_until(lambda: share(second)["held_to"] is None, 5,
               "host 2 holds nothing back")
    assert_exact(pooled.wait(), f"{SIZE}.bin", SIZE)
