"""`peapod get` through the lines of real daemons: does every line bring its
share, and does a download survive the end of any daemon?"""

import json
import subprocess

import pytest

import content
from harness import BINARY, wait_until
from lab_base import NGINX_ADDRESS

SIZE = 20_000_000
URL = f"https://{NGINX_ADDRESS}/{SIZE}.bin"


class Getting:
    """One `peapod get` on host 1."""

    def __init__(self, pod, folder, *words, size=SIZE, scheme="https"):
        self.folder, self.size = folder, size
        url = f"{scheme}://{NGINX_ADDRESS}/{size}.bin"
        self.process = pod.lab.popen(
            1, "env", f"SSL_CERT_FILE={pod.lab.ca_file}",
            f"STATE_DIRECTORY={folder / 'state'}", BINARY, "get", url, "-P", folder, "--socket", pod[1].socket, "--receipt",
            folder / "receipt", *words,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def part_size(self) -> int:
        part = self.folder / f"{self.size}.bin.part"
        return part.stat().st_size if part.exists() else 0

    def wait_for(self, size: int) -> "Getting":
        wait_until(lambda: self.part_size() >= size
                   or self.process.poll() is not None, 20, f"{size} bytes")
        return self

    def shares(self) -> dict:
        """Who brought how many bytes of the file, which is exact."""
        out, err = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, (out, err)
        name = f"{self.size}.bin"
        data = (self.folder / name).read_bytes()
        assert data == content.content(name, 0, self.size)
        self.receipt = json.loads(
            (self.folder / "receipt").read_text())["downloads"][0]
        shares = {x["name"]: x["bytes"] for x in self.receipt["devices"]}
        assert (sum(shares.values())
                == self.size + self.receipt["duplicate_bytes"])
        return shares


def wait_for_tunnels(pod) -> None:
    """Host 1 knows that both others open tunnels."""
    wait_until(lambda: sum(bool(x.get("tunnels"))
                           for x in pod[1].status()["peers"]) == 2, 10,
               "two peers open tunnels")


def test_https_comes_over_all_lines(pod, tmp_path):
    wait_for_tunnels(pod)
    shares = Getting(pod, tmp_path).shares()
    assert sum(shares.values()) == SIZE
    assert len(shares) == 3
    assert min(shares.values()) > SIZE // 6


@pytest.mark.parametrize("victim", [1, 2])
def test_a_daemon_that_ends_costs_no_byte(pod, tmp_path, victim):
    wait_for_tunnels(pod)
    getting = Getting(pod, tmp_path).wait_for(SIZE // 3)
    pod[victim].kill()
    getting.shares()


def test_the_end_of_the_daemon_wastes_little(pod, tmp_path):
    """What peers have brought ahead is in the file, and is not brought again."""
    wait_for_tunnels(pod)
    getting = Getting(pod, tmp_path, size=100_000_000).wait_for(20_000_000)
    pod[1].kill()
    getting.shares()
    assert getting.receipt["duplicate_bytes"] < 3_000_000, getting.receipt


def test_all_that_breaks_at_once_costs_no_byte(pod, tmp_path):
    """A peer ends, another one loses its line, the daemon is restarted."""
    wait_for_tunnels(pod)
    getting = Getting(pod, tmp_path, size=100_000_000).wait_for(20_000_000)
    pod[2].kill()
    getting.wait_for(45_000_000)
    pod.lab.set_wan(3, False)
    try:
        getting.wait_for(60_000_000)
        pod[1].kill()
        pod[1].start()
    finally:
        pod.lab.set_wan(3, True)
    pod[2].start()
    getting.shares()


def test_without_a_daemon_the_own_line_brings_it(pod, tmp_path):
    shares = Getting(pod, tmp_path, "--direct").shares()
    assert list(shares.values()) == [SIZE]


def test_plain_http_is_pooled_by_the_daemon(pod, tmp_path):
    url = URL.replace("https", "http")
    shares = Getting(pod, tmp_path, scheme="http").shares()
    assert sum(shares.values()) == SIZE
    brought = wait_until(lambda: pod[1].transfer(url), 5)["bytes"]
    assert sum(x > 1_000_000 for x in brought.values()) == 3
