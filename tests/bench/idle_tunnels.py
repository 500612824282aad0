#!/usr/bin/python3
"""How much memory an idle CONNECT tunnel costs: of the proxy's own (PSS) and of
the kernel's, for the daemon and for others.

    sudo tests/bench/idle_tunnels.py [--tunnels 1000] [--proxies peapod squid]

Kernel memory is what /proc/meminfo counts as slab and /proc/net/sockstat as
memory of TCP, before and with the tunnels, less what as many direct connections
cost: what is left are the proxy's two sockets and its place in epoll. The
others come from Debian (proxies.py names the packages).
"""

import argparse
import contextlib
import selectors
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

from loopback import (congestion_control, own_network, pss, raise_descriptors)
from proxies import proxy

PROXIES = ("peapod", "tinyproxy", "squid", "privoxy")


class Origin:
    """Accepts and keeps what comes, until the other side ends it."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.port = self.listener.getsockname()[1]
        self.poll = selectors.DefaultSelector()
        self.poll.register(self.listener, selectors.EVENT_READ)
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            for key, _ in self.poll.select():
                if key.fileobj is self.listener:
                    client, _ = self.listener.accept()
                    self.poll.register(client, selectors.EVENT_READ)
                    continue
                with contextlib.suppress(ConnectionError):
                    if key.fileobj.recv(4096):
                        continue
                self.poll.unregister(key.fileobj)
                key.fileobj.close()


def open_direct(_port: int, origin: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", origin))


def open_tunnel(port: int, origin: int) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port))
    client.settimeout(20)
    client.sendall(f"CONNECT 127.0.0.1:{origin} HTTP/1.1\r\n"
                   f"Host: 127.0.0.1:{origin}\r\n"
                   "User-Agent: idle_tunnels/1.0\r\n\r\n".encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        piece = client.recv(4096)
        if not piece:
            raise SystemExit(f"a tunnel was refused: {head!r}")
        head += piece
    if b" 200 " not in head[:16]:
        raise SystemExit(f"a tunnel was refused: {head!r}")
    return client


def kernel_bytes() -> int:
    """Memory that the kernel holds in slabs and for TCP."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    slab = sum(int(line.split()[1]) for line in lines
               if line.startswith("Slab:"))
    tcp = next(line.split() for line in
               Path("/proc/net/sockstat").read_text().splitlines()
               if line.startswith("TCP:"))
    return slab * 1024 + int(tcp[tcp.index("mem") + 1]) * 4096


def settle() -> None:
    """Lets the kernel finish what it does later (RCU)."""
    time.sleep(2)


def hold(count: int, opened, port: int, origin: int, pid=None) -> tuple:
    """PSS and kernel bytes that `count` connections add."""
    settle()
    before = (pss(pid) if pid else 0, kernel_bytes())
    sockets = [opened(port, origin) for _ in range(count)]
    settle()
    after = (pss(pid) if pid else 0, kernel_bytes())
    for each in sockets:
        each.close()
    settle()
    return tuple(b - a for a, b in zip(before, after))


def measure(name: str, count: int, origin: int, direct: float) -> None:
    with tempfile.TemporaryDirectory() as folder, \
            proxy(name, Path(folder), origin) as (process, port):
        # What the first tunnels need once and for all does not count.
        hold(20, open_tunnel, port, origin)
        user, kernel = hold(count, open_tunnel, port, origin, process.pid)
    print(f"{name:<10} {user / count / 1024:7.2f} KiB PSS  "
          f"{kernel / count / 1024 - direct:7.2f} KiB kernel  "
          f"for each of {count} idle tunnels", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--tunnels", type=int, default=1000)
    parser.add_argument("--proxies", nargs="+", default=PROXIES)
    wanted = parser.parse_args()
    own_network()
    print(f"descriptors: {raise_descriptors()}; congestion control: "
          f"{congestion_control()}")
    origin = Origin()
    hold(wanted.tunnels, open_direct, 0, origin.port)  # fills the slabs
    direct = hold(wanted.tunnels, open_direct, 0, origin.port)[1]
    direct /= wanted.tunnels * 1024
    print(f"{'direct':<10} {direct:32.2f} KiB kernel  "
          "for each connection, not counted below")
    for name in wanted.proxies:
        measure(name, wanted.tunnels, origin.port, direct)
    return 0


if __name__ == "__main__":
    sys.exit(main())
