"""The proxies that the daemon is compared with, each with a configuration of
its own in a folder of the caller's, on loopback.

    sudo apt-get install -y haproxy squid tinyproxy privoxy wrk

installs them; the services that Debian starts with them are to be stopped.
"""

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

from loopback import daemon, free_port, is_listening, running
from harness import BINARY, wait_until

HAPROXY = """
global
  nbthread 1
  maxconn 9000
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend proxy
  bind 127.0.0.1:{port}
  default_backend origin
backend origin
  server one 127.0.0.1:{origin}
"""

SQUID = """
http_port 127.0.0.1:{port}
http_access allow all
cache deny all
cache_mem 8 MB
memory_pools off
max_filedescriptors 20000
pid_filename {folder}/squid.pid
access_log none
cache_log {folder}/squid.log
coredump_dir {folder}
cache_effective_user proxy
pinger_enable off
via on
server_persistent_connections on
client_persistent_connections on
shutdown_lifetime 1 seconds
"""

TINYPROXY = """
Port {port}
Listen 127.0.0.1
Timeout 600
MaxClients 6000
LogFile "{folder}/tinyproxy.log"
LogLevel Critical
PidFile "{folder}/tinyproxy.pid"
Allow 127.0.0.1
"""

PRIVOXY = """
listen-address 127.0.0.1:{port}
max-client-connections 6000
keep-alive-timeout 60
connection-sharing 1
socket-timeout 600
logdir {folder}
confdir {folder}
"""


def need(program: str) -> str:
    """Where a program is; a sentence when it is missing."""
    found = shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if not found:
        raise SystemExit(f"{program} is not installed: "
                         "apt-get install -y haproxy squid tinyproxy privoxy "
                         "wrk")
    return found


def without_bounds(folder: Path) -> dict:
    """Settings of the daemon that let in as many clients as the others do."""
    out = {}
    for key, value in (("max-clients", "9000"), ("max-tunnels", "9000")):
        file = folder / "probe.ini"
        file.write_text(f"[proxy]\n{key}={value}\n")
        if subprocess.run([BINARY, "check-config", file],
                          capture_output=True).returncode == 0:
            out[f"proxy.{key}"] = value
    return out


@contextlib.contextmanager
def program(name: str, text: str, folder: Path, words, origin: int = 0):
    """Runs a proxy with the configuration `text`; gives process and port."""
    home = folder / name
    home.mkdir()
    # Squid becomes another user, who needs a folder to write to.
    for each in (folder, home):
        each.chmod(0o777)
    port, conf = free_port(), home / f"{name}.conf"
    conf.write_text(text.format(port=port, folder=home, origin=origin))
    with open(home / "output", "wb") as out, \
            running(need(name), *words(conf), stdout=out, stderr=out,
                    cwd=home) as process:
        wait_until(lambda: is_listening(port), 15, f"{name} listens")
        yield process, port


@contextlib.contextmanager
def proxy(name: str, folder: Path, origin: int = 0, other: Path = None):
    """Runs the proxy called `name`; gives its process and port. haproxy passes
    everything to the port `origin`; the binary of the peapod called `other` is
    named by `other`."""
    if name in ("peapod", "other"):
        (folder / name).mkdir()
        more = {"pool.enabled": "false", **without_bounds(folder)}
        binary = other if name == "other" else None
        with daemon(folder / name, binary, **more) as (peapod, port):
            yield peapod.process, port
        return
    texts = {
        "haproxy": (HAPROXY, lambda conf: ["-db", "-f", conf]),
        "squid": (SQUID, lambda conf: ["-N", "-f", conf]),
        "tinyproxy": (TINYPROXY, lambda conf: ["-d", "-c", conf]),
        "privoxy": (PRIVOXY, lambda conf: ["--no-daemon", conf]),
    }
    text, words = texts[name]
    with program(name, text, folder, words, origin) as (process, port):
        yield process, port
