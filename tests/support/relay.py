"""A peer that opens tunnels, honestly or not: it sees all bytes that pass, and
may change them, cut them off, or answer in the site's stead."""

import contextlib
import selectors
import socket
import threading

import namespaces
from protocol2_peer import Ended, Session

WINDOW = 512 * 1024  # what each side may send before it gets credit
CAPABILITY = 2       # it opens tunnels
PIECE = 32 * 1024


class Relay:
    """Serves the tunnels that `session`'s other side asks for, in a thread of
    its own, until it is closed. `change(to_site, bytes)` gives what goes on
    instead of some bytes, or None, which breaks the tunnel off; `connect(host,
    port)` gives the socket that a tunnel leads to."""

    def __init__(self, session: Session, connect, change=None):
        self.session, self.connect = session, connect
        self.change = change or (lambda to_site, data: data)
        self.asked = []           # (host, port) of each tunnel
        self.seen = [b"", b""]    # what came from the site, and went to it
        self._sockets = {}        # number of a tunnel: its socket
        self._credit = {}
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> "Relay":
        return self

    def __exit__(self, *_) -> None:
        self._end.set()
        self._thread.join()
        for number in list(self._sockets):
            self._forget(number)

    # -- what happens ---------------------------------------------------------

    def _run(self) -> None:
        with contextlib.suppress(Ended, OSError), \
                selectors.DefaultSelector() as ready:
            while not self._end.is_set():
                self._take_messages()
                for number, sock in list(self._sockets.items()):
                    if self._credit.get(number, 0) > 0:
                        self._bring(number, sock, ready)

    def _take_messages(self) -> None:
        with contextlib.suppress(TimeoutError):
            while True:
                message = self.session.receive(0.005)
                self._take(message)

    def _take(self, message: dict) -> None:
        kind, number = message["type"], message.get("id")
        if kind == "Ping":
            self.session.send("Pong", token=message["token"])
        elif kind == "OpenTunnel":
            self._open(number, message["host"], message["port"])
        elif kind == "Credit":
            self._credit[number] = self._credit.get(number, 0) \
                + message["bytes"]
        elif kind == "TunnelData" and number in self._sockets:
            self._pass_on(number, message["payload"])
        elif kind == "CloseTunnel" and number in self._sockets:
            if message["code"] == 0:
                with contextlib.suppress(OSError):
                    self._sockets[number].shutdown(socket.SHUT_WR)
            else:
                self._forget(number)

    def _open(self, number: int, host: str, port: int) -> None:
        self.asked.append((host, port))
        try:
            self._sockets[number] = self.connect(host, port)
        except OSError:
            self._close(number, 3)
            return
        self._credit[number] = WINDOW
        self.session.send("TunnelOpened", id=number)

    def _pass_on(self, number: int, data: bytes) -> None:
        self.seen[1] += data
        changed = self.change(True, data)
        if changed is None:
            self._close(number, 1)
            return
        sock = self._sockets[number]
        sock.settimeout(5)
        try:
            sock.sendall(changed)
        except OSError:
            self._close(number, 1)
            return
        self.session.send("Credit", id=number, bytes=len(data))

    def _bring(self, number: int, sock, ready) -> None:
        ready.register(sock, selectors.EVENT_READ)
        try:
            if not ready.select(0):
                return
        finally:
            ready.unregister(sock)
        try:
            data = sock.recv(min(PIECE, self._credit[number]))
        except OSError:
            self._close(number, 1)
            return
        if not data:
            self.session.send("CloseTunnel", id=number, code=0, detail="")
            self._credit[number] = 0
            return
        self.seen[0] += data
        changed = self.change(False, data)
        if changed is None:
            self._close(number, 1)
            return
        self._credit[number] -= len(changed)
        self.session.send("TunnelData", id=number, payload=changed)

    def _close(self, number: int, code: int) -> None:
        self.session.send("CloseTunnel", id=number, code=code, detail="")
        self._forget(number)

    def _forget(self, number: int) -> None:
        if number in self._sockets:
            self._sockets.pop(number).close()
        self._credit.pop(number, None)


def to(lab, host, address: str):
    """Connects to where tunnels lead from inside a host of the lab; every name
    means the same server."""
    return lambda _, port: namespaces.connect(lab, host, (address, port))


def introduction(**others) -> dict:
    """What a peer says of itself that opens tunnels."""
    return {"name": "relay", "capabilities": CAPABILITY, **others}


__all__ = ["Relay", "WINDOW", "introduction", "to"]
