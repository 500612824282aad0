#!/usr/bin/python3
"""What peers cost that bring nothing: a device's own line alone, against pods
whose peers refuse to fetch, and whose peers have next to no internet
connection, in interleaved rounds. Prints the medians and the ratios.

    sudo tests/bench/useless_peers.py [--rounds 3] [--size 100000000]
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from loopback import congestion_control, median

import lab as lab_module
from lab_servers import SIZES
from pods import NGINX, Starter, assert_exact

RATE = 40.0
CRAWL = 0.5


def without_proxy(_lab, _starter) -> dict:
    return {"proxy": None}


def alone(_lab, starter) -> dict:
    starter.daemon(1, log_level='"warn"')
    return {}


def refused(lab, starter) -> dict:
    """Peers that fetch HTTPS only, of which this is none."""
    pod(lab, starter, share_ports="[443]")
    return {}


def slow(lab, starter) -> dict:
    for host in lab.hosts[1:]:
        lab.set_rate(host, CRAWL)
    pod(lab, starter)
    return {}


def pod(lab, starter, **of_peers) -> None:
    daemons = [starter.daemon(host, log_level='"warn"',
                              **({} if host == 1 else of_peers))
               for host in lab.hosts]
    daemons[0].wait_for_peers(len(daemons) - 1, 10)


WAYS = {"no proxy": without_proxy, "alone": alone, "refused": refused,
        "slow": slow}


def one(lab, folder: str, size: int, prepare) -> float:
    """Seconds of a download, whose bytes are checked."""
    starter = Starter(lab, Path(folder))
    try:
        options = prepare(lab, starter)
        got = starter.get(f"{NGINX}/{size}.bin", seconds=600, **options)
        assert_exact(got, f"{size}.bin", size)
        return got.info["time_total"]
    finally:
        starter.stop()
        for host in lab.hosts:
            lab.set_rate(host, RATE)


def measure(lab, rounds: int, size: int) -> dict:
    """Seconds by way, one for each round."""
    out = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            for way, prepare in WAYS.items():
                out[way].append(one(lab, folder, size, prepare))
            print(f"round {number + 1}: " + "  ".join(
                f"{way} {all_[-1]:.2f} s" for way, all_ in out.items()),
                flush=True)
    return out


def report(times: dict) -> None:
    medians = {way: median(all_) for way, all_ in times.items()}
    for way, seconds in medians.items():
        print(f"{way:<9} {seconds:7.2f} s")
    for way in ("alone", "refused", "slow"):
        print(f"no proxy / {way:<8} {medians['no proxy'] / medians[way]:.3f}")
    print(f"congestion control: {congestion_control()}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, default=100_000_000,
                        choices=SIZES)
    wanted = parser.parse_args()
    lab = lab_module.Lab(f"bench{os.getpid()}")
    try:
        lab.up([RATE] * 3)
        times = measure(lab, wanted.rounds, wanted.size)
    except lab_module.LabError as problem:
        print(f"useless_peers.py: {problem}", file=sys.stderr)
        return 1
    finally:
        lab.down()
    report(times)
    return 0


if __name__ == "__main__":
    sys.exit(main())
