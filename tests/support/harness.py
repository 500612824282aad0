"""What tests use to run programs: deadlines instead of sleeps, daemons with a
configuration of their own, reference peers, and curl."""

import asyncio
import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import origin

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BINARY = Path(os.environ.get("PEAPOD", ROOT / "build/release/peapod"))
PROXY = "127.0.0.1:3128"

# No daemon of a test asks this machine's services about its line and its power.
os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = "unix:path=/nonexistent/system_bus"


def wait_until(condition, seconds: float = 5.0, what: str = "", every=0.03):
    """Polls until `condition()` is true and gives its value; fails loudly at
    the deadline with what was awaited and the last value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(
                f"not within {seconds} s: {what or condition}; last {value!r}")
        time.sleep(every)


@contextlib.contextmanager
def hostile_origin():
    """A hostile origin on loopback, in a thread; gives its port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(asyncio.start_server(
        origin.Origin().serve, "127.0.0.1", 0), loop).result()
    yield server.sockets[0].getsockname()[1]
    asyncio.run_coroutine_threadsafe(_shut(server), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def _shut(server) -> None:
    server.close()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class Process:
    """A program inside a host of the lab, with its output in a file."""

    def __init__(self, lab, host, folder: Path, name: str):
        self.lab, self.host, self.name = lab, host, name
        self.folder = folder
        self.log = folder / f"{name}.log"
        self.process = None
        self.env = None  # its environment; None: this process's

    def _spawn(self, *words, **options):
        with open(self.log, "ab") as log:
            self.process = self.lab.popen(
                self.host, *words, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True, env=self.env, **options)

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def signal(self, how) -> None:
        self.process.send_signal(how)

    def kill(self) -> None:
        """Ends it the hard way; it says no goodbye."""
        if self.is_running:
            self.process.kill()
        if self.process:
            self.process.wait()

    def freeze(self) -> None:
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.signal(signal.SIGCONT)

    def terminate(self, seconds: float = 5.0) -> int:
        """SIGTERM; its exit status."""
        self.signal(signal.SIGTERM)
        return self.process.wait(timeout=seconds)

    def output(self) -> str:
        return self.log.read_text(errors="replace")


class Daemon(Process):
    """One PeaPod daemon inside a host."""

    def __init__(self, lab, host, folder: Path, name=None, settings=None):
        super().__init__(lab, host, folder, name or f"host{host}")
        self.prefix = ()  # what starts it, as in ("prlimit", "--nofile=64")
        self.binary = BINARY
        self.socket = folder / f"{self.name}.sock"
        self.config_file = folder / f"{self.name}.ini"
        self.config_file.write_text(self._config(settings or {}))

    def _config(self, settings: dict) -> str:
        """The configuration; `settings` maps "section.key" to its text."""
        values = {
            "pod.name": f'"{self.name}"',
            "pod.state-dir": f'"{self.folder / (self.name + "-state")}"',
            "proxy.listen": f'"{PROXY}"',
            "discovery.interfaces": '["lan0"]',
            "share.allow-private": '["10.77.0.0/16"]',
            "console.socket": f'"{self.socket}"',
            "trust.mode": '"open"',
            "log.level": '"debug"',
            **settings,
        }
        sections = {}
        for key, value in values.items():
            section, _, key = key.partition(".")
            sections.setdefault(section, []).append(f"{key} = {value}")
        return "\n".join(f"[{name}]\n" + "\n".join(lines)
                         for name, lines in sections.items()) + "\n"

    def start(self, ready: bool = True) -> "Daemon":
        self._spawn(*self.prefix, self.binary, "--actor-config", self.config_file,
                    stdin=subprocess.DEVNULL)
        if ready:
            wait_until(self._is_ready, 15, f"{self.name} answers; "
                       f"its log is {self.log}")
        return self

    def _is_ready(self):
        if not self.is_running:
            raise AssertionError(f"{self.name} ended with "
                                 f"{self.process.returncode}: {self.output()}")
        return self.socket.exists() and self.status(check=False)

    def status(self, check: bool = True):
        """What `peapod status --json` says, parsed; None when it fails."""
        done = subprocess.run(
            [BINARY, "status", "--json", "--socket", self.socket],
            capture_output=True, text=True, timeout=5)
        if done.returncode != 0:
            if check:
                raise AssertionError(f"status: {done.stderr}{done.stdout}")
            return None
        return json.loads(done.stdout)

    def connected_peers(self) -> list:
        """The peers whose session stands."""
        return [peer for peer in self.status()["peers"]
                if peer["state"] == "connected"]

    def transfer(self, url: str):
        """The last transfer of `url` in status, or None."""
        found = [t for t in self.status()["transfers"] if t["url"] == url]
        return found[-1] if found else None

    def wait_for_peers(self, count: int, seconds: float = 5.0) -> None:
        wait_until(lambda: len(self.connected_peers()) == count, seconds,
                   f"{self.name} has {count} connected peers")


class ReferencePeer(Process):
    """reference_peer.py inside a host."""

    def start(self, *options) -> "ReferencePeer":
        self._spawn(sys.executable, HERE / "reference_peer.py",
                    "--interface-address", self.lab.lan_address(self.host),
                    *options, stdin=subprocess.PIPE)
        self.wait_for("ready")
        return self

    def events(self, kind=None) -> list:
        """The events so far, all or of one kind."""
        lines = [json.loads(line) for line in self.output().splitlines()
                 if line.startswith("{") and line.endswith("}")]
        return [e for e in lines if kind in (None, e["event"])]

    def wait_for(self, kind: str, count: int = 1, seconds: float = 5.0):
        """The first `count` events of a kind; the last of them is given."""
        def enough():
            found = self.events(kind)
            return len(found) >= count and found
        return wait_until(enough, seconds, f"{count} x {kind}: "
                          f"{self.log}")[count - 1]

    def do(self, command: str, **details) -> None:
        line = json.dumps({"do": command, **details}) + "\n"
        self.process.stdin.write(line.encode())
        self.process.stdin.flush()


class Download:
    """curl that writes a body to a file."""

    def __init__(self, lab, host, target: Path, url: str, *options,
                 proxy=PROXY, seconds=60):
        self.target, self.url = target, url
        through = ["--proxy", f"http://{proxy}"] if proxy else [
            "--noproxy", "*"]
        self.started = time.monotonic()
        self.process = lab.popen(
            host, "curl", "--silent", "--show-error", *through,
            "--max-time", seconds, "--output", target, "--write-out",
            "%{json}", *options, url, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        self.info = {}

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self.target.stat().st_size if self.target.exists() else 0

    def wait_for_size(self, size: int, seconds: float = 20.0) -> None:
        wait_until(lambda: self.size >= size
                   or self.process.poll() is not None, seconds,
                   f"{size} bytes of {self.url}", every=0.01)
        assert self.size >= size, f"ended at {self.size}"

    def longest_stall(self) -> float:
        """Watches the file until curl ends; the longest time in seconds in
        which it did not grow."""
        last, since, longest = self.size, time.monotonic(), 0.0
        while self.process.poll() is None:
            time.sleep(0.02)
            now = time.monotonic()
            if self.size != last:
                last, since = self.size, now
            longest = max(longest, now - since)
        return longest

    def wait(self) -> "Download":
        out, err = self.process.communicate()
        self.seconds = time.monotonic() - self.started
        self.error = err
        self.info = json.loads(out) if out.startswith("{") else {}
        return self

    @property
    def code(self) -> int:
        """curl's exit code."""
        return self.process.returncode

    @property
    def status(self) -> int:
        return self.info.get("http_code", 0)

    @property
    def body(self) -> bytes:
        return self.target.read_bytes() if self.target.exists() else b""

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()
