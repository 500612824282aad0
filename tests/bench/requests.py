#!/usr/bin/python3
"""Requests a second over kept connections (1 KiB bodies), and set-ups of
CONNECT tunnels a second, of the daemon and of other proxies, in interleaved
rounds on loopback. Prints medians and ratios.

    sudo tests/bench/requests.py [--rounds 5] [--seconds 4] [--clients 64]
                                 [--only tunnels] [--other PEAPOD]

--other is the binary of another peapod to compare with, as one of the proxies.
haproxy runs on one thread and knows one origin; it has no CONNECT. The load
comes from wrk and tunnel_load, the origin is nginx. Needs the benchmarks, and
what proxies.py names.
"""

import argparse
import contextlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from loopback import (PROGRAMS, congestion_control, cpu_seconds, median, nginx,
                      own_network, raise_descriptors, running)
from proxies import need, proxy

LOAD = PROGRAMS / "tunnel_load"
FOR_REQUESTS = ("peapod", "haproxy", "squid", "tinyproxy")
TUNNELLESS = ("haproxy",)

SCRIPT = """
wrk.path = "http://127.0.0.1:{origin}/1024.bin"
wrk.headers["Host"] = "127.0.0.1:{origin}"
"""


def requests(port: int, script: Path, wanted) -> float:
    """Requests a second through the proxy at `port`; all must succeed."""
    said = subprocess.run(
        [need("wrk"), "-t1", f"-c{wanted.clients}", f"-d{wanted.seconds}s",
         "-s", script, f"http://127.0.0.1:{port}/"],
        check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in said:
        raise SystemExit(f"requests failed:\n{said}")
    return float(re.search(r"Requests/sec:\s*([0-9.]+)", said)[1])


def tunnels(port: int, doors: int, wanted) -> float:
    """Tunnels a second through the proxy at `port`."""
    said = subprocess.run(
        [LOAD, "setups", str(port), f"127.0.0.1:{doors}",
         str(wanted.clients), str(wanted.seconds)],
        check=True, capture_output=True, text=True).stdout.split()
    if float(said[1]) > 0:
        print(f"  {said[1]} tunnels failed")
    return float(said[0])


def with_cost(call, pid: int, seconds: int) -> tuple:
    """What `call` gives, and the proxy's processor time for each (us)."""
    before = cpu_seconds(pid)
    rate = call()
    used = cpu_seconds(pid) - before
    return rate, used / (rate * seconds) * 1e6 if rate else 0.0


def measure(wanted) -> dict:
    """(a second, CPU us each) by what and by proxy."""
    chosen = [x for x in FOR_REQUESTS if x in wanted.proxies]
    more = ["other"] if wanted.other else []
    out = {"requests": {x: [] for x in chosen + more},
           "tunnels": {x: [] for x in chosen + more if x not in TUNNELLESS}}
    out = {what: x for what, x in out.items() if wanted.only in (None, what)}
    names = list(dict.fromkeys(x for each in out.values() for x in each))
    with tempfile.TemporaryDirectory() as text, \
            contextlib.ExitStack() as stack:
        folder = Path(text)
        (folder / "nginx").mkdir()
        origin = stack.enter_context(nginx(folder / "nginx", [1024]))
        doors = stack.enter_context(
            running(LOAD, "doors", stdout=subprocess.PIPE, text=True))
        door = int(doors.stdout.readline())
        script = folder / "script.lua"
        script.write_text(SCRIPT.format(origin=origin))
        all_ = {name: stack.enter_context(
            proxy(name, folder, origin, wanted.other)) for name in names}
        for number in range(wanted.rounds):
            for what, call in (
                    ("requests", lambda port: requests(port, script, wanted)),
                    ("tunnels", lambda port: tunnels(port, door, wanted))):
                if what not in out:
                    continue
                for name in out[what]:
                    process, port = all_[name]
                    out[what][name].append(with_cost(
                        lambda: call(port), process.pid, wanted.seconds))
                print(f"round {number + 1}, {what}: " + "  ".join(
                    f"{name} {x[-1][0]:.0f}/s {x[-1][1]:.0f} us"
                    for name, x in out[what].items()), flush=True)
    return out


def report(results: dict) -> None:
    for what, all_ in results.items():
        rate, cost = ({name: median(x[i] for x in rounds)
                       for name, rounds in all_.items()} for i in (0, 1))
        for name in all_:
            print(f"{what:<9} {name:<10} {rate[name]:9.0f}/s  {cost[name]:6.1f} "
                  f"us of processor time each  peapod / {name} "
                  f"{rate['peapod'] / rate[name]:.2f}")
    print(f"congestion control: {congestion_control()}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--proxies", nargs="+", default=FOR_REQUESTS)
    parser.add_argument("--only", choices=("requests", "tunnels"))
    parser.add_argument("--other", type=Path)
    wanted = parser.parse_args()
    if not LOAD.exists():
        print(f"requests.py: no {LOAD}: cmake --preset bench && cmake --build "
              "build/bench, or PEAPOD_BENCH=folder", file=sys.stderr)
        return 1
    own_network()
    raise_descriptors()
    report(measure(wanted))
    return 0


if __name__ == "__main__":
    sys.exit(main())
