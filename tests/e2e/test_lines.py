"""Several lines of one device, and who adds capacity."""

import subprocess
import sys

import pytest

from harness import BINARY, HERE
from lab_base import NGINX_ADDRESS
from pods import NGINX, assert_exact, wait_until

SIZE = 100_000_000
URL = f"{NGINX}/{SIZE}.bin"
RATE = 40  # Mbit/s of each line


@pytest.fixture
def uplinks(lab):
    """Two more internet connections of host 1; their addresses."""
    try:
        yield [lab.add_uplink(1, number, RATE) for number in (1, 2)]
    finally:
        for number in (1, 2):
            lab.remove_uplink(1, number)


@pytest.fixture
def stun(lab):
    """Starts a STUN server on the internet; gives what to configure."""
    running = []

    def start(*options):
        # Answers have to come from where they were asked for.
        process = lab.popen("origin", sys.executable, HERE / "stun_server.py",
                            "--listen", f"{NGINX_ADDRESS}:3478", *options,
                            stdout=subprocess.PIPE, text=True)
        running.append(process)
        assert process.stdout.readline() == "ready\n"
        return f'"{NGINX_ADDRESS}"'

    yield start
    for process in running:
        process.kill()
        process.wait()
        process.stdout.close()


def line(daemon, name: str) -> dict:
    found = [x for x in daemon.status()["lines"] if x["name"] == name]
    assert len(found) == 1, daemon.status()["lines"]
    return found[0]


def label(peer_or_line: dict) -> str:
    said = peer_or_line.get("line", {})
    return f"{said.get('label')}: {said.get('evidence')}"


def text_status(daemon) -> str:
    done = subprocess.run([BINARY, "status", "--socket", daemon.socket],
                          capture_output=True, text=True, timeout=5)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_download_has_what_all_lines_bring_together(alone, uplinks):
    daemon = alone.daemon(1, wan_bind=f'["wan0", "wan1", "{uplinks[1]}"]')
    names = ["wan0", "wan1", uplinks[1]]
    wait_until(lambda: [x["interface"] for x in daemon.status()["lines"]]
               == ["wan0", "wan1", "wan2"], 5, "the lines are known")
    download = alone.get(URL)
    assert_exact(download, f"{SIZE}.bin", SIZE)
    together = SIZE * 8 / 1e6 / download.seconds
    print(f"three lines of {RATE} Mbit/s bring {together:.1f}")
    assert together > 0.75 * 3 * RATE
    brought = daemon.transfer(URL)["bytes"]
    assert set(brought) == {"self", *(f"self:{x}" for x in names[1:])}
    assert all(count > SIZE / 5 for count in brought.values()), brought
    for name in names:
        assert line(daemon, name)["bytes_own"] > SIZE / 6
        assert line(daemon, name)["up"]
    said = text_status(daemon)
    assert all(f"{x} " in said for x in names), said


def test_requests_that_are_not_pooled_take_the_lines_in_turn(alone, uplinks,
                                                             lab):
    daemon = alone.daemon(1, wan_bind=f'["wan0", "wan1", "{uplinks[1]}"]')
    assert daemon.is_running
    log = lab.folder / "nginx-access.log"
    size = log.stat().st_size
    for _ in range(6):
        assert_exact(alone.get(f"{NGINX}/1000.bin", "--proxytunnel"),
                     "1000.bin", 1000)

    def sources():
        return {entry.split()[0]
                for entry in log.read_text()[size:].splitlines()}

    wait_until(lambda: len(sources()) >= 3, 5, "all addresses are seen")
    assert sources() == {lab.wan_address(1), *uplinks}


def test_a_line_that_goes_is_done_without_and_comes_back(alone, uplinks, lab):
    daemon = alone.daemon(1, wan_bind='["wan0", "wan1"]')
    wait_until(lambda: line(daemon, "wan1")["up"], 5, "the line is up")
    download = alone.start(URL)
    wait_until(lambda: line(daemon, "wan1")["bytes_own"] > 5_000_000, 20,
               "the line brings something")
    lab.set_uplink(1, 1, False)
    wait_until(lambda: not line(daemon, "wan1")["up"], 5, "it is missed")
    assert label(line(daemon, "wan1")) == "paused: it is not connected"
    gone = line(daemon, "wan1")["bytes_own"]
    had = download.size
    wait_until(lambda: download.size > had + 10_000_000, 20,
               "the download goes on")
    lab.set_uplink(1, 1, True)
    wait_until(lambda: line(daemon, "wan1")["up"], 5, "it is back")
    wait_until(lambda: line(daemon, "wan1")["bytes_own"] > gone + 2_000_000,
               20, "it brings something again")
    assert_exact(download.wait(), f"{SIZE}.bin", SIZE)


def test_the_first_line_may_go_too(alone, uplinks, lab):
    daemon = alone.daemon(1, wan_bind='["wan1", "wan0"]')
    download = alone.start(URL)
    wait_until(lambda: line(daemon, "wan1")["bytes_own"] > 5_000_000, 20,
               "the first line brings something")
    lab.set_uplink(1, 1, False)
    wait_until(lambda: not line(daemon, "wan1")["up"], 5, "it is missed")
    assert_exact(download.wait(), f"{SIZE}.bin", SIZE)
    lab.set_uplink(1, 1, True)
    wait_until(lambda: line(daemon, "wan1")["up"], 5, "it is back")


def test_two_addresses_behind_one_gateway_are_one_line(alone, lab):
    address = lab.wan_address(1)
    second = address.rpartition(".")[0] + ".3"
    lab.run(1, "ip", "addr", "add", f"{second}/24", "dev", "wan0")
    try:
        daemon = alone.daemon(1, wan_bind=f'["{address}", "{second}"]')
        assert_exact(alone.get(f"{NGINX}/1048576.bin"), "1048576.bin",
                     1048576)
        wait_until(lambda: label(line(daemon, second))
                   == "same line: same gateway", 5, "it is told")
        assert line(daemon, second)["line"]["as_name"] == address
        assert label(line(daemon, address)).startswith("adds capacity")
        assert f"same line as {address} (same gateway)" in text_status(daemon)
    finally:
        lab.run(1, "ip", "addr", "del", f"{second}/24", "dev", "wan0")


def test_devices_behind_other_gateways_add_capacity(alone, stun):
    server = stun()
    daemons = [alone.daemon(host, egress_stun=server) for host in (1, 2)]
    for daemon in daemons:
        daemon.wait_for_peers(1)
        wait_until(lambda d=daemon: label(d.connected_peers()[0])
                   == "adds capacity: another public address", 5,
                   "both addresses are compared")
    own = daemons[0].status()["lines"]
    assert own[0]["public_addresses"] == ["10.77.101.2"]
    assert own[0]["gateway"] == "10.77.101.1"


def test_devices_with_one_public_address_are_one_line(alone, stun):
    server = stun("--say", "203.0.113.7")
    daemons = [alone.daemon(host, egress_stun=server) for host in (1, 2)]
    for daemon in daemons:
        daemon.wait_for_peers(1)
        wait_until(lambda d=daemon: label(d.connected_peers()[0])
                   == "same line: same public address", 5,
                   "both addresses are compared")
        assert "same line as this device (same public address)" \
            in text_status(daemon)
    # A label is for people: the device still brings its part.
    assert_exact(alone.get(URL), f"{SIZE}.bin", SIZE)
    brought = daemons[0].transfer(URL)["bytes"]
    assert len(brought) == 2 and min(brought.values()) > SIZE / 4, brought


def test_nobody_is_asked_without_a_server(alone, stun):
    stun()
    daemon = alone.daemon(1)
    assert_exact(alone.get(f"{NGINX}/1048576.bin"), "1048576.bin", 1048576)
    assert daemon.status()["lines"][0]["public_addresses"] == []
