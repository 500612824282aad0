"""An origin on loopback whose answers are whatever bytes a test gives it."""

import contextlib
import socket
import threading


class RawOrigin:
    """`answers` maps a path to a function that gets the socket and the bytes
    that came so far, and writes the answer. Each connection has one."""

    def __init__(self, answers: dict):
        self.answers = answers
        self.open = []  # the connections so far
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}"

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                taken, _ = self._listener.accept()
                self.open.append(taken)
                threading.Thread(target=self._serve, args=(taken,),
                                 daemon=True).start()

    def _serve(self, taken: socket.socket) -> None:
        with contextlib.suppress(OSError, IndexError), taken:
            came = b""
            while b"\r\n\r\n" not in came:
                got = taken.recv(65536)
                if not got:
                    return
                came += got
            path = came.split(b" ")[1].decode().partition("?")[0]
            self.answers[path.strip("/")](taken, came)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self.open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
