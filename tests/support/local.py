"""One daemon on this machine's loopback, without a lab: for tests of the proxy
alone, which talk to it with sockets of their own."""

import contextlib
import re
import signal
import socket
import subprocess
from pathlib import Path

from harness import BINARY, wait_until


class LocalDaemon:
    """A daemon with ports that are free. `settings` maps "section.key" to its
    text, as in a configuration file."""

    def __init__(self, folder: Path, **settings):
        self.folder = folder
        self.log = folder / "daemon.log"
        self.port = 0
        self.settings = {
            "pod.name": '"local"',
            "pod.state-dir": f'"{folder / "state"}"',
            "proxy.listen": '"127.0.0.1:0"',
            "discovery.enabled": "false",
            "transport.listen": '"127.0.0.1:0"',
            "console.socket": f'"{folder / "sock"}"',
            "log.level": '"debug"',
            **{key.replace("_", ".", 1).replace("_", "-"): value
               for key, value in settings.items()},
        }
        self.process = None

    def __enter__(self) -> "LocalDaemon":
        sections = {}
        for key, value in self.settings.items():
            section, _, name = key.partition(".")
            sections.setdefault(section, []).append(f"{name} = {value}")
        config = self.folder / "pod.ini"
        config.write_text("\n".join(
            f"[{name}]\n" + "\n".join(lines)
            for name, lines in sections.items()) + "\n")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [BINARY, "--actor-config", config], stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT)
        self.port = int(wait_until(self._port, 15, f"{self.log} names a port"))
        return self

    def __exit__(self, *_) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=10)
        finally:
            self.process.kill()

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def _port(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the daemon ended: {self.output()}")
        found = re.search(r"proxy at http://[^ ]*:(\d+) ", self.output())
        return found and found.group(1)

    def connect(self, seconds: float = 10) -> socket.socket:
        """A client's connection to the proxy."""
        return socket.create_connection(("127.0.0.1", self.port), seconds)

    def exchange(self, raw: bytes, end: bool = True,
                 seconds: float = 10) -> bytes:
        """Sends raw bytes and gives all that comes back until the proxy ends
        the connection. `end`: the client sends nothing more."""
        with self.connect(seconds) as client:
            client.sendall(raw)
            # The answer may have come and been reset already.
            with contextlib.suppress(OSError):
                if end:
                    client.shutdown(socket.SHUT_WR)
            return read_all(client)

    def get(self, url: str, *fields: str) -> "Answer":
        """One GET in a connection of its own."""
        return Answer(self.exchange(request("GET", url, *fields)))


def request(method: str, url: str, *fields: str, body: bytes = b"") -> bytes:
    """A request that ends its connection."""
    host = url.split("/")[2] if "//" in url else url.replace("*", "a.test")
    lines = [f"{method} {url} HTTP/1.1", f"Host: {host}",
             "Connection: close", *fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def read_all(client: socket.socket) -> bytes:
    """What comes until the end; a reset ends it, too, and is marked."""
    out = b""
    try:
        while got := client.recv(65536):
            out += got
    except ConnectionResetError:
        out += RESET
    return out


#: Stands at the end of what was cut off by a reset.
RESET = b"<reset>"


class Answer:
    """A final response, taken apart by the simplest of readers."""

    def __init__(self, raw: bytes):
        self.raw = raw
        while re.match(rb"HTTP/1\.1 1\d\d ", raw):
            raw = raw.partition(b"\r\n\r\n")[2]
        head, _, self.body = raw.partition(b"\r\n\r\n")
        line, *fields = head.decode("latin-1").split("\r\n")
        words = line.split(" ", 2)
        self.status = int(words[1]) if line.startswith("HTTP/1.1 ") else 0
        self.fields = {}
        for field in fields:
            name, _, value = field.partition(":")
            self.fields.setdefault(name.lower(), value.strip())

    @property
    def count(self) -> int:
        """How many responses there seem to be, interim ones left out."""
        return len(re.findall(rb"HTTP/1\.1 [2-5]\d\d ", self.raw))

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")
