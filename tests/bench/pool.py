#!/usr/bin/python3
"""How much faster a pod is: three lines pooled, one line through the proxy,
and no proxy at all, in interleaved rounds so that a noisy machine spoils all
of them alike. Prints the medians and the ratio to the sum of the lines.

    sudo tests/bench/pool.py [--rounds 3] [--size 100000000] [--rates 40 40 40]
"""

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE.parent / "support"), str(HERE.parent / "e2e")]

import lab as lab_module  # noqa: E402
from lab_servers import SIZES  # noqa: E402
from pods import NGINX, Starter, assert_exact  # noqa: E402


def speed(starter, size: int, **options) -> float:
    """Mbit/s of one download, whose bytes are checked."""
    got = starter.get(f"{NGINX}/{size}.bin", seconds=600, **options)
    assert_exact(got, f"{size}.bin", size)
    return size * 8 / 1e6 / got.info["time_total"]


def measure(lab, rounds: int, size: int) -> dict:
    """Speeds by way, one for each round."""
    out = {"no proxy": [], "one line": [], "pooled": []}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            out["no proxy"].append(one(lab, folder, size, None))
            out["one line"].append(one(lab, folder, size, [1]))
            out["pooled"].append(one(lab, folder, size, lab.hosts))
            print(f"round {number + 1}: " + "  ".join(
                f"{way} {speeds[-1]:.1f}" for way, speeds in out.items()),
                flush=True)
    return out


def one(lab, folder, size: int, hosts) -> float:
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


def report(speeds: dict, shares: list) -> None:
    medians = {way: statistics.median(all_) for way, all_ in speeds.items()}
    for way, median in medians.items():
        print(f"{way:<10} {median:7.1f} Mbit/s")
    total = sum(medians["no proxy"] * share for share in shares)
    pooled = medians["pooled"]
    print(f"pooled / one line  {pooled / medians['one line']:.2f}")
    print(f"pooled / no proxy  {pooled / medians['no proxy']:.2f}")
    print(f"pooled / sum       {pooled / total:.3f}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, default=100_000_000,
                        choices=SIZES)
    parser.add_argument("--rates", type=float, nargs="+",
                        default=[40, 40, 40], help="Mbit/s of each line")
    wanted = parser.parse_args()
    lab = lab_module.Lab(f"bench{os.getpid()}")
    try:
        lab.up(wanted.rates)
        speeds = measure(lab, wanted.rounds, wanted.size)
    except lab_module.LabError as problem:
        print(f"pool.py: {problem}", file=sys.stderr)
        return 1
    finally:
        lab.down()
    # The other lines are worth what the first one is, by their rates.
    report(speeds, [rate / wanted.rates[0] for rate in wanted.rates])
    return 0


if __name__ == "__main__":
    sys.exit(main())
