"""`peapod put` through the lines of real daemons: does every line take its
share, and does one PUT take the best of them?"""

import json
import subprocess
import sys

import pytest

import content
from harness import BINARY, wait_until
from lab_base import HOSTILE_ADDRESS
from test_get_pod import wait_for_tunnels
from upload_servers import KEY_ID, REGION, SECRET

SIZE = 20_000_000
ORIGIN = f"https://{HOSTILE_ADDRESS}"


@pytest.fixture
def server(lab):
    """Servers of all kinds in the lab's internet."""
    from harness import HERE as SUPPORT
    process = lab.popen(
        "origin", sys.executable, SUPPORT / "serve_uploads.py",
        HOSTILE_ADDRESS, "--cert", lab.folder / "origin.pem", "--key",
        lab.folder / "origin.key", stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "listening\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.fixture
def rates(lab):
    """Sets the rates of hosts, until the end of the test."""
    before = list(lab.rates)

    def set_all(*rates):
        for host, rate in zip(lab.hosts, rates):
            lab.set_rate(host, rate)

    yield set_all
    set_all(*before)


class Putting:
    """`peapod put` on host 1, with a memory of its own."""

    def __init__(self, pod, folder):
        self.pod, self.folder = pod, folder
        self.file = folder / "file"
        self.file.write_bytes(content.content("put", 0, SIZE))

    def start(self, where, *words) -> subprocess.Popen:
        lab = self.pod.lab
        return lab.popen(
            1, "env", f"SSL_CERT_FILE={lab.ca_file}",
            f"AWS_ENDPOINT_URL={ORIGIN}", f"AWS_ACCESS_KEY_ID={KEY_ID}",
            f"AWS_SECRET_ACCESS_KEY={SECRET}", f"AWS_REGION={REGION}",
            f"STATE_DIRECTORY={self.folder / 'state'}", BINARY, "put",
            "--socket", self.pod[1].socket, "--receipt",
            self.folder / "receipt", *words, self.file, where,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __call__(self, where, *words, code=0) -> str:
        process = self.start(where, *words)
        out, err = process.communicate(timeout=90)
        assert process.returncode == code, (out, err)
        return err

    def shares(self) -> dict:
        text = (self.folder / "receipt").read_text()
        return {x["name"]: x["bytes"]
                for x in json.loads(text)["upload"]["devices"]}


@pytest.fixture
def put(pod, tmp_path, server):
    wait_for_tunnels(pod)
    return Putting(pod, tmp_path)


def is_there(server) -> bool:
    """Whether the next file that the server has is ours."""
    return server.stdout.readline().split()[0] == content.sha256("put", SIZE)


@pytest.mark.parametrize("where", ["s3://bucket/key", f"{ORIGIN}/files"])
def test_parts_go_over_all_lines(put, server, where):
    put(where)
    assert is_there(server)
    shares = put.shares()
    assert len(shares) == 3 and min(shares.values()) > SIZE // 8


def test_one_put_takes_the_line_that_was_the_best(put, pod, server, rates):
    said = put(f"{ORIGIN}/first")
    assert "own line (not all lines were measured yet)" in said
    assert is_there(server)
    rates(8, 40, 8)
    put(f"{ORIGIN}/files")  # measures them
    assert is_there(server)
    best = pod[2].name
    said = put(f"{ORIGIN}/second")
    assert f"in one PUT over {best} (measured" in said
    assert is_there(server)
    assert put.shares()[best] == SIZE


def test_a_peer_that_reaches_nothing_does_not_get_it(put, pod, server, rates):
    rates(8, 40, 8)
    put(f"{ORIGIN}/files")
    assert is_there(server)
    pod.lab.set_wan(2, False)
    try:
        said = put(f"{ORIGIN}/second")
    finally:
        pod.lab.set_wan(2, True)
    assert is_there(server)
    assert "over this device's own line" in said


def test_a_peer_that_ends_on_the_way_is_told(put, pod, server, rates):
    rates(8, 40, 8)
    put(f"{ORIGIN}/files")
    assert is_there(server)
    rates(8, 4, 8)
    process = put.start(f"{ORIGIN}/second")
    sent = f"/sys/class/net/wan0/statistics/tx_bytes"

    def moved() -> int:
        return int(pod.lab.run(2, "cat", sent).stdout)

    before = moved()
    wait_until(lambda: moved() - before > 1_000_000, 20, "a part of the body")
    pod[2].kill()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 3, (out, err)
    assert "not sent again by itself" in err
