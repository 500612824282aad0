"""What the measurements on loopback share: a stand-in for the lab, nginx, a
daemon without peers, and medians of interleaved rounds."""

import contextlib
import ctypes
import os
import resource
import socket
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE.parent / "support"), str(HERE.parent / "e2e")]

from harness import Daemon, wait_until  # noqa: E402

#: Where asio_relay and tunnel_load are.
PROGRAMS = Path(os.environ.get(
    "PEAPOD_BENCH", HERE.parent.parent / "build/bench/tests/bench"))

NGINX_CONF = """
user root;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
events {{ }}
http {{
  access_log off;
  client_body_temp_path {folder}/tmp-body;
  proxy_temp_path {folder}/tmp-proxy;
  fastcgi_temp_path {folder}/tmp-fastcgi;
  uwsgi_temp_path {folder}/tmp-uwsgi;
  scgi_temp_path {folder}/tmp-scgi;
  default_type application/octet-stream;
  sendfile on;
  keepalive_requests 1000000000;
  server {{ listen 127.0.0.1:{port}; root {folder}/www; }}
}}
"""


class Loopback:
    """In place of a lab: runs everything on this machine itself."""

    @staticmethod
    def popen(_host, *words, **options) -> subprocess.Popen:
        return subprocess.Popen(list(map(str, words)), **options)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def running(*words, **options):
    """A program on this machine; it is ended at the end."""
    process = Loopback.popen(None, *words, **options)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def nginx(folder: Path, sizes):
    """nginx on loopback with /SIZE.bin, files of zeros; gives its port."""
    (folder / "www").mkdir()
    for size in sizes:
        with open(folder / "www" / f"{size}.bin", "wb") as out:
            out.truncate(size)
    port, conf = free_port(), folder / "nginx.conf"
    conf.write_text(NGINX_CONF.format(folder=folder, port=port))
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    with running("nginx", "-g", "daemon off;", "-c", conf, "-p", folder):
        wait_until(lambda: is_listening(port), 5, "nginx listens")
        yield port


@contextlib.contextmanager
def daemon(folder: Path, binary: Path = None, **more):
    """A daemon without peers, of another `binary` if one is named; gives it
    and the port of its proxy."""
    port = free_port()
    peapod = Daemon(Loopback, None, folder, settings={
        "proxy.listen": f'"127.0.0.1:{port}"',
        "transport.listen": '"127.0.0.1:0"',
        "discovery.enabled": "false",
        "log.level": '"warn"', **more})
    peapod.binary = binary or peapod.binary
    try:
        peapod.start()
        yield peapod, port
    finally:
        peapod.kill()


def own_network(control: str = "reno") -> None:
    """Moves this program and what it starts into a network namespace with
    nothing but loopback, where `control` is the congestion control and ports
    of ended connections are free again soon. Needs root."""
    clone_newnet = 0x40000000
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() != 0 or libc.unshare(clone_newnet) != 0:
        sys.exit("a network namespace needs root: run this through sudo")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    net = Path("/proc/sys/net/ipv4")
    (net / "tcp_congestion_control").write_text(control)
    (net / "ip_local_port_range").write_text("1024 65535")
    (net / "tcp_tw_reuse").write_text("1")


def raise_descriptors(wanted: int = 20_000) -> int:
    """Raises the limit of this program and of what it starts; gives it."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    return limit


def family(pid: int) -> list:
    """A process and those that it has started."""
    out = [pid]
    for parent in out:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                out += map(int, task.read_text().split())
    return out


def cpu_seconds(pid: int) -> float:
    """Processor time that a process and those it has started have used."""
    return sum(max(_precise(each), _of_ended_too(each)) for each in family(pid))


def _precise(pid: int) -> float:
    """In nanoseconds, of the threads that live."""
    total = 0
    for task in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            total += int(task.read_text().split()[0])
    return total / 1e9


def _of_ended_too(pid: int) -> float:
    """In ticks of 10 ms, with threads that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pss(pid: int) -> int:
    """Bytes that a process and those it has started hold, where what several
    share is divided among them (PSS)."""
    return 1024 * sum(
        int(line.split()[1]) for each in family(pid)
        for line in Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
        if line.startswith("Pss:"))


def congestion_control() -> str:
    """The one of this network namespace, for the record."""
    return Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip()


def median(values) -> float:
    return statistics.median(values)
