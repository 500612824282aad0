#!/usr/bin/python3
"""What the directory of live actors costs: the messages that a download takes,
times what each costs more than in a bare actor, as a share of the processor
time of both daemons. A device downloads over loopback through a pod of two.

Needs build/release/peapod and build/bench/tests/bench/observed_bench."""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import loopback
from loopback import (Loopback, PROGRAMS, congestion_control, cpu_seconds,
                      free_port, median)

from harness import BINARY, Daemon  # noqa: E402


def nanoseconds_a_message(repetitions: int) -> tuple:
    """Medians for a bare actor and for an observed one."""
    done = subprocess.run(
        [PROGRAMS / "observed_bench", "--benchmark_format=json",
         f"--benchmark_repetitions={repetitions}",
         "--benchmark_enable_random_interleaving=true"],
        capture_output=True, text=True, check=True)
    found = {"bare_actor": [], "observed_actor": []}
    for run in json.loads(done.stdout)["benchmarks"]:
        if run["run_type"] == "iteration":
            name = run["name"].split("/")[0]
            found[name].append(1e9 / run["items_per_second"])
    return median(found["bare_actor"]), median(found["observed_actor"])


def start(folder: Path, name: str, origin: int, address: str, others) -> tuple:
    """A daemon at a loopback address of its own."""
    port = free_port()
    daemon = Daemon(Loopback, None, folder, name, {
        "proxy.listen": f'"127.0.0.1:{port}"',
        "transport.listen": f'"{address}:45679"',
        "discovery.enabled": "false",
        "discovery.static-peers": json.dumps([f"{x}:45679" for x in others]),
        "share.allow-private": '["127.0.0.0/8"]',
        "share.ports": f"[{origin}]",
        "log.level": '"warn"'})
    daemon.start()
    return daemon, port


def handled(daemon) -> int:
    """Messages that all live actors of a daemon have handled."""
    done = subprocess.run(
        [BINARY, "actors", "--json", "--socket", daemon.socket],
        capture_output=True, text=True, check=True)
    return sum(x["handled"] for x in json.loads(done.stdout)["actors"])


def measure(folder: Path, size: int) -> tuple:
    """Messages and processor seconds of one download."""
    with loopback.nginx(folder, [size]) as origin:
        url = f"http://127.0.0.1:{origin}/{size}.bin"
        first, port = start(folder, "a", origin, "127.0.0.2", [])
        second, _ = start(folder, "b", origin, "127.0.0.3", ["127.0.0.2"])
        try:
            first.wait_for_peers(1)
            before = [(handled(x), cpu_seconds(x.process.pid))
                      for x in (first, second)]
            peak = 0
            running = subprocess.Popen(
                ["curl", "-sS", "--fail", "-o", "/dev/null", "--proxy",
                 f"http://127.0.0.1:{port}", url])
            # Actors that end take their counts with them: look meanwhile.
            while running.poll() is None:
                peak = max(peak, handled(first) + handled(second))
            assert running.returncode == 0
            after = [(handled(x), cpu_seconds(x.process.pid))
                     for x in (first, second)]
        finally:
            first.kill()
            second.kill()
    messages = max(peak, sum(x for x, _ in after)) - sum(x for x, _ in before)
    seconds = sum(y for _, y in after) - sum(y for _, y in before)
    return messages, seconds


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--size", type=int, default=2_000_000_000)
    options.add_argument("--repetitions", type=int, default=9)
    chosen = options.parse_args()
    bare, observed = nanoseconds_a_message(chosen.repetitions)
    print(f"a message: {bare:.0f} ns in a bare actor, {observed:.0f} ns in an "
          f"observed one: {observed - bare:.0f} ns more")
    with tempfile.TemporaryDirectory() as folder:
        messages, seconds = measure(Path(folder), chosen.size)
    cost = messages * (observed - bare) / 1e9
    print(f"{chosen.size / 1e9:.1f} GB through a pod of two: {messages} "
          f"messages, {seconds:.2f} s of processor time")
    print(f"congestion control: {congestion_control()}")
    print(f"cost / processor time: {cost / seconds:.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
