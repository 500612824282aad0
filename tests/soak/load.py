"""What the clients of a soak do, and how what they get is judged."""

import gzip
import itertools
import random
import threading

import content
from harness import Download
from lab_base import HOSTILE_ADDRESS, NGINX_ADDRESS

NGINX = f"http://{NGINX_ADDRESS}"
HOSTILE = f"http://{HOSTILE_ADDRESS}"
POOLED = (1_048_577, 5_000_000, 10_000_000, 20_000_000)
SMALL = (0, 1, 1000, 65536, 262145, 1_048_575)
HOSTILE_SIZE = 1_500_000
BEHAVIOURS = (
    "range", "no-range", "claims-range", "no-validator", "only-last-modified",
    "weak-etag", "no-etag-on-206", "changes,after=4", "changes-deaf,after=1",
    "per-client", "lies-start", "lies-end", "lies-total", "shifted",
    "short-206", "chunked", "until-close", "gzipped", "gzip-by-wish",
    "error-on-range,status=416", "error-on-range,status=503",
    "one-connection", "one-shot", "redirect,hops=3", "drips,rate=2000000",
    "long-length", "closes-early,bytes=300000", "resets,bytes=300000",
    "stalls,bytes=700000", "closes-once,bytes=300000",
    "chunked-cut,bytes=300000",
)
#: Seconds after which curl gives a download up.
PATIENCE = 40


def versions(behaviour: str, name: str, host: int) -> list:
    """Every body that the origin holds under this URL."""
    body = content.content(name, 0, HOSTILE_SIZE)
    if "gzip" in behaviour:
        return [gzip.compress(body, 1, mtime=0)]
    if behaviour == "per-client":
        return [content.content(f"{name}@10.77.{100 + host}.2", 0,
                                HOSTILE_SIZE)]
    if behaviour.startswith("changes"):
        return [body, content.content(name + "#2", 0, HOSTILE_SIZE)]
    return [body]


class Tally:
    """What became of the downloads of each kind. `corrupt` is never right."""

    def __init__(self):
        self._lock = threading.Lock()
        self.counts = {}

    def add(self, kind: str, verdict: str) -> None:
        with self._lock:
            of_kind = self.counts.setdefault(kind, {})
            of_kind[verdict] = of_kind.get(verdict, 0) + 1

    def total(self, verdict: str, *kinds) -> int:
        with self._lock:
            return sum(v.get(verdict, 0) for k, v in self.counts.items()
                       if not kinds or k in kinds)

    def lines(self) -> list:
        with self._lock:
            return [f"  {kind:<9} " + "  ".join(
                f"{verdict} {count}" for verdict, count in sorted(v.items()))
                for kind, v in sorted(self.counts.items())]


class Clients:
    """Threads that download all the time, each with random numbers of its
    own."""

    def __init__(self, lab, folder, seed: int, violation, count: int = 5):
        self.lab, self.folder, self.violation = lab, folder, violation
        self.tally = Tally()
        self._stop = threading.Event()
        self._fresh = itertools.count(1)
        self._threads = [
            threading.Thread(target=self._work, daemon=True,
                             args=(random.Random(f"{seed}/client{i}"),))
            for i in range(count)]
        folder.mkdir(exist_ok=True)

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _work(self, rng) -> None:
        jobs = [self.pooled] * 4 + [self.small] * 3 + [self.hostile] * 4 + [
            self.tunnel, self.aborted, self.slow]
        while not self._stop.is_set():
            try:
                rng.choice(jobs)(rng, rng.choice(self.lab.hosts))
            except Exception as broken:  # a bug here is no peace there
                self.violation(f"a client failed: {broken!r}")
                return

    # -- jobs -----------------------------------------------------------------

    def pooled(self, rng, host, kind="pooled", options=()) -> bool:
        size = rng.choice(POOLED)
        name = f"{size}.bin"
        got = self._start(host, f"{NGINX}/{name}", *options).wait()
        return self._judge(kind, got, [content.content(name, 0, size)])

    def slow(self, rng, host) -> bool:
        return self.pooled(rng, host, "slow", ("--limit-rate", "1500k"))

    def small(self, rng, host, kind="small", scheme="http") -> bool:
        """Some files over one connection."""
        names = [f"{rng.choice(SMALL)}.bin" for _ in range(6)]
        urls = [f"{scheme}://origin.test/{name}" for name in names]
        rest = [self._target() for _ in names[1:]]
        # curl writes its first URL to its first output, and so on. Without
        # --fail-early it would tell how the last one ended, and no other.
        more = [word for url, target in zip(urls, rest)
                for word in (url, "--output", target)]
        got = self._start(host, urls[-1], "--cacert", self.lab.ca_file,
                          "--fail-early", "--write-out", "", *more).wait()
        good = self._judge(kind, got, [self._file(names[0])])
        for name, target in zip(names[1:], rest):
            body = target.read_bytes() if target.exists() else b""
            if got.code == 0 and body != self._file(name):
                self.violation(f"{kind} {name} on host {host}: a complete "
                               f"body of {len(body)} bytes that the origin "
                               "does not have")
            target.unlink(missing_ok=True)
        return good

    def tunnel(self, rng, host) -> bool:
        return self.small(rng, host, "tunnel", "https")

    def aborted(self, rng, host) -> bool:
        """A client that loses interest."""
        url = rng.choice([f"{NGINX}/20000000.bin",
                          "https://origin.test/20000000.bin",
                          f"{HOSTILE}/drips,rate=500000/{HOSTILE_SIZE}/"
                          f"a{next(self._fresh)}"])
        got = self._start(host, url, "--cacert", self.lab.ca_file)
        self._stop.wait(rng.uniform(0, 1.5))
        got.process.kill()
        got.wait()
        got.target.unlink(missing_ok=True)
        self.tally.add("aborted", "done")
        return True

    def hostile(self, rng, host) -> bool:
        behaviour = rng.choice(BEHAVIOURS)
        name = f"s{next(self._fresh)}"
        encoding = (["--header", "Accept-Encoding: gzip"]
                    if "gzip" in behaviour else [])
        got = self._start(
            host, f"{HOSTILE}/{behaviour}/{HOSTILE_SIZE}/{name}", "--location",
            *encoding, seconds=8).wait()
        return self._judge("hostile", got, versions(behaviour, name, host))

    # -- judging --------------------------------------------------------------

    def _judge(self, kind: str, got, right: list) -> bool:
        """A body that curl takes for complete has to be the origin's."""
        body = got.body
        got.target.unlink(missing_ok=True)
        if got.code != 0:
            self.tally.add(kind, "failed")
            return False
        if body in right:
            self.tally.add(kind, "exact")
            return True
        self.tally.add(kind, "corrupt")
        self.violation(f"{kind} {got.url}: a complete body of {len(body)} "
                       "bytes that the origin does not have")
        return False

    def _start(self, host, url, *options, seconds=PATIENCE) -> Download:
        return Download(self.lab, host, self._target(), url, "--fail",
                        *options, seconds=seconds)

    def _target(self):
        return self.folder / f"got{next(self._fresh)}"

    @staticmethod
    def _file(name: str) -> bytes:
        return content.content(name, 0, int(name.partition(".")[0]))
