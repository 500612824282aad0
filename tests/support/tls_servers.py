"""HTTPS servers on loopback with certificates of every kind, good and bad."""

import asyncio
import contextlib
import ssl
import subprocess
import threading
from pathlib import Path

import origin


class Authority:
    """A certificate authority in a folder."""

    def __init__(self, folder: Path, name="test"):
        self.folder = folder
        self.name = name
        self.ca_file = folder / f"{name}-ca.pem"
        self._key = folder / f"{name}-ca.key"
        self._serial = 0
        _openssl("req", "-x509", *NEW_KEY, "-days", "30",
                 "-subj", f"/CN={name} CA", "-keyout", self._key,
                 "-out", self.ca_file)

    def context(self, *names, expired=False) -> ssl.SSLContext:
        """A server's context with a certificate for `names`, as in
        "DNS:localhost" or "IP:127.0.0.1"."""
        self._serial += 1
        base = self.folder / f"{self.name}-{self._serial}"
        key, request, cert = (base.with_suffix(x)
                              for x in (".key", ".csr", ".pem"))
        extensions = base.with_suffix(".ext")
        extensions.write_text(f"subjectAltName={','.join(names)}\n")
        _openssl("req", *NEW_KEY, "-subj", "/CN=server", "-keyout", key,
                 "-out", request)
        # A certificate of minus one day ended before it began.
        _openssl("x509", "-req", "-days", "-1" if expired else "30",
                 "-in", request, "-CA", self.ca_file, "-CAkey", self._key,
                 "-set_serial", str(1000 + self._serial),
                 "-extfile", extensions, "-out", cert)
        out = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        out.load_cert_chain(cert, key)
        return out


NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def _openssl(*words) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True,
                   capture_output=True)


class Loop:
    """An event loop in a thread."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever,
                                       daemon=True)

    def __enter__(self) -> "Loop":
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.run(self._cancel_all())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def run(self, work):
        """What a coroutine gives that runs there."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(20)

    @staticmethod
    async def _cancel_all() -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Server:
    """A server on a free port of loopback."""

    def __init__(self, loop: Loop, serve, context=None, address="127.0.0.1"):
        self.loop = loop
        self._server = loop.run(asyncio.start_server(
            serve, address, 0, ssl=context, limit=1 << 20))
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        self.loop.loop.call_soon_threadsafe(self._server.close)


@contextlib.contextmanager
def hostile_https(context):
    """The hostile origin behind TLS; gives (origin, port)."""
    with Loop() as loop:
        it = origin.Origin()
        server = Server(loop, it.serve, context)
        yield it, server.port
        server.close()
