"""A daemon as `peapod get` and `peapod put` see it, without a pod: the control
socket's `GET /v1/status`, and a proxy whose tunnels pretend to leave through
the device that `PeaPod-Exit` names. Names that end with `.test` lead to this
machine: its own addresses would be reached without a proxy."""

import asyncio
import contextlib
import json
from collections import Counter
from pathlib import Path

from tls_servers import Loop, Server

OWN = "0" * 31 + "1"


class FakeLines:
    """`peers` maps ids (32 hexadecimal digits) to names; it may change."""

    def __init__(self, folder: Path, peers=None):
        self.socket = folder / "lines.sock"
        self.peers = dict(peers or {})
        self.received = Counter()  # bytes that came through each exit
        self.sent = Counter()      # bytes that went through it
        self.opened = Counter()    # tunnels
        self.plain = []            # requests that were no CONNECT
        self.rates = {}            # bytes a second of an exit
        self.redirects = {}        # exit -> port of who answers instead
        self.refused = set()       # exits that take no tunnel
        self.turned_away = Counter()  # tunnels that they did not take
        self.evil = set()          # exits that change bytes
        self.dead = {}             # host -> (status, error type) of it
        self.limits = {}           # exit -> bytes until a tunnel breaks, once
        self._free = Counter()     # when the line of an exit is free again
        self._loop = Loop()
        self._control = None
        self._proxy = None

    def __enter__(self) -> "FakeLines":
        self._loop.__enter__()
        self._proxy = Server(self._loop, self._serve_proxy)
        self._control = self._loop.run(asyncio.start_unix_server(
            self._serve_control, self.socket))
        return self

    def __exit__(self, *_) -> None:
        self._loop.loop.call_soon_threadsafe(self._control.close)
        self._proxy.close()
        self._loop.__exit__()
        self.socket.unlink(missing_ok=True)

    def break_all(self) -> None:
        """All tunnels break, and no exit takes another one."""
        self.refused = {"own", *self.peers}
        self._loop.run(self._abort_tunnels())

    async def _abort_tunnels(self) -> None:
        for task in asyncio.all_tasks():
            if task.get_coro().__name__ == "_pump":
                task.cancel()

    def vanish(self) -> None:
        """The daemon ends: nobody answers any more, and tunnels break."""
        self._loop.loop.call_soon_threadsafe(self._control.close)
        self._proxy.close()
        self.socket.unlink(missing_ok=True)
        self._loop.run(self._loop._cancel_all())

    # -- the control socket ---------------------------------------------------

    def status(self) -> dict:
        return {
            "device": {"id": OWN, "name": "own"},
            "proxy": {"listen": f"127.0.0.1:{self._proxy.port}"},
            "peers": [{"id": key, "name": name, "state": "connected",
                       "tunnels": True} for key, name in self.peers.items()],
        }

    async def _serve_control(self, reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            body = json.dumps(self.status()).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json"
                         b"\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
                         % len(body) + body)
            await writer.drain()
        writer.close()

    # -- the proxy ------------------------------------------------------------

    async def _serve_proxy(self, reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.split("\r\n")
            fields = dict(x.lower().split(": ", 1) for x in lines if x)
            method, target, _ = first.split(" ")
            host = target.removeprefix("http://").partition("/")[0]
            if dead := self.dead.get(host.rpartition(":")[0]):
                return await self._say_why(host, *dead, writer)
            if method == "CONNECT":
                await self._tunnel(target, fields.get("peapod-exit", "own"),
                                   reader, writer)
            else:
                self.plain.append((first, fields))
                await self._forward(head, target, reader, writer)
        writer.close()

    @staticmethod
    async def _say_why(host, status, kind, writer):
        """As the daemon says that it cannot reach a host."""
        writer.write(b"HTTP/1.1 %d Why\r\nContent-Type: text/plain\r\n"
                     b"Proxy-Status: PeaPod; error=%s; details=\"%s: why\"\r\n"
                     b"Connection: close\r\nContent-Length: 4\r\n\r\nnope"
                     % (status, kind.encode(), host.encode()))
        await writer.drain()
        writer.close()

    async def _tunnel(self, target, exit_, reader, writer):
        if exit_ in self.refused or (exit_ != "own"
                                     and exit_ not in self.peers):
            self.turned_away[exit_] += 1
            text = b"the exit takes no tunnels"
            writer.write(b"HTTP/1.1 503 Service Unavailable\r\n"
                         b"Content-Type: text/plain\r\n"
                         b"Content-Length: %d\r\n\r\n" % len(text) + text)
            return await writer.drain()
        host, _, port = target.rpartition(":")
        port = self.redirects.get(exit_, int(port))
        host = "127.0.0.1" if host.endswith(".test") else host.strip("[]")
        there = await asyncio.open_connection(host, port)
        self.opened[exit_] += 1
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await self._pump_both((reader, writer), there, exit_)

    async def _forward(self, head, target, reader, writer):
        """One request, with its answer until the end of the connection."""
        host, _, path = target.removeprefix("http://").partition("/")
        name, _, port = host.partition(":")
        name = "127.0.0.1" if name.endswith(".test") else name
        there = await asyncio.open_connection(name, int(port or 80))
        there[1].write(head.replace(target, "/" + path, 1).encode("latin-1"))
        await self._pump_both((reader, writer), there, "own")

    async def _pump_both(self, here, there, exit_):
        tasks = [
            asyncio.ensure_future(self._pump(here[0], there[1], exit_, True)),
            asyncio.ensure_future(self._pump(there[0], here[1], exit_, False)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            there[1].close()

    async def _pump(self, reader, writer, exit_, up):
        counter = self.sent if up else self.received
        loop = asyncio.get_running_loop()
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(16384):
                counter[exit_] += len(data)
                if counter[exit_] > self.limits.get(exit_, 1 << 60):
                    del self.limits[exit_]
                    writer.transport.abort()
                    return
                if exit_ in self.evil and not up and counter[exit_] > 20_000:
                    data = data[:-1] + bytes([data[-1] ^ 1])
                writer.write(data)
                await writer.drain()
                if rate := self.rates.get(exit_):
                    free = max(self._free[exit_], loop.time())
                    self._free[exit_] = free + len(data) / rate
                    await asyncio.sleep(self._free[exit_] - loop.time())
