"""Servers of the lab that tell what reached them: canaries that nobody may
reach, an origin with a public address, and a name server that says what it is
told to say. All of them run in threads of this process."""

import contextlib
import http.server
import ipaddress
import selectors
import socket
import struct
import threading
import urllib.parse

import content
import namespaces
from origin_reply import etag_of

#: An address that counts as public: no registry of IANA for special purposes
#: has it. It leads to the lab's own internet and nowhere else.
PUBLIC = "11.77.98.1"


class Canaries:
    """Listeners; `heard` has who came where, and what they said at first."""

    def __init__(self):
        self.heard = []
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def listen(self, lab, host, address: str, port: int = 80) -> None:
        made = namespaces.listen(lab, host, address, port)
        self._selector.register(made, selectors.EVENT_READ,
                                f"host {host}, {address} port {port}")
        self._wake.send(b"x")

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._woken:
                    if self._woken.recv(1) == b"":
                        return
                    continue
                taken, who = key.fileobj.accept()
                taken.settimeout(0.2)
                said = b""
                with contextlib.suppress(OSError):
                    said = taken.recv(4096)
                self.heard.append((key.data, who[0], said))
                taken.close()

    def close(self) -> None:
        self._wake.close()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()
        self._selector.close()


class _Answers(http.server.BaseHTTPRequestHandler):
    """/SIZE/NAME is a range of that body, /to/URL a redirect, /hops/N/URL N
    redirects before it. Every connection has one answer."""

    def log_message(self, *_):
        """Says nothing."""

    def do_GET(self):
        self.server.asked.append((self.path, dict(self.headers)))
        words = self.path.split("/", 3)
        if words[1] == "to":
            return self._redirect(urllib.parse.unquote(self.path[4:]))
        if words[1] == "hops":
            left = int(words[2]) - 1
            rest = "/".join(words[3:])
            return self._redirect(f"/hops/{left}/{rest}" if left else
                                  f"/to/{rest}")
        return self._body(words[2], int(words[1]))

    def _redirect(self, to: str) -> None:
        self.send_response(302)
        self.send_header("Location", to)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _body(self, name: str, size: int) -> None:
        wanted = self.headers.get("Range", f"bytes=0-{size - 1}")
        first, _, last = wanted.partition("=")[2].partition("-")
        start, end = int(first), int(last) + 1
        self.send_response(206)
        self.send_header("ETag", etag_of(name))
        self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
        self.send_header("Content-Length", str(end - start))
        self.end_headers()
        self.wfile.write(content.content(name, start, end))


class PublicOrigin(http.server.ThreadingHTTPServer):
    """An honest origin with a public address; `asked` has its requests."""

    daemon_threads = True

    def __init__(self, lab, address: str = PUBLIC, port: int = 80):
        self.asked = []
        super().__init__((address, port), _Answers, bind_and_activate=False)
        self.socket.close()
        self.socket = namespaces.listen(lab, "origin", address, port)
        self._thread = threading.Thread(target=self.serve_forever,
                                        args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class Names:
    """A name server. `names` maps a name to the addresses of its answers, one
    list a question; the last one is said for ever."""

    def __init__(self, lab, address: str, names: dict):
        self.names = {name: list(answers) for name, answers in names.items()}
        self.asked = []
        self._socket = namespaces.datagrams(lab, "origin", address, 53)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            data, who = self._socket.recvfrom(4096)
            if not data:
                return
            self._socket.sendto(self._answer(data), who)

    def _answer(self, data: bytes) -> bytes:
        """A response (RFC 1035, 4.1) without cache."""
        labels, at = [], 12
        while data[at]:
            labels.append(data[at + 1:at + 1 + data[at]].decode())
            at += 1 + data[at]
        kind, = struct.unpack(">H", data[at + 1:at + 3])
        question = data[12:at + 5]
        name = ".".join(labels).lower()
        rows = self._rows(name, {1: 4, 28: 6}.get(kind))
        code = 0 if name in self.names else 3
        head = data[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(rows),
                                      0, 0)
        return head + question + b"".join(
            struct.pack(">HHHIH", 0xc00c, kind, 1, 0, len(row)) + row
            for row in rows)

    def _rows(self, name: str, version) -> list:
        answers = self.names.get(name, [[]])
        now = [ipaddress.ip_address(x) for x in answers[0]]
        rows = [x.packed for x in now if x.version == version]
        if rows:
            self.asked.append(name)
            if len(answers) > 1:
                answers.pop(0)
        return rows

    def close(self) -> None:
        # An empty datagram ends the thread.
        self._socket.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()
