"""Clients of a proxy that send a head byte by byte, and what comes of them. That
takes as long as a head may take, so they run beside other tests."""

import contextlib
import selectors
import threading
import time


class Dripping:
    """So many clients of a `local.LocalDaemon`, in a thread."""

    def __init__(self, daemon, count: int):
        self.answers = []  # what each was told at its end
        self._waited = []  # seconds until then
        self._over = threading.Event()
        self._begun = time.monotonic()
        self.clients = [daemon.connect() for _ in range(count)]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            for one in self.clients:
                one.sendall(b"GET http://a.test/ HTTP/1.1\r\nX: ")
                selector.register(one, selectors.EVENT_READ)
            while selector.get_map() and not self._over.wait(0.5):
                for key, _ in selector.select(0):
                    selector.unregister(key.fileobj)
                    self._end(key.fileobj)
                for key in selector.get_map().values():
                    with contextlib.suppress(OSError):
                        key.fileobj.send(b"x")

    def _end(self, one) -> None:
        try:
            self.answers.append(one.recv(4096))
        except OSError:
            self.answers.append(b"")
        self._waited.append(time.monotonic() - self._begun)

    def wait(self, seconds: float) -> list:
        """How long each has waited for its end, once so many seconds have
        passed since they began, or all have ended."""
        self._thread.join(max(0.0, self._begun + seconds - time.monotonic()))
        return list(self._waited)

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        for one in self.clients:
            one.close()
