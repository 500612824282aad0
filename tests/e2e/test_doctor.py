"""Does `peapod doctor` find what is in the way? Each obstacle is real: rules of
nftables, a bridge that keeps hosts apart, a tunnel, a port that is taken."""

import contextlib
import email.utils
import json
import os
import shutil
import socket
import subprocess
import threading
import time

import lab as lab_module
import namespaces
import pytest
from harness import BINARY
from lab_base import NGINX_ADDRESS
from pods import wait_until
from system_bus import SystemBus

QUICK = {"discovery_interval": "500ms"}
WAIT = "1500ms"


@pytest.fixture(scope="module")
def lab():
    """Three hosts of its own: their networks are taken apart."""
    built = lab_module.Lab(f"doc{os.getpid()}")
    built.up([40, 40, 40])
    yield built
    built.down()


class Findings:
    """What one run has said."""

    def __init__(self, done):
        self.code = done.returncode
        self.said = json.loads(done.stdout)
        self.all = {x["id"]: x for x in self.said["findings"]}

    @property
    def problems(self) -> set:
        return {x["id"] for x in self.said["findings"]
                if x["severity"] == "problem"}

    def evidence(self, what: str) -> str:
        return "; ".join(self.all[what]["evidence"])


def run(lab, host, config, *words, env=None, wait=WAIT):
    return subprocess.run(
        lab.command(host, BINARY, "doctor", "--actor-config", config,
                    "--wait", wait, *words),
        capture_output=True, text=True, timeout=30, env=env,
        stdin=subprocess.DEVNULL)


def doctor(lab, host, config, *words, **how) -> Findings:
    out = Findings(run(lab, host, config, "--json", *words, **how))
    # What scripts go by: 1 when and only when there is a problem.
    assert out.code == (1 if out.problems else 0)
    assert out.said["ok"] == (not out.problems)
    for finding in out.said["findings"]:
        assert finding["text"] and finding["fix"]
    return out


@contextlib.contextmanager
def rules(lab, host, *lines):
    """Rules of nftables for a while."""
    lab.run(host, "nft", "; ".join(lines))
    try:
        yield
    finally:
        lab.run(host, "nft", "flush ruleset")


def input_rules(*lines):
    return ["add table inet filter",
            "add chain inet filter input "
            "{ type filter hook input priority 0; }",
            *(f"add rule inet filter input {x}" for x in lines)]


@pytest.fixture
def two(alone):
    """Daemons on hosts 1 and 2, and the configuration of the first."""
    daemons = [alone.daemon(host, **QUICK) for host in (1, 2)]
    daemons[0].wait_for_peers(1)
    return daemons


@pytest.fixture
def config(tmp_path):
    """A configuration without a daemon."""
    made = tmp_path / "none.ini"
    made.write_text(
        f'[pod]\nstate-dir="{tmp_path / "none"}"\n'
        f'[console]\nsocket="{tmp_path / "none.sock"}"\n'
        '[discovery]\ninterfaces=["lan0"]\ninterval=500ms\n')
    return made


# -- well, and not at all -----------------------------------------------------


def test_a_healthy_pod_has_no_problem(lab, two):
    found = doctor(lab, 1, two[0].config_file)
    assert found.problems == set()
    assert not set(found.all) - {"clock-unset"}
    facts = found.said["facts"]
    assert facts["way_out"] == "wan0" and facts["gateway"] == "10.77.101.1"
    assert all(x["heard"] for x in facts["multicast"])
    assert "10.77.0.2:45679" in {x["address"] for x in facts["heard"]}
    text = run(lab, 1, two[0].config_file)
    assert "problem" not in text.stdout.replace("no problem", "")
    assert "1 device connected" in text.stdout
    # It was only looked at.
    assert len(two[0].connected_peers()) == 1


def test_a_stopped_daemon_is_said_with_how_to_start_it(lab, two):
    two[0].terminate()
    found = doctor(lab, 1, two[0].config_file)
    assert "no-daemon" in found.problems
    assert "peapod --actor-config" in found.all["no-daemon"]["fix"]


def test_a_daemon_behind_another_socket_is_noticed(lab, two, config):
    found = doctor(lab, 1, config)
    assert "not behind this control socket" in found.all["no-daemon"]["text"]


def test_a_wrong_file_is_a_finding_and_the_rest_is_examined(lab, config):
    config.write_text("[pod]\nnom=\"a\"\n[proxy]\nlisten=3\n")
    found = doctor(lab, 1, config)
    assert {"configuration", "no-daemon"} <= found.problems
    assert f"{config}:2: pod.nom" in found.evidence("configuration")
    assert f"{config}:4: proxy.listen" in found.evidence("configuration")
    found = doctor(lab, 1, config.parent / "missing.ini")
    assert "missing.ini" in found.evidence("configuration")


@pytest.mark.parametrize("words", [
    ["surplus"], ["--frobnicate"], ["--wait"]])
def test_wrong_usage_ends_with_two(lab, config, words):
    assert run(lab, 1, config, *words).returncode == 2


@pytest.mark.parametrize("wait", ["soon", "1h", "0s", ""])
def test_a_wait_that_is_none_ends_with_two(lab, config, wait):
    done = run(lab, 1, config, wait=wait)
    assert done.returncode == 2
    assert "--wait" in done.stderr


# -- the network --------------------------------------------------------------


def test_blocked_multicast_is_found_with_its_rule(lab, config):
    with rules(lab, 1, *input_rules("udp dport 45678 drop")):
        found = doctor(lab, 1, config)
    assert "multicast-blocked" in found.problems
    assert "alone" not in found.all
    assert "a rule of chain filter input" in found.evidence(
        "multicast-blocked")


def test_multicast_that_may_not_be_sent_is_found(lab, config):
    lines = ["add table inet filter",
             "add chain inet filter output "
             "{ type filter hook output priority 0; }",
             "add rule inet filter output udp dport 45678 drop"]
    with rules(lab, 1, *lines):
        found = doctor(lab, 1, config)
    assert "multicast-blocked" in found.problems
    assert "not permitted" in found.evidence("multicast-blocked")


def test_blocked_ipv4_multicast_is_a_warning_while_ipv6_works(lab, two):
    with rules(lab, 1, *input_rules("ip daddr 224.0.0.0/4 drop")):
        found = doctor(lab, 1, two[0].config_file)
    assert found.problems == set()
    assert found.all["multicast-blocked"]["severity"] == "warning"
    assert "IPv4" in found.all["multicast-blocked"]["text"]


def test_a_firewall_that_drops_peers_is_found(lab, two):
    with rules(lab, 1, *input_rules("tcp dport 45679 ct state new drop")):
        found = doctor(lab, 1, two[0].config_file)
    assert "firewall" in found.problems
    assert "TCP port 45679" in found.all["firewall"]["text"]


@contextlib.contextmanager
def legacy_rules(lab, host, *rules):
    """Rules of the kernel's old packet filter for a while."""
    for rule in rules:
        lab.run(host, "iptables-legacy", "-A", *rule.split())
    try:
        yield
    finally:
        for rule in rules:
            lab.run(host, "iptables-legacy", "-D", *rule.split())


def test_rules_of_the_old_packet_filter_are_found(lab, two):
    drops = "INPUT -p tcp --dport 45679 -m conntrack --ctstate NEW -j DROP"
    with legacy_rules(lab, 1, "INPUT -i lo -j ACCEPT", drops):
        found = doctor(lab, 1, two[0].config_file)
    assert "firewall" in found.problems
    assert "TCP port 45679" in found.all["firewall"]["text"]
    assert ("a rule of chain iptables-legacy filter INPUT"
            in found.evidence("firewall"))
    assert "firewall" not in doctor(lab, 1, two[0].config_file).all


def test_multicast_blocked_by_the_old_packet_filter_names_its_rule(lab,
                                                                   config):
    with legacy_rules(lab, 1, "INPUT -p udp --dport 45678 -j DROP"):
        found = doctor(lab, 1, config)
    assert "multicast-blocked" in found.all
    assert "iptables-legacy filter INPUT" in found.evidence(
        "multicast-blocked")


def test_old_rules_that_cannot_be_read_are_said(lab, config, tmp_path):
    """Without the tool: its folder is hidden in a mount namespace."""
    empty = tmp_path / "empty"
    empty.touch()
    tool = shutil.which("iptables-legacy-save")
    with legacy_rules(lab, 1, "INPUT -p udp --dport 45678 -j DROP"):
        done = subprocess.run(
            lab.command(1, "unshare", "--mount", "sh", "-c",
                        'mount --bind "$1" "$2" && shift 2 && exec "$@"',
                        "sh", empty, tool, BINARY, "doctor", "--json",
                        "--actor-config", config, "--wait", WAIT),
            capture_output=True, text=True, timeout=30)
    found = Findings(done)
    evidence = found.evidence("multicast-blocked")
    assert "its rules of iptables-legacy (filter) are not known" in evidence
    assert "sudo iptables-legacy -S shows them" in evidence


def apart(unicast_only: bool):
    """A bridge that keeps its ports apart, as access points do."""
    which = ("ether daddr & 01:00:00:00:00:00 == 00:00:00:00:00:00 "
             if unicast_only else "iifname l1 ")
    other = "drop" if unicast_only else "oifname l2 drop"
    lines = ["add table bridge apart",
             "add chain bridge apart forward "
             "{ type filter hook forward priority 0; }",
             f"add rule bridge apart forward {which}{other}"]
    if not unicast_only:
        lines.append("add rule bridge apart forward iifname l2 oifname l1 "
                     "drop")
    return lines


def forget_neighbours(lab):
    for host in lab.hosts:
        lab.run(host, "ip", "neigh", "flush", "dev", "lan0")


def test_isolation_that_lets_multicast_through_is_found(lab, alone):
    with rules(lab, "lan", *apart(unicast_only=True)):
        forget_neighbours(lab)
        one, two = alone.daemon(1, **QUICK), alone.daemon(2, **QUICK)
        wait_until(lambda: one.status()["peers"], 10, "it is heard")
        found = doctor(lab, 1, one.config_file)
        two.terminate()
    assert "isolation" in found.problems
    assert "its beacons are heard" in found.evidence("isolation")
    assert "client isolation" in found.all["isolation"]["fix"]


def test_isolation_of_everything_leaves_the_gateway(lab, alone):
    """Host 3 is the gateway, which everybody reaches."""
    lab.run(1, "ip", "route", "replace", "default", "via", "10.77.0.3")
    try:
        with rules(lab, "lan", *apart(unicast_only=False)):
            forget_neighbours(lab)
            one, _ = alone.daemon(1, **QUICK), alone.daemon(2, **QUICK)
            found = doctor(lab, 1, one.config_file)
            assert found.problems == {"alone"}
            assert ("the gateway 10.77.0.3 of lan0 answers"
                    in found.evidence("alone"))
            assert "client isolation" in found.all["alone"]["fix"]
            # With its address it is known that somebody should be there.
            named = doctor(
                lab, 1, one.config_file,
                '--discovery.static-peers=["10.77.0.2:45679"]')
            assert "10.77.0.2:45679" in named.all["peer-unreachable"]["text"]
    finally:
        lab.run(1, "ip", "route", "replace", "default", "via", "10.77.101.1")


def test_a_vpn_in_the_way_is_found(lab, two):
    lab.run(1, "ip", "tuntap", "add", "tun7", "mode", "tun")
    try:
        lab.run(1, "ip", "addr", "add", "10.200.0.2/24", "dev", "tun7")
        lab.run(1, "ip", "link", "set", "tun7", "up")
        lab.run(1, "ip", "route", "replace", "default", "dev", "tun7")
        found = doctor(lab, 1, two[0].config_file)
        assert "tun7" in found.evidence("vpn")
        # A daemon that is told its line does not care.
        told = doctor(lab, 1, two[0].config_file, "--wan.bind=wan0")
        assert "vpn" not in told.all
    finally:
        lab.run(1, "ip", "link", "del", "tun7")
        lab.run(1, "ip", "route", "replace", "default", "via", "10.77.101.1")


def test_an_interface_that_is_not_there_is_named(lab, two):
    found = doctor(lab, 1, two[0].config_file,
                   "--discovery.interfaces=lan9")
    assert {"interface-missing", "no-interface"} <= found.problems
    assert "lan0 is not listed" in found.evidence("no-interface")


def test_an_address_of_somebody_else_is_named(lab, two):
    found = doctor(lab, 1, two[0].config_file,
                   "--transport.listen=10.77.0.99:45679")
    assert "listen-elsewhere" in found.problems


# -- ports --------------------------------------------------------------------


@contextlib.contextmanager
def holder(lab, host, kind, address, port):
    """A port that this process holds inside a host."""
    with namespaces.inside(lab, host):
        made = socket.socket(socket.AF_INET, kind)
    if kind == socket.SOCK_STREAM:
        # Connections of earlier tests may still be waiting for their end.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((address, port))
    if kind == socket.SOCK_STREAM:
        made.listen()
    with made:
        yield


@pytest.mark.parametrize("kind, address, port, what", [
    (socket.SOCK_STREAM, "127.0.0.1", 3128, "[proxy] listen"),
    (socket.SOCK_STREAM, "0.0.0.0", 45679, "[transport] listen"),
    (socket.SOCK_DGRAM, "0.0.0.0", 45678, "[discovery] port")])
def test_a_taken_port_is_found_with_its_holder(lab, config, kind, address,
                                               port, what):
    with holder(lab, 1, kind, address, port):
        found = doctor(lab, 1, config)
    assert "port-taken" in found.problems
    assert what in found.all["port-taken"]["text"]
    assert f"(process {os.getpid()})" in found.evidence("port-taken")


# -- devices ------------------------------------------------------------------


def test_a_device_that_waits_to_be_let_in_is_named(lab, alone):
    ask = {**QUICK, "trust_mode": '"ask"'}
    one, two = alone.daemon(1, **ask), alone.daemon(2, **ask)
    wait_until(lambda: [p for p in one.status()["peers"]
                        if p["trust"] == "waiting" and p["code"]], 10)
    found = doctor(lab, 1, one.config_file)
    assert "not-let-in" in found.problems
    assert two.name in found.all["not-let-in"]["text"]
    assert "peapod trust" in found.all["not-let-in"]["fix"]


def test_a_device_of_protocol_1_is_named(lab, alone):
    one = alone.daemon(1, **QUICK)
    alone.reference(2)
    found = doctor(lab, 1, one.config_file, wait="6s")
    assert "version-mismatch" in found.problems
    assert "10.77.0.2" in found.all["version-mismatch"]["text"]
    assert "legacy=false" in found.evidence("version-mismatch")


# -- lines --------------------------------------------------------------------


def test_two_daemons_behind_one_gateway_are_told(lab, two):
    lab.run("lan", "ip", "addr", "add", "10.77.0.254/24", "dev", "br0")
    for host in (1, 2):
        lab.run(host, "ip", "route", "replace", "default", "via",
                "10.77.0.254")
    try:
        for daemon in two:
            daemon.wait_for_peers(1)
        found = doctor(lab, 1, two[0].config_file)
        assert found.problems == set()
        assert "10.77.0.254" in found.evidence("same-gateway")
    finally:
        for host in (1, 2):
            lab.run(host, "ip", "route", "replace", "default", "via",
                    f"10.77.{100 + host}.1")
        lab.run("lan", "ip", "addr", "del", "10.77.0.254/24", "dev", "br0")


def test_no_way_to_the_internet_is_found(lab, config):
    lab.run(1, "ip", "route", "del", "default")
    lab.run(1, "ip", "-6", "route", "del", "default")
    try:
        found = doctor(lab, 1, config)
        assert "no-internet" in found.problems
    finally:
        lab.run(1, "ip", "route", "add", "default", "via", "10.77.101.1")
        lab.run(1, "ip", "-6", "route", "add", "default", "via",
                "fd77:65::1")


def test_a_metered_line_is_found(lab, config, tmp_path):
    bus = SystemBus(tmp_path)
    try:
        bus.start_network_manager(metered=1)
        found = doctor(lab, 1, config, env={
            **os.environ, "DBUS_SYSTEM_BUS_ADDRESS": bus.address})
    finally:
        bus.stop()
    assert found.all["metered"]["severity"] == "warning"
    assert found.said["facts"]["metered"] is True


def test_a_peer_that_pauses_is_named(lab, alone):
    one = alone.daemon(1, **QUICK)
    alone.daemon(2, share_enabled="false", **QUICK)
    one.wait_for_peers(1)
    wait_until(lambda: one.connected_peers()[0]["pauses"], 5, "it says so")
    found = doctor(lab, 1, one.config_file)
    assert found.problems == set()
    assert "host2" in found.all["peer-paused"]["text"]


def test_what_keeps_https_on_the_own_line_is_named(lab, alone):
    one = alone.daemon(1, tunnels_home_hosts='["*"]', **QUICK)
    alone.daemon(2, share_tunnels="0", tunnels_mode='"off"', **QUICK)
    one.wait_for_peers(1)
    found = doctor(lab, 1, one.config_file)
    assert "all-at-home" in found.all and "no-exits" not in found.all
    one.kill()
    one = alone.daemon(1, **QUICK)
    one.wait_for_peers(1)
    found = doctor(lab, 1, one.config_file)
    assert "host2" in found.evidence("no-exits")
    assert "[share] tunnels=0" in found.evidence("no-exits")


def test_a_peer_whose_line_is_metered_is_named_on_both_sides(lab, alone,
                                                             tmp_path):
    """NetworkManager of host 2 says so to its daemon, which pauses; and goes
    on once it is not so any more."""
    bus = SystemBus(tmp_path)
    heard = {"DBUS_SYSTEM_BUS_ADDRESS": bus.address}
    try:
        bus.start_network_manager(metered=1)
        one = alone.daemon(1, **QUICK)
        two = alone.daemon(2, prefix=(
            "env", *(f"{key}={value}" for key, value in heard.items())),
            **QUICK)
        one.wait_for_peers(1)
        wait_until(lambda: one.connected_peers()[0]["pauses"], 5, "it says so")
        found = doctor(lab, 1, one.config_file)
        assert found.problems == set()
        assert two.name in found.all["peer-paused"]["text"]
        assert "metered" in found.evidence("peer-paused")
        there = doctor(lab, 2, two.config_file, env={**os.environ, **heard})
        assert there.problems == set()
        assert "the connection is metered" in there.all["metered"]["text"]
        assert "NetworkManager" in there.evidence("metered")
        bus.set_metered(2)
        wait_until(lambda: not one.connected_peers()[0]["pauses"], 5,
                   "it goes on")
        assert "peer-paused" not in doctor(lab, 1, one.config_file).all
        assert "metered" not in doctor(lab, 2, two.config_file).all
    finally:
        bus.stop()


# -- the clock ----------------------------------------------------------------


@contextlib.contextmanager
def origins(lab, ahead: float):
    """A server on the internet whose clock is so many seconds ahead; gives
    its port."""
    listener = namespaces.listen(lab, "origin", NGINX_ADDRESS)

    def serve():
        with contextlib.suppress(OSError):
            while True:
                taken, _ = listener.accept()
                with contextlib.suppress(OSError), taken:
                    while b"\r\n\r\n" not in taken.recv(65536, socket.MSG_PEEK):
                        pass
                    date = email.utils.formatdate(time.time() + ahead,
                                                  usegmt=True)
                    taken.sendall(f"HTTP/1.1 200 OK\r\nDate: {date}\r\n"
                                  "Content-Length: 2\r\nConnection: close\r\n"
                                  "\r\nok".encode())
                    taken.recv(65536)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


@pytest.mark.parametrize("ahead, how", [(7200, "behind"), (-1200, "ahead")])
def test_a_clock_is_compared_with_what_origins_say(lab, alone, ahead, how):
    """The clock of this machine is right; that of the origins is not."""
    daemon = alone.daemon(1, **QUICK)
    with origins(lab, ahead) as port:
        for site in (1, 2):
            assert alone.get(f"http://www.site{site}.test:{port}/").code == 0
        assert daemon.status()["clock"] is None  # two may both be wrong
        assert alone.get(f"http://www.site3.test:{port}/").code == 0
        clock = daemon.status()["clock"]
        assert clock["hosts"] == 3 and abs(clock["behind"] - ahead) < 60
        found = doctor(lab, 1, daemon.config_file)
    assert "clock-wrong" in found.problems
    assert f"is {how}" in found.all["clock-wrong"]["text"]
    assert "the answers of 3 hosts" in found.evidence("clock-wrong")
    assert "timedatectl" in found.all["clock-wrong"]["fix"]


def test_origins_with_the_same_time_are_no_finding(lab, alone):
    daemon = alone.daemon(1, **QUICK)
    for site in (1, 2, 3, 4):
        assert alone.get(f"http://www.site{site}.test/1000.bin").code == 0
    assert daemon.status()["clock"]["hosts"] == 4
    found = doctor(lab, 1, daemon.config_file)
    assert "clock-wrong" not in found.all
    assert abs(found.said["facts"]["clock_behind"]) < 60
