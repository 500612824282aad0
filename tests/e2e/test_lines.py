"""Several lines of one device, and who adds capacity."""

import json
import subprocess
import sys
import time

import pytest

import content
from control import Control
from contract import Contract
from harness import BINARY, HERE
from lab_base import HOSTILE_ADDRESS, NGINX_ADDRESS
from pods import NGINX, assert_exact, wait_until
from shared_uplink import shared_uplink
from test_browser import browser, dump_page  # noqa: F401
from test_tunnels import Log, requests_of, shop  # noqa: F401

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


def findings(lab, daemon) -> dict:
    """What `peapod doctor` says on its host, by id."""
    done = subprocess.run(
        lab.command(daemon.host, BINARY, "doctor", "--actor-config",
                    daemon.config_file, "--wait", "1500ms", "--json"),
        capture_output=True, text=True, timeout=30)
    return {x["id"]: x for x in json.loads(done.stdout)["findings"]}


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


#: Names of the lab's nginx, each a site of its own.
SITES = [f"www.site{i}.test" for i in range(1, 13)]


def sticks(lab, fetch) -> dict:
    """Fetches from each site three times; the address that each has seen,
    which is always the same."""
    log = Log(lab)
    for site in SITES:
        for _ in range(3):
            assert_exact(fetch(site), "1000.bin", 1000)
    wait_until(lambda: len(log.lines()) >= 3 * len(SITES), 5, "all is logged")
    seen = {site: log.addresses(site) for site in SITES}
    assert all(len(x) == 1 for x in seen.values()), seen
    return {site: x.pop() for site, x in seen.items()}


def is_spread(seen: dict, lab, uplinks) -> bool:
    """Whether several lines of host 1 are used, and nothing else: which of them
    a dozen sites use is up to the device's key."""
    used = set(seen.values())
    return len(used) >= 2 and used <= {lab.wan_address(1), *uplinks}


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_each_site_keeps_one_of_the_own_lines(alone, uplinks, lab, scheme):
    daemon = alone.daemon(1, wan_bind=f'["wan0", "wan1", "{uplinks[1]}"]')

    def fetch(site):
        return alone.get(f"{scheme}://{site}/1000.bin", "--cacert",
                         lab.ca_file)

    before = sticks(lab, fetch)
    assert is_spread(before, lab, uplinks)
    # A line that goes moves its own sites only.
    number = 1 if uplinks[0] in before.values() else 2
    name = ["wan1", uplinks[1]][number - 1]
    lab.set_uplink(1, number, False)
    wait_until(lambda: not line(daemon, name)["up"], 5, "it is missed")
    without = sticks(lab, fetch)
    assert uplinks[number - 1] not in without.values()
    assert all(without[site] == address for site, address in before.items()
               if address != uplinks[number - 1])
    # A restart moves none.
    lab.set_uplink(1, number, True)
    daemon.kill()
    daemon.start()
    wait_until(lambda: line(daemon, name)["up"], 5, "it is back")
    assert sticks(lab, fetch) == before


def test_a_line_with_little_weight_is_left_to_few_sites(alone, uplinks, lab):
    alone.daemon(1, wan_bind=f'["wan0", "wan1", "{uplinks[1]}"]',
                 wan_weights="[1, 65536, 1]")
    seen = sticks(lab, lambda site: alone.get(f"http://{site}/1000.bin"))
    # One of twelve may have drawn another one.
    assert list(seen.values()).count(uplinks[0]) >= len(SITES) - 1, seen


def test_a_login_survives_on_several_own_lines(
        alone, uplinks, lab, shop, browser, tmp_path):  # noqa: F811
    alone.daemon(1, wan_bind=f'["wan0", "wan1", "{uplinks[1]}"]')
    log = Log(lab)
    done = len(requests_of(shop))
    page = dump_page(
        lab, browser, "https://www.shop.test/?with=" + ",".join(SITES),
        tmp_path, "--proxy-server=http://127.0.0.1:3128",
        "--proxy-bypass-list=<-loopback>")
    assert f"<title>signed in 10 of 10, {len(SITES)} sites</title>" in page
    assert len({x["from"] for x in requests_of(shop)[done:]}) == 1
    assert is_spread({site: log.addresses(site).pop() for site in SITES}, lab,
                     uplinks)


def test_spread_tunnels_take_the_own_lines_in_turn(alone, uplinks, lab):
    alone.daemon(1, wan_bind=f'["wan0", "wan1", "{uplinks[1]}"]',
                 tunnels_mode='"spread"')
    log = Log(lab)
    for _ in range(6):
        assert_exact(alone.get(f"https://{SITES[0]}/1000.bin", "--cacert",
                               lab.ca_file), "1000.bin", 1000)
    wait_until(lambda: len(log.addresses()) == 3, 5, "all addresses are seen")


def test_each_site_keeps_one_of_the_lines_of_a_peer(alone, uplinks, lab):
    exit_ = alone.daemon(1, wan_bind=f'["wan0", "wan1", "{uplinks[1]}"]')
    client = alone.daemon(2)
    client.wait_for_peers(1)
    wait_until(lambda: client.connected_peers()[0]["tunnels"], 5,
               "the peer opens tunnels")
    way = f"PeaPod-Exit: {exit_.status()['device']['id']}"

    def fetch(site):
        return alone.get(f"https://{site}/1000.bin", "--cacert", lab.ca_file,
                         "--proxy-header", way, host=2)

    assert is_spread(sticks(lab, fetch), lab, uplinks)


def test_a_client_may_name_the_own_line(alone, uplinks, lab):
    alone.daemon(1, wan_bind=f'["wan0", "wan1", "{uplinks[1]}"]')

    def fetch(name):
        return alone.get(f"https://{SITES[0]}/1000.bin", "--cacert",
                         lab.ca_file, "--proxy-header",
                         f"PeaPod-Exit: own/{name}")

    addresses = {"wan0": lab.wan_address(1), "wan1": uplinks[0],
                 uplinks[1]: uplinks[1]}
    for name, address in addresses.items():
        log = Log(lab)
        for _ in range(2):
            assert_exact(fetch(name), "1000.bin", 1000)
        wait_until(lambda: len(log.lines()) == 2, 5, "it is logged")
        assert log.addresses() == {address}
    assert fetch("wan7").code != 0


def test_get_brings_https_over_each_own_line(alone, uplinks, lab, tmp_path):
    names = ["wan0", "wan1", uplinks[1]]
    daemon = alone.daemon(1, wan_bind=json.dumps(names))
    wait_until(lambda: all(line(daemon, x)["up"] for x in names), 5,
               "the lines are up")
    log = Log(lab)
    done = subprocess.run(
        lab.command(1, "env", f"SSL_CERT_FILE={lab.ca_file}",
                    f"STATE_DIRECTORY={tmp_path / 'state'}", BINARY, "get",
                    f"https://{NGINX_ADDRESS}/{SIZE}.bin", "-P", tmp_path,
                    "--socket", daemon.socket, "--receipt",
                    tmp_path / "receipt"),
        capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    receipt = json.loads((tmp_path / "receipt").read_text())["downloads"][0]
    assert receipt["sha256"] == content.sha256(f"{SIZE}.bin", SIZE)
    together = SIZE * 8 / 1e6 / receipt["seconds"]
    print(f"three lines of {RATE} Mbit/s bring {together:.1f}")
    assert together > 0.75 * 3 * RATE
    shares = {x["line"]: x["bytes"] for x in receipt["devices"]}
    assert set(shares) == set(names)
    assert min(shares.values()) > SIZE / 5, shares
    assert log.addresses() == {lab.wan_address(1), *uplinks}


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


def test_the_doctor_names_a_line_that_has_gone(alone, uplinks, lab):
    daemon = alone.daemon(1, wan_bind='["wan0", "wan1"]')
    wait_until(lambda: line(daemon, "wan1")["up"], 5, "the line is up")
    assert "own-line-down" not in findings(lab, daemon)
    lab.set_uplink(1, 1, False)
    wait_until(lambda: not line(daemon, "wan1")["up"], 5, "it is missed")
    found = findings(lab, daemon)["own-line-down"]
    assert "The own line wan1 brings nothing now" in found["text"]
    assert found["evidence"] == ["it is not connected"]


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
        found = findings(lab, daemon)["own-line-same"]
        assert f"{second} is the same as {address}" in found["text"]
        assert found["evidence"] == ["same gateway"]
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


def test_a_server_that_answers_from_elsewhere_is_named(alone, stun):
    server = stun("--from", HOSTILE_ADDRESS)
    daemon = alone.daemon(1, egress_stun=server)
    wait_until(lambda: "no public address of this device" in daemon.output(),
               10, "it is said")
    assert (f"the STUN server was asked at {NGINX_ADDRESS}, but "
            f"{HOSTILE_ADDRESS} answers, which is not believed"
            in daemon.output())
    assert daemon.status()["lines"][0]["public_addresses"] == []


def test_nobody_is_asked_without_a_server(alone, stun):
    stun()
    daemon = alone.daemon(1)
    assert_exact(alone.get(f"{NGINX}/1048576.bin"), "1048576.bin", 1048576)
    assert daemon.status()["lines"][0]["public_addresses"] == []


# -- one bottleneck for two ---------------------------------------------------

#: Mbit/s, so that the download lasts as long as it takes to be sure.
SLOW = 4

MEASURED = "same line: measured: both slow down together"


@pytest.fixture
def long_download(alone):
    """Starts a download of host 1 that nobody waits for."""
    running = []

    def start():
        running.append(alone.start(URL, seconds=200))

    yield start
    for download in running:
        download.process.kill()
        download.wait()


@pytest.fixture
def slow_lines(lab):
    """Hosts 1 and 2 have slow lines of their own."""
    before = list(lab.rates)
    for host in (1, 2):
        lab.set_rate(host, SLOW)
    yield
    for host in (1, 2):
        lab.set_rate(host, before[host - 1])


def console_text(daemon) -> str:
    """What the console shows, printed."""
    done = subprocess.run([BINARY, "console", "--once", "--socket",
                           daemon.socket],
                          capture_output=True, text=True, timeout=10)
    assert done.returncode == 0, done.stderr
    return done.stdout


def held(daemon) -> str:
    """The device that gets nothing to do while the others are looked at."""
    control = Control(daemon.socket, Contract())
    scheduler = control.actors("scheduler")[0]["id"]
    return control.get("/v1/actors/{id}", id=scheduler)["data"]["held"]


def wait_for_a_look(daemon, seconds: float = 90) -> None:
    """Returns when a device was held for as long as it takes to judge it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        wait_until(lambda: held(daemon), end - time.monotonic(), "a look")
        begun = time.monotonic()
        wait_until(lambda: not held(daemon), 10, "its end")
        if time.monotonic() - begun >= 3:
            return
    raise AssertionError(f"nobody was looked at within {seconds} s")


def test_two_devices_behind_one_bottleneck_are_found(alone, lab,
                                                     long_download):
    with shared_uplink(lab, (1, 2), SLOW):
        daemons = [alone.daemon(host) for host in (1, 2)]
        daemons[0].wait_for_peers(1)
        long_download()
        peer = daemons[0].connected_peers
        # Three looks of four seconds, and ten between them.
        wait_until(lambda: label(peer()[0]) == MEASURED, 120, "it is measured",
                   every=0.2)
        name = daemons[1].name
        assert peer()[0]["line"]["as_name"] == "this device"
        assert peer()[0]["same_line"] == daemons[0].status()["device"]["id"]
        said = text_status(daemons[0])
        assert "same line as this device (measured: both slow down" in said
        assert f"{name} adds nothing now: it shares a bottleneck" in said
        assert f"{name} adds nothing now" in console_text(daemons[0])
        found = findings(lab, daemons[0])["same-line"]
        assert found["severity"] == "warning"
        assert f"{name} has the same line as this device" in found["text"]
        assert "measured: both slow down together" in found["evidence"]
        assert "another connection" in found["fix"]


def test_devices_with_lines_of_their_own_are_not_called_the_same(
        alone, lab, slow_lines, long_download):
    daemons = [alone.daemon(host) for host in (1, 2)]
    daemons[0].wait_for_peers(1)
    long_download()
    wait_for_a_look(daemons[0])
    peer = daemons[0].connected_peers()[0]
    assert peer["line"]["label"] == "adds capacity", peer
    assert "same_line" not in peer
    assert "same-line" not in findings(lab, daemons[0])
