"""What others on this machine try: web pages, other users, who floods the
control socket. What the process has given up is in test_confinement.py."""

import contextlib
import grp
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from control import Control
from harness import HERE, wait_until
from others import (GROUP, as_nobody, open_folder,  # noqa: F401
                    peapod_status, pid_of, reachable, serves,
                    start_with_socket)
from test_browser import browser, dump_page  # noqa: F401


# -- other users --------------------------------------------------------------


def test_another_user_does_not_reach_the_control_socket(reachable,
                                                        open_folder):
    path = open_folder / "run/control.sock"
    daemon = start_with_socket(reachable, path)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.stat().st_mode & 0o777 == 0o600
    refused = peapod_status(path, open_folder)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "belongs to another user" in refused.stderr
    path.parent.chmod(0o755)  # the mode of the socket alone does as well
    assert "belongs to another user" in peapod_status(
        path, open_folder).stderr
    serves(reachable, daemon)


def test_another_user_is_refused_though_the_socket_is_open(reachable,
                                                           open_folder):
    path = open_folder / "run/control.sock"
    daemon = start_with_socket(reachable, path)
    path.parent.chmod(0o755)
    path.chmod(0o666)
    refused = peapod_status(path, open_folder)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "this user may not use the control socket" in refused.stderr
    refused = peapod_status(path, open_folder,
                            groups=[grp.getgrnam(GROUP).gr_gid])
    assert refused.returncode == 1
    serves(reachable, daemon)


def test_members_of_the_group_get_in_and_nobody_else(reachable, open_folder):
    path = open_folder / "run/control.sock"
    group = grp.getgrnam(GROUP).gr_gid
    daemon = start_with_socket(reachable, path, console_group=f'"{GROUP}"')
    for file, mode in ((path.parent, 0o750), (path, 0o660)):
        assert file.stat().st_mode & 0o777 == mode
        assert file.stat().st_gid == group
    told = peapod_status(path, open_folder, groups=[group])
    assert (told.returncode, told.stderr) == (0, "")
    assert "pod of 1" in told.stdout
    assert peapod_status(path, open_folder).returncode == 1
    path.parent.chmod(0o755)
    path.chmod(0o666)
    refused = peapod_status(path, open_folder)
    assert "this user may not use the control socket" in refused.stderr
    assert peapod_status(path, open_folder, groups=[group]).returncode == 0
    serves(reachable, daemon)


def test_a_group_that_does_not_exist_is_a_mistake(alone):
    daemon = alone.daemon(1, ready=False, console_group='"no-such-group"')
    assert daemon.process.wait(timeout=10) == 1
    assert "[console] group: there is no group no-such-group" in \
        daemon.output()


HOLD = """
import socket, sys
held = []
for _ in range(int(sys.argv[2])):
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    held.append(s)
print("held", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def holding(path, count: int, *groups):
    """A user of the group holds connections open and says nothing."""
    process = subprocess.Popen(
        as_nobody("/usr/bin/python3", "-c", HOLD, path, count, groups=groups),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "held\n"
        yield
    finally:
        process.stdin.close()
        process.wait()


def test_members_of_the_group_do_not_lock_the_owner_out(reachable,
                                                        open_folder):
    path = open_folder / "run/control.sock"
    group = grp.getgrnam(GROUP).gr_gid
    daemon = start_with_socket(reachable, path, console_group=f'"{GROUP}"')
    with holding(path, 60, group):
        for _ in range(20):
            assert daemon.status()["pod_size"] == 1
        assert peapod_status(path, open_folder, groups=[group]).returncode == 1
    wait_until(lambda: peapod_status(path, open_folder, groups=[group])
               .returncode == 0, 10, "members get in again")
    serves(reachable, daemon)


# -- floods of the control socket ---------------------------------------------


def memory_of(pid: int) -> int:
    """Bytes of memory that a process has in use."""
    fields = Path(f"/proc/{pid}/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


def descriptors_of(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def connect(path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    made.settimeout(20)
    made.connect(str(path))
    return made


def test_a_flood_of_connections_is_bounded(alone):
    daemon = alone.daemon(1)
    pid = pid_of(daemon)
    before, files = memory_of(pid), descriptors_of(pid)
    until = time.monotonic() + 3
    opened = 0
    while time.monotonic() < until:
        crowd = []
        for _ in range(200):
            with contextlib.suppress(OSError):
                crowd.append(connect(daemon.socket))
                crowd[-1].sendall(b"GET /v1/status HTTP/1.1\r\n" * 3)
        opened += len(crowd)
        assert descriptors_of(pid) <= files + 33
        for client in crowd:
            client.close()
    assert opened >= 1000
    wait_until(lambda: daemon.status(check=False), 10, "it answers again")
    serves(alone, daemon)
    assert memory_of(pid) < before + 32 * 2**20
    wait_until(lambda: descriptors_of(pid) <= files + 4, 10,
               "the connections are gone")


def test_large_requests_do_not_pile_up(alone):
    daemon = alone.daemon(1)
    pid = pid_of(daemon)
    before = memory_of(pid)
    head = (b"POST /v1/actors/1/fault HTTP/1.1\r\nHost: peapod\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n")
    for size, status in ((65_537, b" 413 "), (10**15, b" 413 ")):
        with connect(daemon.socket) as client:
            client.sendall(head % size)
            assert status in client.recv(4096).split(b"\r\n")[0]
    with connect(daemon.socket) as client:
        with contextlib.suppress(OSError):
            for _ in range(3000):
                client.sendall(b"X-Filler: " + b"x" * 1000 + b"\r\n")
        assert memory_of(pid) < before + 8 * 2**20
    serves(alone, daemon)


def test_who_dawdles_is_closed_after_half_a_minute(alone):
    """31 clients send a header byte by byte: one place is left for whoever
    looks, and all are free again when the deadline for a request has passed,
    however often a byte comes."""
    daemon = alone.daemon(1)
    slow = [connect(daemon.socket) for _ in range(31)]
    since = time.monotonic()

    def alive():
        left = []
        for client in slow:
            with contextlib.suppress(OSError):
                client.send(b"G")
                left.append(client)
        return left
    assert len(alive()) == 31
    assert daemon.status()["pod_size"] == 1
    wait_until(lambda: not alive(), 45, "the slow ones are closed", every=0.5)
    assert time.monotonic() - since > 20
    for client in slow:
        client.close()
    serves(alone, daemon)


# -- web pages ----------------------------------------------------------------


def test_what_a_page_would_send_is_refused(alone):
    daemon = alone.daemon(1)

    def curl(*words) -> int:
        done = subprocess.run(
            ["curl", "--silent", "--output", "/dev/null", "--write-out",
             "%{http_code}", "--unix-socket", daemon.socket, *words],
            capture_output=True, text=True, timeout=20)
        return int(done.stdout)

    status = "http://peapod/v1/status"
    control = Control(daemon.socket, None)
    scheduler = next(x["id"] for x in control.raw("GET", "/v1/actors").json[
        "actors"] if x["name"] == "scheduler")
    kill = f"http://localhost:9000/v1/actors/{scheduler}/kill"
    as_json = ("--header", "Content-Type: application/json")
    assert curl(status) == 200
    assert curl("http://localhost:9000/v1/status") == 200
    # DNS rebinding.
    assert curl("http://evil.example/v1/status") == 403
    assert curl("http://evil.example:9000/metrics") == 403
    assert curl("--header", "Host: evil.example", status) == 403
    assert curl("--request-target", "http://evil.example/v1/status",
                status) == 403
    assert curl("--header", "Host:", status) == 400
    # A script of another origin, and an image.
    for origin in ("http://evil.example", "null", "https://peapod"):
        assert curl("--header", f"Origin: {origin}", status) == 403
        assert curl("--header", f"Origin: {origin}", *as_json, "--data", "",
                    kill) == 403
    assert curl("--header", "Sec-Fetch-Site: cross-site", status) == 403
    # Forms.
    assert curl("--data", "a=b", kill) == 403
    assert curl("--form", "a=b", kill) == 403
    assert curl("--header", "Content-Type: text/plain", "--data", "{}",
                kill) == 403
    # The question whether it may be asked.
    assert curl("--request", "OPTIONS", "--header",
                "Origin: http://evil.example", "--header",
                "Access-Control-Request-Method: POST", kill) == 403
    assert control.raw("GET", "/v1/crashes").json["total"] == 0
    assert curl(*as_json, "--data", "", kill) == 200
    assert control.raw("GET", "/v1/crashes").json["total"] == 1
    serves(alone, daemon)


PAGE = """<!doctype html><title>evil</title><pre id="seen"></pre><script>
const target = new URLSearchParams(location.search).get("at") || "";
const kill = target + "/v1/actors/ACTOR/kill";
const tries = {
  read: () => fetch(target + "/v1/status"),
  form: () => fetch(kill, {method: "POST", mode: "no-cors", body: "a=b"}),
  json: () => fetch(kill, {method: "POST", body: "{}",
    headers: {"Content-Type": "application/json"}}),
};
(async () => {
  const seen = [];
  for (const [name, ask] of Object.entries(tries)) {
    try { seen.push(name + ":" + (await ask()).status); }
    catch (e) { seen.push(name + ":blocked"); }
  }
  document.getElementById("seen").textContent = "done " + seen.join(" ");
})();
</script>"""


@contextlib.contextmanager
def pages_beside(lab, daemon, folder, page: str):
    """Ports 9000 and 9001 of host 1 with the page, and with the control
    socket behind them; gives what came through."""
    file, log = folder / "page.html", folder / "pages.log"
    file.write_text(page)
    with open(log, "wb") as out:
        server = lab.popen(1, sys.executable, HERE / "page_server.py",
                           daemon.socket, file, 9000, 9001, stdout=out,
                           stderr=subprocess.STDOUT)
    try:
        wait_until(lambda: '"ready"' in log.read_text(), 10, "the pages")
        yield lambda: [json.loads(line)
                       for line in log.read_text().splitlines()[1:]]
    finally:
        server.kill()
        server.wait()


def test_a_browser_gets_nothing_for_a_page(lab, alone, browser,  # noqa: F811
                                           tmp_path):
    daemon = alone.daemon(1)
    control = Control(daemon.socket, None)
    scheduler = next(x["id"] for x in control.raw("GET", "/v1/actors").json[
        "actors"] if x["name"] == "scheduler")
    page = PAGE.replace("ACTOR", str(scheduler)).replace(
        'location.search).get("at") || ""',
        'location.search).get("at") || '
        '(location.port == 9001 ? "http://127.0.0.1:9000" : "")')
    with pages_beside(lab, daemon, tmp_path, page) as came:
        # Of another origin: nothing is to be read, and forms arrive in vain.
        html = dump_page(lab, browser, "http://127.0.0.1:9001/page",
                         tmp_path / "a", "--no-proxy-server")
        assert "done read:blocked form:0 json:blocked" in html
        assert {(x["method"], x["status"]) for x in came()} >= {
            ("GET", 403), ("POST", 403), ("OPTIONS", 403)}
        count = len(came())
        # Of its own name, which leads to this machine (DNS rebinding).
        html = dump_page(lab, browser, "http://evil.example:9000/page",
                         tmp_path / "b", "--no-proxy-server",
                         "--host-resolver-rules=MAP evil.example 127.0.0.1")
        assert "done read:403 form:403 json:403" in html
        assert {x["host"] for x in came()[count:]
                if x["path"].startswith("/v1")} == {"evil.example:9000"}
        assert not [x for x in came() if x["status"] == 200]
    assert control.raw("GET", "/v1/crashes").json["total"] == 0
    serves(alone, daemon)


def test_the_proxy_tells_a_page_nothing_of_itself(lab, alone):
    """A page can reach the proxy's own port. Under another name than that of
    this machine there is no script, and under none is there a control API."""
    alone.daemon(1)

    def ask(target, host):
        return lab.run(1, "curl", "--silent", "--noproxy", "*", "--output",
                       "/dev/null", "--write-out",
                       "%{http_code} %header{content-type}",
                       "--header", f"Host: {host}",
                       f"http://127.0.0.1:3128{target}").stdout

    assert "proxy-autoconfig" in ask("/proxy.pac", "127.0.0.1:3128")
    for host in ("evil.example:3128", "evil.example"):
        assert "proxy-autoconfig" not in ask("/proxy.pac", host)
    for target in ("/v1/status", "/v1/actors", "/metrics"):
        assert "json" not in ask(target, "127.0.0.1:3128")
