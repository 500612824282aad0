#!/usr/bin/python3
"""How much memory the daemons of a pod hold (VmRSS) while a client downloads
at full speed, then while it does so again, and while one or eight clients read
slowly. Prints each daemon's peak above what it held before, next to
[pool] memory. Lines of unlike rates make ranges come twice.

    sudo tests/bench/memory.py [--size 3000000000] [--rates 1000 1000 1000]
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE.parent / "support"), str(HERE.parent / "e2e")]

import lab as lab_module  # noqa: E402
from harness import PROXY  # noqa: E402
from lab_base import NGINX_ADDRESS  # noqa: E402
from loopback import congestion_control  # noqa: E402
from pods import Starter  # noqa: E402

MIB = 1 << 20
POOL_MEMORY = 64 * MIB


def resident(pid: int) -> int:
    """Bytes of memory that a process holds now."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024


class Watch:
    """Samples the memory of processes in a thread while it is entered."""

    def __init__(self, pids: list, every: float = 0.02):
        self.pids, self.every = pids, every
        self.peaks = {pid: resident(pid) for pid in pids}
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Watch":
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.over.set()
        self.thread.join()

    def _run(self) -> None:
        while not self.over.wait(self.every):
            for pid in self.pids:
                self.peaks[pid] = max(self.peaks[pid], resident(pid))


def download(lab, size: int, seconds: float, *options, clients=1) -> float:
    """Downloads on host 1 for at most so long, drops the bytes and gives
    Mbit/s."""
    start = time.monotonic()
    running = [
        lab.popen(1, "curl", "--silent", "--proxy", f"http://{PROXY}",
                  "--output", "/dev/null", "--write-out", "%{size_download}",
                  "--max-time", seconds, *options,
                  f"http://{NGINX_ADDRESS}/{size}.bin",
                  stdout=subprocess.PIPE, text=True)
        for _ in range(clients)]
    done = sum(int(client.communicate()[0]) for client in running)
    return done * 8 / 1e6 / (time.monotonic() - start)


def report(phase: str, rate: float, watch: Watch, before: dict,
           transfers: list) -> None:
    twice = sum(transfer["wasted"] for transfer in transfers)
    print(f"{phase}: {rate:.0f} Mbit/s, {twice / MIB:.1f} MiB came twice "
          "so far")
    for number, pid in enumerate(watch.pids, 1):
        peak, base = watch.peaks[pid], before[pid]
        role = "downloads" if number == 1 else "peer"
        print(f"  host {number} ({role:<9}) before {base / MIB:6.1f}  "
              f"peak {peak / MIB:6.1f}  more {(peak - base) / MIB:6.1f} MiB  "
              f"= {(peak - base) / POOL_MEMORY:.2f} of [pool] memory",
              flush=True)


def measure(lab, size: int, phases: list, seconds: float, *options,
            clients=1) -> None:
    """Downloads one after the other with daemons that have done nothing
    before."""
    with tempfile.TemporaryDirectory() as folder:
        starter = Starter(lab, Path(folder))
        try:
            daemons = [starter.daemon(host, log_level='"warn"',
                                      pool_memory='"64MiB"')
                       for host in lab.hosts]
            daemons[0].wait_for_peers(len(daemons) - 1, 10)
            pids = [each.process.pid for each in daemons]
            before = {pid: resident(pid) for pid in pids}
            for phase in phases:
                with Watch(pids) as watch:
                    rate = download(lab, size, seconds, *options,
                                    clients=clients)
                report(phase, rate, watch, before,
                       daemons[0].status()["transfers"])
        finally:
            starter.stop()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--size", type=int, default=3_000_000_000)
    parser.add_argument("--rates", type=float, nargs="+",
                        default=[1000, 1000, 1000])
    wanted = parser.parse_args()
    lab = lab_module.Lab(f"bench{os.getpid()}")
    try:
        lab.up(wanted.rates)
        print(f"congestion control: {congestion_control()}")
        with open(lab.folder / "www" / f"{wanted.size}.bin", "wb") as out:
            out.truncate(wanted.size)
        measure(lab, wanted.size, ["at full speed", "again"], 600)
        slow = ["--limit-rate", "1M"]
        measure(lab, wanted.size, ["at 1 MiB/s for 20 s"], 20, *slow)
        measure(lab, wanted.size, ["eight at 1 MiB/s for 20 s"], 20, *slow,
                clients=8)
    except lab_module.LabError as problem:
        print(f"memory.py: {problem}", file=sys.stderr)
        return 1
    finally:
        lab.down()
    return 0


if __name__ == "__main__":
    sys.exit(main())
