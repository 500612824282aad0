"""How devices find each other, lose each other and find each other again: by
IPv4 and IPv6, with other addresses, after a sleep, and while somebody floods
the group."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import lab as lab_module
import namespaces
import pytest
from harness import HERE
from pods import NGINX, assert_exact, wait_until

SIZE = 20_000_000
FLOOD = HERE / "beacon_flood.py"


@pytest.fixture(scope="module")
def lab():
    """Three hosts of its own: these tests take addresses away."""
    built = lab_module.Lab(f"disc{os.getpid()}")
    built.up([40, 40, 40])
    yield built
    built.down()


def give_address(lab, host: int, address: str) -> None:
    lab.run(host, "ip", "addr", "add", f"{address}/24", "dev", "lan0")


def take_address(lab, host: int, address: str) -> None:
    lab.run(host, "ip", "addr", "del", f"{address}/24", "dev", "lan0")


def change_address(lab, host: int, old: str, new: str) -> None:
    # In this order: others of the same network go with the first one.
    take_address(lab, host, old)
    give_address(lab, host, new)


@pytest.fixture
def only_v6(lab):
    """A LAN on which hosts have nothing but link-local IPv6 addresses."""
    for host in lab.hosts:
        take_address(lab, host, lab.lan_address(host))
        lab.run(host, "ip", "-6", "addr", "del", f"fd77::{host:x}/64",
                "dev", "lan0")
    yield
    for host in lab.hosts:
        give_address(lab, host, lab.lan_address(host))
        lab.run(host, "ip", "-6", "addr", "add", f"fd77::{host:x}/64",
                "dev", "lan0", "nodad")


@pytest.fixture
def only_v4(lab):
    """Hosts on which IPv6 is switched off altogether."""
    for host in lab.hosts:
        lab.run(host, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
    yield
    for host in lab.hosts:
        lab.run(host, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=0")
        net = 100 + host
        for link, address in (("lan0", f"fd77::{host:x}/64"),
                              ("wan0", f"fd77:{net:x}::2/64")):
            lab.run(host, "ip", "-6", "addr", "replace", address, "dev", link,
                    "nodad")
        lab.run(host, "ip", "-6", "route", "replace", "default", "via",
                f"fd77:{net:x}::1")


def connections(lab, host: int) -> list:
    """(local, remote) addresses of a host's established connections of
    peers."""
    lines = lab.run(host, "ss", "-Htn", "state", "established",
                    "( sport = :45679 or dport = :45679 )").stdout.splitlines()
    return [tuple(word.rpartition(":")[0].replace("[::ffff:", "").strip("[]")
                  for word in line.split()[2:4]) for line in lines]


@contextlib.contextmanager
def held_port(lab, host: int, port: int):
    """A connection of another program whose own end has that port."""
    holder = lab.popen(host, sys.executable, "-c", HOLD, str(port),
                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"held\n"
        yield
    finally:
        holder.communicate()


HOLD = """
import socket, struct, sys
held = socket.socket()
# What is left of daemons of before (TIME_WAIT) has that port, too.
held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
held.bind(("", int(sys.argv[1])))
held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
held.connect(("10.77.99.1", 80))
# Ends with a reset: nothing of it stays for the next test.
held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
print("held", flush=True)
sys.stdin.read()
"""


def flood(lab, host: int, *options):
    return lab.popen(host, sys.executable, FLOOD, "--interface", "lan0",
                     *options, stdout=-1, text=True)


def cpu_seconds(daemon) -> float:
    fields = stat(daemon).rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def stat(daemon) -> str:
    return Path(f"/proc/{daemon.process.pid}/stat").read_text()


def memory(daemon) -> int:
    """Bytes that are resident."""
    text = Path(f"/proc/{daemon.process.pid}/statm").read_text()
    return int(text.split()[1]) * os.sysconf("SC_PAGE_SIZE")


# -- IPv6 and IPv4 ------------------------------------------------------------


def test_a_pod_forms_by_link_local_ipv6_alone(alone, only_v6):
    one, two = alone.daemon(1), alone.daemon(2)
    one.wait_for_peers(1, 10)
    two.wait_for_peers(1, 10)
    for daemon in (one, two):
        assert daemon.connected_peers()[0]["address"].startswith("[fe80::")
        assert "%lan0]:45679" in daemon.connected_peers()[0]["address"]
    url = f"{NGINX}/{SIZE}.bin"
    assert_exact(alone.get(url), f"{SIZE}.bin", SIZE)
    assert one.transfer(url)["bytes"].get(two.name, 0) > 0


def test_a_pod_forms_without_ipv6(alone, only_v4):
    one, two = alone.daemon(1), alone.daemon(2)
    one.wait_for_peers(1, 10)
    two.wait_for_peers(1, 10)
    assert one.connected_peers()[0]["address"] == "10.77.0.2:45679"


def test_a_device_that_is_heard_by_both_has_one_session(lab, alone):
    one, two = alone.daemon(1), alone.daemon(2)
    one.wait_for_peers(1)
    two.wait_for_peers(1)
    # Two more rounds of beacons.
    begin = time.monotonic()
    while time.monotonic() < begin + 9:
        assert len(one.status()["peers"]) == 1
        time.sleep(0.3)
    one.wait_for_peers(1)
    assert len(connections(lab, 1)) == 1
    assert len(connections(lab, 2)) == 1


def test_a_port_that_a_connection_holds_does_not_keep_the_pod_apart(lab, alone):
    with held_port(lab, 1, 45679):
        one = alone.daemon(1)
        two = alone.daemon(2)
        one.wait_for_peers(1)
        two.wait_for_peers(1)
    said = re.findall("a connection of another program has port 45679: until "
                      "the next start, other devices connect to port ([0-9]+)",
                      one.output())
    assert len(said) == 1
    address = two.status()["peers"][0]["address"]
    assert address.endswith(f":{said[0]}"), address


def test_a_port_at_which_a_program_listens_is_taken(alone):
    alone.daemon(1)
    second = alone.daemon(1, ready=False, proxy_listen='"127.0.0.1:3129"')
    assert second.process.wait(timeout=10) == 1
    assert ("[::]:45679 is taken: another peapod runs, or set [transport] "
            "listen") in second.output()


# -- other addresses ----------------------------------------------------------


def test_a_device_with_a_new_address_is_found_again(lab, alone):
    settings = {"transport_listen": '"0.0.0.0:45679"'}
    daemons = [alone.daemon(host, **settings) for host in lab.hosts]
    for daemon in daemons:
        daemon.wait_for_peers(2)
    url = f"{NGINX}/100000000.bin"
    got = alone.start(url)
    got.wait_for_size(10_000_000)
    change_address(lab, 2, "10.77.0.2", "10.77.0.77")
    try:
        begin = time.monotonic()
        wait_until(lambda: any(remote == "10.77.0.77" for _, remote
                               in connections(lab, 1)), 5,
                   "the new address is connected")
        wait_until(lambda: all(len(d.connected_peers()) == 2
                               for d in daemons),
                   begin + 7 - time.monotonic(), "the pod is whole")
        assert all("10.77.0.2" not in pair for pair in connections(lab, 2))
        assert_exact(got.wait(), "100000000.bin", 100_000_000)
    finally:
        change_address(lab, 2, "10.77.0.77", "10.77.0.2")


def test_a_cable_that_comes_back_brings_the_pod_back_at_once(lab, alone):
    one, two = alone.daemon(1), alone.daemon(2)
    one.wait_for_peers(1)
    lab.set_lan(2, False)
    wait_until(lambda: not one.connected_peers(), 10, "the session has ended")
    wait_until(lambda: not two.connected_peers(), 10, "on both sides")
    # Attempts fail, and wait for ever longer, until it is forgotten.
    wait_until(lambda: two.output().count("no connection to") >= 2
               or "forgotten peer" in two.output(), 30)
    lab.set_lan(2, True)
    begin = time.monotonic()
    one.wait_for_peers(1, 5)
    two.wait_for_peers(1, 5)
    assert time.monotonic() - begin < 5


def test_a_device_that_slept_is_back_within_seconds(lab, alone):
    daemons = [alone.daemon(host) for host in lab.hosts]
    for daemon in daemons:
        daemon.wait_for_peers(2)
    daemons[1].freeze()
    begin = time.monotonic()
    wait_until(lambda: all(len(d.connected_peers()) == 1
                           for d in (daemons[0], daemons[2])), 10,
               "the others have lost it")
    # By now attempts to reach it follow one another at ever longer times.
    time.sleep(max(0, begin + 20 - time.monotonic()))
    daemons[1].thaw()
    begin = time.monotonic()
    for daemon in daemons:
        daemon.wait_for_peers(2, max(0, begin + 5 - time.monotonic()))
    wait_until(lambda: "running again after" in daemons[1].output(), 3)
    # What was made anew before that was noticed stays.
    for daemon in daemons:
        daemon.wait_for_peers(2, 3)
    assert len(connections(lab, 2)) == 2


# -- who is taken -------------------------------------------------------------


def test_a_static_peer_with_an_id_takes_nobody_else(alone):
    settings = {"discovery_enabled": "false"}
    two, three = (alone.daemon(host, **settings) for host in (2, 3))
    right = two.status()["daemon"]["id"]
    peers = [f"{right}@10.77.0.2", f"{right}@10.77.0.3"]
    one = alone.daemon(1, **settings,
                       discovery_static_peers=json.dumps(peers))
    one.wait_for_peers(1)
    assert one.connected_peers()[0]["name"] == two.name
    wait_until(lambda: "answers instead of" in one.output(), 5)
    assert not three.status()["peers"]


# -- floods -------------------------------------------------------------------


@pytest.mark.parametrize("options", [
    ("--from", "10.77.0.3"), ("--network", "10.77.0.0/24")],
    ids=["one address", "all addresses"])
def test_ten_thousand_invented_devices_cost_little(lab, alone, options):
    one, two = alone.daemon(1), alone.daemon(2)
    one.wait_for_peers(1)
    two.wait_for_peers(1)
    memory_before, cpu_before = memory(one), cpu_seconds(one)
    sending = flood(lab, 3, "--count", 10000, "--rate", 2000, *options)
    wait_until(lambda: len(one.status()["peers"]) > 4, 5, "it is heard")
    # Somebody who was not there before.
    two.kill()
    two.start()
    while sending.poll() is None:
        assert len(one.status()["peers"]) <= 256
        time.sleep(0.1)
    said = json.loads(sending.communicate()[0])
    assert said["sent"] == 10000 and said["seconds"] < 10
    wait_until(lambda: any(p["name"] == two.name
                           for p in one.connected_peers()), 10)
    assert cpu_seconds(one) - cpu_before < 3
    assert memory(one) - memory_before < 16 << 20
    if options[0] == "--from":
        assert len(one.status()["peers"]) <= 9


def test_who_is_not_on_the_network_is_not_heard(lab, alone):
    one = alone.daemon(1)
    far = flood(lab, 3, "--count", 200, "--from", "198.51.100.7", "--from",
                "10.77.1.7", "--from", "10.77.103.2")
    assert far.wait(timeout=10) == 0
    near = flood(lab, 3, "--count", 1, "--from", "10.77.0.200")
    assert near.wait(timeout=10) == 0
    wait_until(lambda: one.status()["peers"], 5, "the neighbour is heard")
    assert [p["address"] for p in one.status()["peers"]] == [
        "10.77.0.200:45679"]


# -- what it says itself ------------------------------------------------------


def beacons_of(heard, address: str) -> int:
    """How many datagrams of an address have come since this was asked."""
    count = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            _, (source, _) = heard.recvfrom(2048)
            count += source == address
    return count


def test_addresses_that_come_and_go_cause_no_storm(lab, alone):
    """As rogue router advertisements make them, or a loose cable."""
    alone.daemon(1)
    own = lab.lan_address(1)
    group = socket.inet_aton("239.255.60.60")
    with namespaces.datagrams(lab, 2, "239.255.60.60", 45678) as heard:
        heard.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                         group + socket.inet_aton(lab.lan_address(2)))
        heard.setblocking(False)
        # Until the burst of the beginning is over.
        began, count = time.monotonic(), 0
        while time.monotonic() < began + 3:
            count += beacons_of(heard, own)
        assert count > 0

        for most, prefix, addresses in (
                (1, "64", [f"fd78:{n:x}::1" for n in range(30)]),
                (9, "24", [f"10.77.0.{n}" for n in range(70, 100)])):
            began = time.monotonic()
            for address in addresses:
                for verb in ("add", "del"):
                    lab.run(1, "ip", "addr", verb, f"{address}/{prefix}",
                            "dev", "lan0", *["nodad"] * (
                                ":" in address and verb == "add"))
            count, took = beacons_of(heard, own), time.monotonic() - began
            print(f"{count} beacons in {took:.1f} s")
            # Every 4 s, or what changes may cause.
            each = 0.25 if most == 1 else 1
            assert count <= most + each * took + 1
        assert count >= 2
