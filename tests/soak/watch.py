"""What the daemons of a soak hold: memory, descriptors, actors."""

import collections
import os
import statistics
import threading
import time
from pathlib import Path

from faults import ask

#: How much more the last third of a soak may hold than the first one after the
#: warm-up, in medians: a share, and so many MiB or descriptors.
SHARE = 0.25
SLACK_MIB = 24
SLACK_DESCRIPTORS = 16
#: At the end, without load: connections to origins that are kept for reuse.
IDLE_DESCRIPTORS = 12
#: Of the whole time, before the first third is taken.
WARM_UP = 0.25

Sample = collections.namedtuple("Sample", "time host rss descriptors")


def resident_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise OSError("no VmRSS")


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def actor_names(daemon) -> collections.Counter:
    """How many actors of each name live."""
    _, answer = ask(daemon, "GET", "/v1/actors")
    return collections.Counter(x["name"] for x in answer["actors"])


class Watch:
    """Samples every second; says when a daemon ended that should not have."""

    def __init__(self, daemons: dict, faults, folder: Path, violation):
        self.daemons, self.faults = daemons, faults
        self.violation = violation
        self.samples = []
        self._file = (folder / "samples.csv").open("w")
        self._file.write("seconds,host,rss_mib,descriptors\n")
        self._since = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        self._file.close()

    def last(self, host: int):
        return next((s for s in reversed(self.samples) if s.host == host),
                    None)

    def _work(self) -> None:
        ended = set()
        while not self._stop.wait(1):
            for host, daemon in self.daemons.items():
                if daemon.is_running:
                    self._sample(host, daemon.process.pid)
                    ended.discard(host)
                elif host not in self.faults.away and host not in ended:
                    ended.add(host)
                    self.violation(f"{daemon.name} ended by itself with "
                                   f"{daemon.process.returncode}")

    def _sample(self, host: int, pid: int) -> None:
        try:
            sample = Sample(time.monotonic() - self._since, host,
                            resident_mib(pid), descriptors(pid))
        except OSError:
            return  # it was killed in between
        self.samples.append(sample)
        self._file.write("%.1f,%d,%.1f,%d\n" % sample)

    def growth(self, host: int) -> list:
        """What host 1's daemon holds more and more of: sentences."""
        mine = [s for s in self.samples if s.host == host]
        steady = mine[int(len(mine) * WARM_UP):]
        third = len(steady) // 3
        if third < 5:
            return [f"host {host}: too few samples ({len(mine)})"]
        out = []
        for what, slack in (("rss", SLACK_MIB),
                            ("descriptors", SLACK_DESCRIPTORS)):
            first, last = (
                statistics.median(getattr(s, what) for s in window)
                for window in (steady[:third], steady[-third:]))
            line = (f"host {host}: {what} {first:.0f} -> {last:.0f} "
                    f"(allowed {first * (1 + SHARE) + slack:.0f})")
            self.report = getattr(self, "report", []) + [line]
            if last > first * (1 + SHARE) + slack:
                out.append(line)
        return out
