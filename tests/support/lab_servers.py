"""The servers of the lab's internet: nginx with generated files, certificate
authority and a small web site, and the hostile origin of origin.py."""

import socket
import subprocess
import sys
import time
from pathlib import Path

import content
from lab_base import (
    HOSTILE_ADDRESS,
    NAMES,
    NGINX_ADDRESS,
    NGINX_ADDRESS_6,
    LabError,
    run,
)

HERE = Path(__file__).resolve().parent

#: Sizes of the files that nginx serves as /SIZE.bin. The body of /SIZE.bin is
#: `content.content("SIZE.bin", 0, SIZE)`.
SIZES = (
    0, 1, 1000, 65536, 262144, 262145, 1048575, 1048576, 1048577,
    5_000_000, 10_000_000, 20_000_000, 100_000_000,
)

NGINX_CONF = """
user root;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
events {{ worker_connections 4096; }}
http {{
  log_format lab '$remote_addr $host "$request" $status $body_bytes_sent';
  access_log {folder}/nginx-access.log lab;
  types {{ text/html html; application/javascript js; }}
  default_type application/octet-stream;
  client_body_temp_path {folder}/tmp-body;
  proxy_temp_path {folder}/tmp-proxy;
  fastcgi_temp_path {folder}/tmp-fastcgi;
  uwsgi_temp_path {folder}/tmp-uwsgi;
  scgi_temp_path {folder}/tmp-scgi;
  sendfile on;
  tcp_nopush on;
  keepalive_timeout 60;
  ssl_certificate {folder}/origin.pem;
  ssl_certificate_key {folder}/origin.key;
  server {{
    listen {v4}:80;
    listen {v4}:443 ssl;
    listen [{v6}]:80;
    listen [{v6}]:443 ssl;
    root {folder}/www;
  }}
}}
"""

INDEX = """<!doctype html>
<title>loading</title>
<h1 id="where"></h1>
<script src="/site.js"></script>
"""

SCRIPT = """
fetch("/1000.bin")
  .then((answer) => answer.arrayBuffer())
  .then((body) => {
    document.title = "got " + body.byteLength;
    document.getElementById("where").textContent =
      location.protocol + " body of " + body.byteLength;
  });
"""


def file_names() -> list:
    """Paths of the generated files."""
    return [f"/{size}.bin" for size in SIZES]


def start(lab) -> None:
    """Generates everything and starts both servers; returns when they
    accept connections."""
    _write_site(lab.folder / "www")
    _write_certificates(lab.folder)
    conf = lab.folder / "nginx.conf"
    conf.write_text(NGINX_CONF.format(
        folder=lab.folder, v4=NGINX_ADDRESS,
        v6=NGINX_ADDRESS_6))
    lab.run("origin", "nginx", "-c", conf, "-p", lab.folder)
    start_hostile(lab)


def start_hostile(lab) -> None:
    """Starts the hostile origin and waits until it listens."""
    log = open(lab.folder / "hostile.log", "ab")
    process = lab.popen(
        "origin", sys.executable, HERE / "origin.py",
        "--listen", f"{HOSTILE_ADDRESS}:80",
        stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        start_new_session=True)
    log.close()
    wait_for_port(lab, "origin", HOSTILE_ADDRESS, 80, process)


def wait_for_port(lab, host, address, port, process=None, seconds=5) -> None:
    """Returns as soon as a TCP port inside a host is listened to."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process is not None and process.poll() is not None:
            raise LabError(
                f"the server for {address}:{port} ended with "
                f"{process.returncode}; see {lab.folder}")
        if is_listening(lab, host, address, port):
            return
        time.sleep(0.02)
    raise LabError(f"nobody listens on {address}:{port}")


def is_listening(lab, host, address: str, port: int) -> bool:
    """Whether a TCP socket inside a host listens on an address or on all."""
    done = lab.run(host, "cat", "/proc/net/tcp")
    raw = socket.inet_aton(address)[::-1].hex().upper()
    wanted = {f"{raw}:{port:04X}", f"00000000:{port:04X}"}
    rows = [line.split() for line in done.stdout.splitlines()[1:]]
    return any(row[1] in wanted and row[3] == "0A" for row in rows)


def _write_site(www: Path) -> None:
    www.mkdir(parents=True, exist_ok=True)
    (www / "index.html").write_text(INDEX)
    (www / "site.js").write_text(SCRIPT)
    for size in SIZES:
        name = f"{size}.bin"
        with open(www / name, "wb") as out:
            out.writelines(content.pieces(name, 0, size))


def _write_certificates(folder: Path) -> None:
    names = ",".join(
        ["DNS:localhost"]
        + [f"DNS:{name}" for name in NAMES]
        + [f"IP:{address}" for address in (
            NGINX_ADDRESS, HOSTILE_ADDRESS,
            NGINX_ADDRESS_6)])
    (folder / "san.ext").write_text(f"subjectAltName={names}\n")
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
               "-nodes")
    _openssl("req", "-x509", *new_key, "-days", "30", "-subj",
             "/CN=PeaPod lab CA", "-keyout", folder / "ca.key",
             "-out", folder / "ca.pem")
    _openssl("req", *new_key, "-subj", "/CN=origin.test",
             "-keyout", folder / "origin.key", "-out", folder / "origin.csr")
    _openssl("x509", "-req", "-days", "30", "-in", folder / "origin.csr",
             "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key",
             "-CAcreateserial", "-extfile", folder / "san.ext",
             "-out", folder / "origin.pem")


def _openssl(*words) -> None:
    run("openssl", *words)
