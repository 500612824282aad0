"""A daemon with too few descriptors, or at its limits: alive, honest, and
itself again as soon as it can."""

import contextlib
import json
import socket
import subprocess
import time

from harness import BINARY, wait_until
from pods import HOSTILE, NGINX, assert_exact, fresh_name

LIMIT = 64


class Clients:
    """Connections to the proxy of host 1, held by a program inside it."""

    PROGRAM = """
import json, select, socket, sys
held = []
for line in sys.stdin:
    count, request = json.loads(line)
    answers = []
    for _ in range(count):
        s = socket.create_connection(("127.0.0.1", 3128), timeout=10)
        s.sendall(request.encode())
        held.append(s)
        if not request:
            continue
        try:
            answers.append(s.recv(4096).decode("latin1"))
        except OSError as e:
            answers.append(type(e).__name__)
    print(json.dumps(answers), flush=True)
"""

    def __init__(self, lab):
        self.process = lab.popen(
            1, "/usr/bin/python3", "-c", self.PROGRAM, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)

    def connect(self, count: int, request: str = "") -> list:
        """Opens connections and keeps them; what each got at first."""
        self.process.stdin.write(json.dumps([count, request]) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


@contextlib.contextmanager
def clients(lab):
    made = Clients(lab)
    try:
        yield made
    finally:
        made.close()


def get(url: str) -> str:
    host = url.split("/")[2]
    return f"GET {url} HTTP/1.1\r\nHost: {host}\r\n\r\n"


def is_refusal(answer: str) -> bool:
    return (answer.startswith("HTTP/1.1 503 ")
            and "\r\nRetry-After: 1\r\n" in answer)


def short_of_descriptors(alone, **settings):
    """A daemon with `LIMIT` descriptors."""
    return alone.daemon(1, prefix=("prlimit", f"--nofile={LIMIT}:{LIMIT}"),
                        **settings)


def pid_of(daemon) -> int:
    return daemon.status()["daemon"]["pid"]


def cpu_seconds(pid: int) -> float:
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def metric(daemon, name: str) -> int:
    text = subprocess.run([BINARY, "metrics", "--socket", daemon.socket],
                          capture_output=True, text=True, check=True).stdout
    return int(next(line.split()[-1] for line in text.splitlines()
                    if line.startswith(name + " ")))


def test_the_soft_limit_is_raised_to_the_hard_one(lab, alone):
    daemon = alone.daemon(1)
    pid = pid_of(daemon)
    limits = open(f"/proc/{pid}/limits").read()
    line = next(x for x in limits.splitlines() if "open files" in x).split()
    soft, hard = int(line[3]), int(line[4])
    assert soft == min(hard, 1 << 20)
    assert "descriptors, " in daemon.output()


def test_too_few_descriptors_for_anybody_are_told_at_the_start(lab, alone):
    daemon = alone.daemon(1, prefix=("prlimit", "--nofile=30:30"))
    assert "warning only 30 descriptors" in daemon.output()


def test_a_daemon_that_can_open_nothing_says_so(tmp_path):
    config = tmp_path / "pod.ini"
    config.write_text(f'[pod]\nstate-dir="{tmp_path}"\n')
    done = subprocess.run(
        ["prlimit", "--nofile=12:12", BINARY, "--actor-config", config],
        capture_output=True, text=True, timeout=10)
    assert done.returncode == 1
    assert "may open 12 files, which do not do for itself" in done.stderr


def test_without_descriptors_it_answers_honestly_and_recovers(lab, alone):
    daemon = short_of_descriptors(alone)
    pid = pid_of(daemon)
    running = alone.start(f"{NGINX}/20000000.bin")
    running.wait_for_size(1_000_000)
    with clients(lab) as crowd:
        answers = crowd.connect(
            90, get(f"{HOSTILE}/drips,rate=10/100000/{fresh_name()}"))
        served = [a for a in answers if a.startswith("HTTP/1.1 200 ")]
        refused = [a for a in answers if is_refusal(a)]
        assert len(served) + len(refused) == 90, set(
            a[:80] for a in answers if a not in served + refused)
        assert len(served) >= 4 and len(refused) >= 50
        # It neither spins nor locks out who looks at it.
        before, since = cpu_seconds(pid), time.monotonic()
        for _ in range(20):
            assert daemon.status(check=True)["proxy"]["turned_away"] >= 50
        assert cpu_seconds(pid) - before < 0.5 * (time.monotonic() - since)
        assert_exact(running.wait(), "20000000.bin", 20_000_000)
    wait_until(lambda: daemon.status()["proxy"]["active"] == 0, 10,
               "the clients are gone")
    for _ in range(3):
        assert_exact(alone.get(f"{NGINX}/1000.bin"), "1000.bin", 1000)
    told = daemon.output().count("clients are turned away")
    assert 1 <= told <= 4
    assert metric(daemon, "peapod_clients_turned_away_total") >= 50


def test_clients_that_say_nothing_do_not_lock_others_out_for_ever(lab, alone):
    daemon = short_of_descriptors(alone)
    with clients(lab) as crowd:
        crowd.connect(90)
        assert is_refusal(crowd.connect(1, get(f"{NGINX}/1000.bin"))[0])
        assert daemon.status()["pod_size"] == 1
    wait_until(lambda: alone.get(f"{NGINX}/1000.bin").status == 200, 10,
               "it serves again")


def test_kept_alive_connections_go_first(lab, alone):
    daemon = short_of_descriptors(alone)
    with clients(lab) as crowd:
        answers = crowd.connect(200, get(f"{NGINX}/1000.bin"))
        wrong = [a for a in answers if not a.startswith("HTTP/1.1 200 ")]
        assert not wrong, wrong[0]
        assert metric(daemon, "peapod_clients_made_room_total") >= 150
        assert daemon.status()["proxy"]["turned_away"] == 0


def test_peers_are_still_met_without_descriptors(lab, alone):
    daemon = short_of_descriptors(alone)
    with clients(lab) as crowd:
        crowd.connect(
            90, get(f"{HOSTILE}/drips,rate=10/100000/{fresh_name()}"))
        alone.daemon(2)
        daemon.wait_for_peers(1, 10)


def test_a_client_beyond_the_limit_gets_a_503(lab, alone):
    daemon = alone.daemon(1, proxy_max_clients="3")
    url = f"{HOSTILE}/drips,rate=10/100000/{fresh_name()}"
    with clients(lab) as crowd:
        answers = crowd.connect(5, get(url))
        assert [a[9:12] for a in answers] == ["200"] * 3 + ["503"] * 2
        assert all(map(is_refusal, answers[3:]))
    assert "[proxy] max-clients" in daemon.output()


def test_a_tunnel_beyond_the_limit_gets_a_503(lab, alone):
    alone.daemon(1, proxy_max_tunnels="2")
    with clients(lab) as crowd:
        request = "CONNECT origin.test:443 HTTP/1.1\r\nHost: x\r\n\r\n"
        answers = crowd.connect(3, request)
        assert [a[9:12] for a in answers] == ["200", "200", "503"]
        assert is_refusal(answers[2])


def test_a_head_beyond_the_limit_gets_a_431(lab, alone):
    alone.daemon(1, proxy_max_header='"4KiB"')
    got = alone.get(f"{NGINX}/1000.bin", "--header", "X: " + "x" * 5000)
    assert got.status == 431
    assert alone.get(f"{NGINX}/1000.bin").status == 200


def test_turning_away_is_an_event(lab, alone):
    daemon = alone.daemon(1, proxy_max_clients="1")
    with clients(lab) as crowd:
        crowd.connect(1, get(f"{HOSTILE}/drips,rate=10/100000/{fresh_name()}"))
        assert is_refusal(crowd.connect(1, get(f"{NGINX}/1000.bin"))[0])
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(str(daemon.socket))
        s.sendall(b"GET /v1/events?since=0 HTTP/1.1\r\n"
                  b"Host: peapod\r\n\r\n")
        seen = b""
        while b'"kind":"overloaded"' not in seen:
            seen += s.recv(65536)
