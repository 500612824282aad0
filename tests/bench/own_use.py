#!/usr/bin/python3
"""What a device's own download gets of its line while another one pools a
download over it: by itself, with all sharing evenly, and with own use first,
in interleaved rounds. Prints the medians and the ratios.

    sudo tests/bench/own_use.py [--rounds 3] [--size 20000000] [--rate 40]
                                [--downloads 3]
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from loopback import congestion_control, median

import lab as lab_module
from lab_servers import SIZES
from pods import NGINX, Starter, assert_exact, wait_until

POOLED = 100_000_000
WAYS = {"by itself": None, "shared evenly": "false", "own first": "true"}


def served(daemon) -> int:
    return daemon.status()["share"]["served_bytes"]


def one(lab, folder: str, size: int, downloads: int, own_first) -> dict:
    """Bytes a second of host 2's own download, and what it serves then."""
    starter = Starter(lab, Path(folder))
    pooled = []
    try:
        daemons = [starter.daemon(host, log_level='"warn"',
                                  share_own_first=own_first or "true")
                   for host in lab.hosts]
        daemons[0].wait_for_peers(len(daemons) - 1, 10)
        if own_first:
            pooled = [starter.start(f"{NGINX}/{POOLED}.bin", seconds=600)
                      for _ in range(downloads)]
            wait_until(lambda: served(daemons[1]) > 5_000_000, 30)
        before = served(daemons[1])
        got = starter.get(f"{NGINX}/{size}.bin", "--proxytunnel", host=2,
                          seconds=600)
        moved = served(daemons[1]) - before
        seconds = got.info["time_total"]
        assert_exact(got, f"{size}.bin", size)
        if own_first:
            assert any(x.process.poll() is None for x in pooled), "all over"
        return {"own": size / seconds, "peers": moved / seconds}
    finally:
        for download in pooled:
            download.process.kill()
            download.process.wait()
        starter.stop()


def measure(lab, rounds: int, *sizes) -> dict:
    out = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            for way, own_first in WAYS.items():
                out[way].append(one(lab, folder, *sizes, own_first))
            print(f"round {number + 1}: " + "  ".join(
                f"{way} {all_[-1]['own'] * 8e-6:.1f} Mbit/s"
                for way, all_ in out.items()), flush=True)
    return out


def report(rates: dict) -> None:
    medians = {way: {who: median([x[who] for x in all_])
                     for who in ("own", "peers")}
               for way, all_ in rates.items()}
    for way, x in medians.items():
        print(f"{way:<13} own {x['own'] * 8e-6:6.1f} Mbit/s  "
              f"peers {x['peers'] * 8e-6:6.1f} Mbit/s")
    alone = medians["by itself"]["own"]
    for way in ("shared evenly", "own first"):
        print(f"{way:<13} / by itself {medians[way]['own'] / alone:.3f}")
    print(f"congestion control: {congestion_control()}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, default=20_000_000, choices=SIZES)
    parser.add_argument("--rate", type=float, default=40.0,
                        help="of host 2's line, in Mbit/s")
    parser.add_argument("--downloads", type=int, default=8,
                        help="of 100 MB that host 1 pools: enough to last")
    wanted = parser.parse_args()
    lab = lab_module.Lab(f"bench{os.getpid()}")
    try:
        lab.up([40.0, wanted.rate])
        rates = measure(lab, wanted.rounds, wanted.size, wanted.downloads)
    except lab_module.LabError as problem:
        print(f"own_use.py: {problem}", file=sys.stderr)
        return 1
    finally:
        lab.down()
    report(rates)
    return 0


if __name__ == "__main__":
    sys.exit(main())
