#!/usr/bin/python3
"""How fast a CONNECT tunnel through the daemon is, against a relay with
nothing but Asio, in interleaved rounds on loopback. Prints the medians of
throughput and of processor time for each GiB, and the ratios.

    tests/bench/relay.py [--rounds 7] [--bytes 4294967296]

Needs the benchmarks: cmake --preset bench && cmake --build build/bench
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from loopback import (PROGRAMS, congestion_control, cpu_seconds, daemon,
                      median, running)

LOAD = PROGRAMS / "tunnel_load"
GIB = 1 << 30


def through(port: int, pid: int, size: int, *target) -> tuple:
    """One tunnel; GiB/s and the relay's processor seconds for each GiB."""
    before = cpu_seconds(pid)
    done = subprocess.run([LOAD, "sink", str(port), str(size), *target],
                          check=True, capture_output=True, text=True)
    used = cpu_seconds(pid) - before
    return size / GIB / float(done.stdout), used / (size / GIB)


def measure(rounds: int, size: int) -> dict:
    """(GiB/s, CPU s/GiB) by way, one for each round."""
    out = {"asio": [], "peapod": []}
    piped = {"stdout": subprocess.PIPE, "text": True}
    with tempfile.TemporaryDirectory() as folder, \
            running(LOAD, "source", **piped) as source:
        source_port = source.stdout.readline().strip()
        with running(PROGRAMS / "asio_relay", source_port, **piped) as plain, \
                daemon(Path(folder)) as (peapod, proxy_port):
            plain_port = int(plain.stdout.readline())
            for number in range(rounds):
                out["asio"].append(through(plain_port, plain.pid, size))
                out["peapod"].append(through(
                    proxy_port, peapod.process.pid, size,
                    f"127.0.0.1:{source_port}"))
                print(f"round {number + 1}: " + "  ".join(
                    f"{way} {all_[-1][0]:.2f} GiB/s {all_[-1][1]:.2f} s/GiB"
                    for way, all_ in out.items()), flush=True)
    return out


def report(results: dict) -> None:
    speed, cost = ({way: median(x[index] for x in all_)
                    for way, all_ in results.items()} for index in (0, 1))
    for way in results:
        print(f"{way:<8} {speed[way]:6.2f} GiB/s  "
              f"{cost[way]:.2f} processor seconds/GiB")
    print(f"peapod / asio, throughput      "
          f"{speed['peapod'] / speed['asio']:.3f}")
    print(f"peapod / asio, processor time  "
          f"{cost['peapod'] / cost['asio']:.3f}")
    print(f"congestion control: {congestion_control()}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--bytes", type=int, default=4 * GIB)
    wanted = parser.parse_args()
    if not LOAD.exists():
        print(f"relay.py: no {LOAD}: cmake --preset bench && cmake --build "
              "build/bench, or PEAPOD_BENCH=folder", file=sys.stderr)
        return 1
    report(measure(wanted.rounds, wanted.bytes))
    return 0


if __name__ == "__main__":
    sys.exit(main())
