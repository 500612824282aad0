#!/usr/bin/python3
"""A web page beside something that people should not put there: a TCP port
that leads to a daemon's control socket.

    page_server.py SOCKET PAGE PORT...

Every port serves PAGE at /page and passes all else on, head and body as they
are. Each request that was passed on is a line of JSON on standard output."""

import http.client
import http.server
import json
import socket
import sys
import threading


class ToSocket(http.client.HTTPConnection):
    """HTTP on a Unix socket."""

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(self.host)


class Handler(http.server.BaseHTTPRequestHandler):
    target = ""
    page = b""

    def answer(self):
        if self.path == "/page":
            return self.reply(200, "text/html", self.page)
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size)
        onward = ToSocket(self.target)
        onward.putrequest(self.command, self.path, skip_host=True,
                          skip_accept_encoding=True)
        for name, value in self.headers.items():
            onward.putheader(name, value)
        onward.endheaders(body)
        got = onward.getresponse()
        text = got.read()
        # In one piece: the lines of two threads do not mix.
        sys.stdout.write(json.dumps({
            "method": self.command, "path": self.path,
            "host": self.headers.get("Host"),
            "origin": self.headers.get("Origin"),
            "status": got.status}) + "\n")
        sys.stdout.flush()
        self.reply(got.status, got.headers.get_content_type(), text)

    do_GET = do_POST = do_OPTIONS = answer

    def reply(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main() -> None:
    Handler.target, page, *ports = sys.argv[1:]
    with open(page, "rb") as file:
        Handler.page = file.read()
    servers = [http.server.ThreadingHTTPServer(("127.0.0.1", int(port)),
                                               Handler) for port in ports]
    for server in servers[1:]:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"ready": True}), flush=True)
    servers[0].serve_forever()


if __name__ == "__main__":
    main()
