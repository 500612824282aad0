#!/usr/bin/python3
"""How much faster a pod is: all lines pooled, one line through the proxy, no
proxy at all, and aria2 on one machine that has all lines by itself, in
interleaved rounds so that a noisy machine spoils all of them alike. With
--kill HOST that host's daemon is killed when half of the file is here. Prints
the medians, and the ratios to what the lines can carry.

    sudo tests/bench/pool.py [--rounds 3] [--size 100000000]
                             [--rates 40 40 40] [--kill HOST] [--no-aria2]
"""

import argparse
import hashlib
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE.parent / "support"), str(HERE.parent / "e2e")]

import lab as lab_module  # noqa: E402
from all_lines import all_lines  # noqa: E402
import content  # noqa: E402
from lab_servers import SIZES  # noqa: E402
from pods import NGINX, Starter, assert_exact  # noqa: E402

#: What TCP over Ethernet carries of a line's bits: 1448 bytes of payload in
#: 1514 that the line counts.
PAYLOAD = 1448 / 1514


def speed(starter, size: int, **options) -> float:
    """Mbit/s of one download, whose bytes are checked."""
    got = starter.get(f"{NGINX}/{size}.bin", seconds=600, **options)
    assert_exact(got, f"{size}.bin", size)
    return size * 8 / 1e6 / got.info["time_total"]


def with_daemons(lab, folder, size: int, hosts) -> float:
    """One download with daemons on these hosts, or without any."""
    starter = Starter(lab, Path(folder))
    try:
        if hosts is None:
            return speed(starter, size, proxy=None)
        daemons = [starter.daemon(host, log_level='"warn"')
                   for host in hosts]
        daemons[0].wait_for_peers(len(daemons) - 1, 10)
        return speed(starter, size)
    finally:
        starter.stop()


def with_a_kill(lab, folder, size: int, victim: int) -> float:
    """The share that a download reaches of what the lines can carry, with one
    daemon killed when half of it is here."""
    starter = Starter(lab, Path(folder))
    try:
        daemons = {host: starter.daemon(host, log_level='"warn"')
                   for host in lab.hosts}
        daemons[1].wait_for_peers(len(daemons) - 1, 10)
        url = f"{NGINX}/{size}.bin"
        began = time.monotonic()
        download = starter.start(url)
        download.wait_for_size(size // 2, 600)
        daemons[victim].signal(signal.SIGKILL)
        killed = time.monotonic() - began
        got = download.wait()
        assert_exact(got, f"{size}.bin", size)
        everybody = sum(lab.rates) * PAYLOAD * 1e6 / 8
        rest = everybody - lab.rates[victim - 1] * PAYLOAD * 1e6 / 8
        best = killed + max(0, size - everybody * killed) / rest
        return best / got.info["time_total"]
    finally:
        starter.stop()


def with_aria2(lab, folder, size: int, host, links) -> float:
    """One download of aria2 over all lines at once."""
    name = f"aria2-{time.monotonic_ns()}"
    began = time.monotonic()
    done = subprocess.run(lab.command(
        host, "aria2c", "-q", "-d", folder, "-o", name, "--split=16",
        "--max-connection-per-server=16", "--min-split-size=1M",
        "--file-allocation=none", "--no-conf",
        f"--multiple-interface={','.join(links)}",
        f"{NGINX}/{size}.bin"), check=False)
    took = time.monotonic() - began
    if done.returncode != 0:
        raise RuntimeError(f"aria2c ended with {done.returncode}")
    path = Path(folder) / name
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    path.unlink()
    if digest != content.sha256(f"{size}.bin", size):
        raise RuntimeError("aria2c brought other bytes")
    return size * 8 / 1e6 / took


def measure(lab, wanted) -> dict:
    """Speeds by way, one for each round."""
    ways = {"no proxy": lambda folder: with_daemons(
                lab, folder, wanted.size, None),
            "one line": lambda folder: with_daemons(
                lab, folder, wanted.size, [1]),
            "pooled": lambda folder: with_daemons(
                lab, folder, wanted.size, lab.hosts)}
    if wanted.kill:
        ways["killed"] = lambda folder: with_a_kill(
            lab, folder, wanted.size, wanted.kill)
    out = {way: [] for way in ways}
    with all_lines(lab) as (host, links), \
            tempfile.TemporaryDirectory() as folder:
        if wanted.aria2:
            ways["aria2"] = lambda folder: with_aria2(
                lab, folder, wanted.size, host, links)
            out["aria2"] = []
        for number in range(wanted.rounds):
            for way, once in ways.items():
                out[way].append(once(folder))
            print(f"round {number + 1}: " + "  ".join(
                f"{way} {all_[-1]:.3g}" for way, all_ in out.items()),
                flush=True)
    return out


def report(lab, results: dict) -> None:
    control = lab.run(1, "sysctl", "-n",
                      "net.ipv4.tcp_congestion_control").stdout.strip()
    print(f"congestion control: {control}; lines of "
          + ", ".join(f"{rate:g}" for rate in lab.rates) + " Mbit/s")
    medians = {way: statistics.median(all_)
               for way, all_ in results.items()}
    killed = medians.pop("killed", None)
    capacity = sum(lab.rates) * PAYLOAD
    for way, median in medians.items():
        print(f"{way:<10} {median:7.1f} Mbit/s  "
              f"{median / capacity:.3f} of what all lines carry")
    print(f"pooled / one line   {medians['pooled'] / medians['one line']:.2f}")
    print(f"pooled / best line  "
          f"{medians['pooled'] / (max(lab.rates) * PAYLOAD):.2f}")
    if "aria2" in medians:
        print(f"pooled / aria2      {medians['pooled'] / medians['aria2']:.3f}")
    if killed is not None:
        print(f"with one killed midway: {killed:.3f} of what was left")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, default=100_000_000,
                        choices=SIZES)
    parser.add_argument("--rates", type=float, nargs="+",
                        default=[40, 40, 40], help="Mbit/s of each line")
    parser.add_argument("--kill", type=int, metavar="HOST",
                        help="kill its daemon when half is here (not 1)")
    parser.add_argument("--no-aria2", dest="aria2", action="store_false")
    wanted = parser.parse_args()
    if wanted.kill is not None and not 1 < wanted.kill <= len(wanted.rates):
        parser.error(f"--kill: expected 2 to {len(wanted.rates)}")
    if wanted.aria2 and not shutil.which("aria2c"):
        print("pool.py: aria2c is missing: apt-get install aria2, "
              "or --no-aria2", file=sys.stderr)
        return 1
    lab = lab_module.Lab(f"bench{os.getpid()}")
    try:
        lab.up(wanted.rates)
        report(lab, measure(lab, wanted))
    except (lab_module.LabError, RuntimeError) as problem:
        print(f"pool.py: {problem}", file=sys.stderr)
        return 1
    finally:
        lab.down()
    return 0


if __name__ == "__main__":
    sys.exit(main())
