"""A site where people sign in, over HTTPS: a login is good only with its cookie
and from the address that it came from.

    /            a page that signs in, asks for the account ten times, half of
                 it at once, loads a script of each site in ?with=a,b and then
                 says in its title how often it was signed in
    /login       gives the cookie
    /account     200 with the right cookie from the right address, else 403

    login_site.py --listen ADDRESS --certificate FILE --key FILE

Each request is a line of JSON on standard output: host, path, from, status.
"""

import argparse
import http.cookies
import json
import secrets
import ssl
import sys
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = """<!doctype html>
<title>loading</title>
<script>
const sites = %s;
let signedIn = 0, seen = 0;
const account = () => fetch("/account", {cache: "no-store"})
  .then((answer) => { signedIn += answer.status == 200; });
const site = (name) => new Promise((done) => {
  const script = document.createElement("script");
  script.src = "https://" + name + "/1000.bin";
  script.onload = script.onerror = () => { ++seen; done(); };
  document.head.append(script);
});
(async () => {
  await fetch("/login", {method: "POST"});
  for (let i = 0; i < 5; ++i)
    await account();
  await Promise.all(sites.map(site));
  await Promise.all(Array.from({length: 5}, account));
  document.title = `signed in ${signedIn} of 10, ${seen} sites`;
})();
</script>
"""


class Site(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    logins = {}  # cookie: address

    def do_GET(self):
        self._handle()

    do_POST = do_GET

    def log_message(self, *_):
        pass

    def _handle(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        place = urllib.parse.urlsplit(self.path)
        if place.path == "/":
            names = urllib.parse.parse_qs(place.query).get("with", [""])[0]
            sites = [name for name in names.split(",") if name]
            self._answer(200, PAGE % json.dumps(sites), "text/html")
        elif place.path == "/login":
            cookie = secrets.token_hex(16)
            self.logins[cookie] = self.client_address[0]
            self._answer(200, "welcome", cookie=cookie)
        elif place.path == "/account":
            sent = http.cookies.SimpleCookie(self.headers.get("Cookie"))
            login = sent["login"].value if "login" in sent else ""
            good = self.logins.get(login) == self.client_address[0]
            self._answer(200 if good else 403, "hello" if good else "who?")
        else:
            self._answer(404, "no such page")

    def _answer(self, status, text, kind="text/plain", cookie=None):
        # Told first, in one piece: who has the answer finds the line, and
        # those of two threads do not mix.
        sys.stdout.write(json.dumps({
            "host": self.headers.get("Host"), "path": self.path,
            "from": self.client_address[0], "status": status}) + "\n")
        sys.stdout.flush()
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if cookie:
            self.send_header("Set-Cookie",
                             f"login={cookie}; Secure; HttpOnly; Path=/")
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen", required=True)
    parser.add_argument("--certificate", required=True)
    parser.add_argument("--key", required=True)
    options = parser.parse_args()
    server = ThreadingHTTPServer((options.listen, 443), Site)
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.certificate, options.key)
    server.socket = context.wrap_socket(server.socket, server_side=True,
                                        do_handshake_on_connect=False)
    server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
