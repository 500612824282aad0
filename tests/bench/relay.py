#!/usr/bin/python3
"""How fast and how dear it is to pass bytes through the daemon, in a CONNECT
tunnel and as the body of a GET that is not pooled, against a relay with nothing
but splice(2) and one with nothing but Asio, in interleaved rounds on loopback.
Prints the medians of throughput and of processor time for each GB, and ratios.

    sudo tests/bench/relay.py [--rounds 7] [--bytes 4000000000]

Needs the benchmarks: cmake --preset bench && cmake --build build/bench
"""

import argparse
import contextlib
import subprocess
import sys
import tempfile
from pathlib import Path

from loopback import (PROGRAMS, congestion_control, cpu_seconds, daemon,
                      median, nginx, own_network, running)

LOAD = PROGRAMS / "tunnel_load"
GB = 1_000_000_000
WAYS = ("splice", "asio", "tunnel", "body")


def through(port: int, pid: int, size: int, *target) -> tuple:
    """One connection; GB/s and the relay's processor seconds for each GB."""
    before = cpu_seconds(pid)
    done = subprocess.run([LOAD, "sink", str(port), str(size), *target],
                          check=True, capture_output=True, text=True)
    used = cpu_seconds(pid) - before
    return size / GB / float(done.stdout), used / (size / GB)


@contextlib.contextmanager
def ways(folder: Path, size: int):
    """The arguments of `through` by way, while everything runs."""
    piped = {"stdout": subprocess.PIPE, "text": True}
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(running(LOAD, "source", **piped))
        port = source.stdout.readline().strip()
        (folder / "nginx").mkdir()
        web = stack.enter_context(nginx(folder / "nginx", [size]))
        peapod, proxy = stack.enter_context(
            daemon(folder, **{"pool.enabled": "false"}))
        pid = peapod.process.pid
        out = {}
        for way in ("splice", "asio"):
            relay = stack.enter_context(
                running(PROGRAMS / f"{way}_relay", port, **piped))
            out[way] = (int(relay.stdout.readline()), relay.pid, size)
        out["tunnel"] = (proxy, pid, size, f"127.0.0.1:{port}")
        out["body"] = (proxy, pid, size, f"http://127.0.0.1:{web}/{size}.bin")
        yield out


def measure(rounds: int, size: int) -> dict:
    """(GB/s, CPU s/GB) by way, one for each round."""
    out = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as folder, \
            ways(Path(folder), size) as calls:
        for number in range(rounds):
            for way in WAYS:
                out[way].append(through(*calls[way]))
            print(f"round {number + 1}: " + "  ".join(
                f"{way} {all_[-1][0]:.2f} GB/s {all_[-1][1]:.3f} s/GB"
                for way, all_ in out.items()), flush=True)
    return out


def report(results: dict) -> None:
    speed, cost = ({way: median(x[index] for x in all_)
                    for way, all_ in results.items()} for index in (0, 1))
    for way in results:
        print(f"{way:<8} {speed[way]:6.2f} GB/s  "
              f"{cost[way]:.3f} processor seconds/GB")
    for rival in ("splice", "asio"):
        print(f"tunnel / {rival:<7} throughput "
              f"{speed['tunnel'] / speed[rival]:.3f}  processor time "
              f"{cost['tunnel'] / cost[rival]:.3f}")
    print(f"congestion control: {congestion_control()}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--bytes", type=int, default=4 * GB)
    parser.add_argument("--congestion", default="reno")
    wanted = parser.parse_args()
    if not LOAD.exists():
        print(f"relay.py: no {LOAD}: cmake --preset bench && cmake --build "
              "build/bench, or PEAPOD_BENCH=folder", file=sys.stderr)
        return 1
    own_network(wanted.congestion)
    report(measure(wanted.rounds, wanted.bytes))
    return 0


if __name__ == "__main__":
    sys.exit(main())
