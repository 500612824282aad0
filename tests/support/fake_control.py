#!/usr/bin/python3
"""A control socket without a daemon behind it: answers as docs/openapi.yaml
says, about a pod that is made up. For the console and its tests.

    tests/support/fake_control.py /tmp/fake.sock --lively &
    build/release/peapod console --socket /tmp/fake.sock

--lively lets a download go on without end; without it nothing moves, and the
same question has the same answer. As a class it can be stuck, stopped and
started anew (`FakeControl`)."""

import argparse
import contextlib
import json
import re
import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from fake_pod import FakePod, Refused


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"

    # A Unix socket has no address that a log could name.
    def address_string(self):
        return "unix"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self._answer(b"")

    def do_POST(self):
        size = int(self.headers.get("Content-Length") or 0)
        self._answer(self.rfile.read(size))

    def _answer(self, body: bytes):
        fake = self.server.fake
        fake.requests.append(f"{self.command} {self.path}")
        fake.wait_while_stuck()
        target = urlsplit(self.path)
        query = {name: values[0]
                 for name, values in parse_qs(target.query).items()}
        try:
            with fake.lock:
                self._route(fake, target.path, query, body)
        except Refused as why:
            self._send(why.status, {"error": str(why)})
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _route(self, fake, path, query, body):
        pod = fake.pod
        plain = {"/v1/status": pod.status, "/v1/actors": pod.actor_list,
                 "/v1/tree": pod.tree, "/v1/crashes": pod.crash_list,
                 "/v1/peers": lambda: {"peers": pod.peers(), "crowded": False},
                 "/v1/transfers": lambda: {"transfers": pod.transfers()},
                 "/v1/pod": pod.members}
        one = re.fullmatch(r"/v1/actors/(\d+)(?:/(kill|restart|fault))?", path)
        device = re.fullmatch(r"/v1/peers/([^/]+)/(trust|untrust)", path)
        if device and self.command == "POST":
            self._send(200, pod.change_trust(unquote(device[1]),
                                             device[2] == "trust"))
        elif self.command == "GET" and path in plain:
            self._send(200, plain[path]())
        elif self.command == "GET" and path == "/metrics":
            self._send_text("# TYPE peapod_actors gauge\n"
                            f"peapod_actors {len(pod.actors)}\n")
        elif self.command == "GET" and path == "/v1/events":
            since = query.get("since", self.headers.get("Last-Event-ID"))
            self._stream(fake, fake.event_stream(since))
        elif self.command == "GET" and path == "/v1/trace":
            number = int(query["actor"])
            pod.find(number)
            self._stream(fake, fake.message_stream(number))
        elif one and one[2] is None and self.command == "GET":
            self._send(200, pod.page(int(one[1])))
        elif one and one[2] and self.command == "POST":
            what = json.loads(body) if body else {}
            self._send(200, pod.change(int(one[1]), one[2], what))
        else:
            raise Refused(404, f"there is nothing at {path}")

    def _send(self, status: int, answer: dict):
        self._send_text(json.dumps(answer), status, "application/json")

    def _send_text(self, text: str, status=200, kind="text/plain"):
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, fake, events):
        """Server-sent events until one side has enough."""
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        fake.lock.release()
        try:
            for number, kind, data in events:
                text = f"event: {kind}\ndata: {json.dumps(data)}\n\n"
                if number is not None:
                    text = f"id: {number}\n{text}"
                self.wfile.write(text.encode())
                self.wfile.flush()
        finally:
            fake.lock.acquire()


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass


class FakeControl:
    """A control socket at `path`."""

    def __init__(self, path: Path, pod: FakePod = None):
        self.path = Path(path)
        self.pod = pod or FakePod()
        self.lock = threading.RLock()
        self.requests = []
        self._free = threading.Event()
        self._free.set()
        self._server = None
        self._running = False

    # -- living and dying -----------------------------------------------------

    def start(self) -> "FakeControl":
        self.path.unlink(missing_ok=True)
        self._running = True
        self._server = Server(str(self.path), Handler)
        self._server.fake = self
        threading.Thread(target=self._server.serve_forever,
                         kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def stop(self) -> None:
        """As a daemon that ends: its socket goes away."""
        self._running = False
        self.thaw()
        self._server.shutdown()
        self._server.server_close()
        self.path.unlink(missing_ok=True)

    def restart(self, pod: FakePod) -> None:
        """Another process in its place."""
        self.pod = pod
        self.start()

    def freeze(self) -> None:
        """Accepts, but answers nothing from now on."""
        self._free.clear()

    def thaw(self) -> None:
        self._free.set()

    def wait_while_stuck(self) -> None:
        self._free.wait()

    # -- streams --------------------------------------------------------------

    def event_stream(self, since):
        """Events after `since`, or from now on."""
        pod = self.pod
        at = len(pod.events) if since is None else next(
            (i for i, e in enumerate(pod.events) if e["seq"] > int(since)),
            len(pod.events))
        while self._running and self.pod is pod:
            while at < len(pod.events):
                event = pod.events[at]
                at += 1
                yield event["seq"], event["kind"], event
            time.sleep(0.02)

    def message_stream(self, number: int):
        pod = self.pod
        actor = pod.find(number)
        at = len(actor.messages)
        while self._running and self.pod is pod:
            if number not in pod.actors:
                yield None, "ended", {}
                return
            while at < len(actor.messages):
                yield None, "message", actor.messages[at]
                at += 1
            time.sleep(0.02)


@contextlib.contextmanager
def fake_control(path: Path, pod: FakePod = None):
    """A fake that is stopped at the end."""
    fake = FakeControl(path, pod).start()
    try:
        yield fake
    finally:
        if fake._running:
            fake.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("socket", type=Path)
    parser.add_argument("--lively", action="store_true",
                        help="let a download go on")
    parser.add_argument("--faults", action="store_true",
                        help="allow faults")
    wanted = parser.parse_args()
    pod = FakePod(fault_injection=wanted.faults)
    with fake_control(wanted.socket, pod) as fake:
        while True:
            time.sleep(0.25)
            if wanted.lively:
                with fake.lock:
                    pod.live_on(0.25)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
