"""A pod in a box: hosts in network namespaces that share a LAN and have one
rate limited internet connection each.

    pp-1 .. pp-N   lan0 10.77.0.I/24 on the LAN, wan0 10.77.(100+I).2/24
    pp-lan         the bridge that is the LAN
    pp-origin      the internet: 10.77.(100+I).1 towards host I, and the
                   servers: nginx on 10.77.99.1, the hostile origin on
                   10.77.98.1

Nothing of it touches the machine's own network. The prefix "pp" is read from
the environment variable PEAPOD_LAB, so that two labs can stand side by side.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import lab_servers
from lab_base import (
    DEFAULT_RATE,
    HOSTILE_ADDRESS,
    NAMES,
    NGINX_ADDRESS,
    NGINX_ADDRESS_6,
    SHOP_ADDRESS,
    LabError,
    existing_namespaces,
    is_running,
    run,
    send_signal,
    tool_path,
    why_impossible,
)

__all__ = ["DEFAULT_RATE", "Lab", "LabError", "why_impossible"]

MAX_HOSTS = 50

def default_prefix() -> str:
    """What the names of the lab's namespaces begin with."""
    prefix = os.environ.get("PEAPOD_LAB", "pp")
    if not prefix.isalnum() or len(prefix) > 20:
        raise LabError(f"PEAPOD_LAB={prefix!r}: letters and digits only")
    return prefix


class Lab:
    """One lab; `up` builds it, `down` removes what `up` built."""

    def __init__(self, prefix=None):
        self.prefix = prefix or default_prefix()
        self.folder = Path("/run/peapod-lab") / self.prefix
        self.rates = []
        os.environ["PATH"] = tool_path()
        if self.state_file.exists():
            self.rates = json.loads(self.state_file.read_text())["rates"]

    # -- names ----------------------------------------------------------------

    @property
    def state_file(self) -> Path:
        return self.folder / "state.json"

    @property
    def ca_file(self) -> Path:
        """The certificate authority that signed the origin's certificate."""
        return self.folder / "ca.pem"

    @property
    def is_up(self) -> bool:
        return bool(self.rates)

    @property
    def hosts(self) -> range:
        """The numbers of the hosts, from 1."""
        return range(1, len(self.rates) + 1)

    def namespace(self, host) -> str:
        """Name of a host's namespace; `host` is a number, "lan" or "origin"."""
        return f"{self.prefix}-{host}"

    def namespaces(self) -> list:
        return [self.namespace(x) for x in ("lan", "origin", *self.hosts)]

    @staticmethod
    def lan_address(host: int) -> str:
        return f"10.77.0.{host}"

    @staticmethod
    def wan_address(host: int) -> str:
        return f"10.77.{100 + host}.2"

    # -- processes ------------------------------------------------------------

    def command(self, host, *words) -> list:
        """The command line that runs `words` inside a host."""
        name = self.namespace(host)
        return ["ip", "netns", "exec", name, *map(str, words)]

    def run(self, host, *words, check=True) -> subprocess.CompletedProcess:
        """Runs a command inside a host and waits for its end."""
        return run(*self.command(host, *words), check=check)

    def popen(self, host, *words, **options) -> subprocess.Popen:
        """Starts a command inside a host."""
        return subprocess.Popen(self.command(host, *words), **options)

    def pids(self, host) -> list:
        """The processes that run inside a host."""
        done = run("ip", "netns", "pids", self.namespace(host), check=False)
        return [int(word) for word in done.stdout.split()]

    # -- up and down ----------------------------------------------------------

    def up(self, rates: list) -> None:
        """Builds one host for each rate (Mbit/s) and starts the servers."""
        self._refuse_leftovers(rates)
        self.rates = [float(rate) for rate in rates]
        self.folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        self._save()
        try:
            self._build()
            lab_servers.start(self)
        except BaseException:
            self.down()
            raise

    def down(self) -> None:
        """Ends all processes inside the lab and removes its namespaces."""
        names = existing_namespaces()
        hosts = [h for h in ("lan", "origin", *self.hosts)
                 if self.namespace(h) in names]
        self._end_processes(hosts)
        for host in hosts:
            run("ip", "netns", "del", self.namespace(host))
            shutil.rmtree(f"/etc/netns/{self.namespace(host)}",
                          ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.rates = []

    def _refuse_leftovers(self, rates) -> None:
        if reason := why_impossible():
            raise LabError(reason)
        if not 1 <= len(rates) <= MAX_HOSTS:
            raise LabError(f"a lab has 1 to {MAX_HOSTS} hosts")
        taken = [n for n in existing_namespaces()
                 if n.startswith(self.prefix + "-")]
        if self.is_up or taken:
            raise LabError(
                f"a lab named {self.prefix!r} is up already: tools/lab down "
                "removes it, PEAPOD_LAB=other names another one"
                + (f" (namespaces {' '.join(sorted(taken))})" if taken else "")
            )

    def _save(self) -> None:
        self.state_file.write_text(json.dumps({"rates": self.rates}))

    def _end_processes(self, hosts) -> None:
        for how in (signal.SIGTERM, signal.SIGKILL):
            deadline = time.monotonic() + 2
            left = [pid for host in hosts for pid in self.pids(host)]
            for pid in left:
                send_signal(pid, how)
                send_signal(pid, signal.SIGCONT)
            while left and time.monotonic() < deadline:
                time.sleep(0.02)
                left = [pid for pid in left if is_running(pid)]
            if not left:
                return

    # -- network --------------------------------------------------------------

    def _build(self) -> None:
        for host in ("lan", "origin", *self.hosts):
            self._add_namespace(host)
        self.run("lan", "ip", "link", "add", "br0", "type", "bridge",
                 "forward_delay", "0", "mcast_snooping", "0")
        self.run("lan", "ip", "link", "set", "br0", "up")
        for address in (NGINX_ADDRESS, HOSTILE_ADDRESS, SHOP_ADDRESS):
            self.run("origin", "ip", "addr", "add", f"{address}/32",
                     "dev", "lo")
        self.run("origin", "ip", "-6", "addr", "add",
                 f"{NGINX_ADDRESS_6}/128", "dev", "lo")
        for host, rate in zip(self.hosts, self.rates):
            self._connect_lan(host)
            self._connect_wan(host)
            self.set_rate(host, rate)

    def _add_namespace(self, host) -> None:
        name = self.namespace(host)
        run("ip", "netns", "add", name)
        folder = Path("/etc/netns") / name
        folder.mkdir(parents=True, exist_ok=True)
        # Programs look the machine's own name up at the oddest moments.
        lines = [f"127.0.0.1 localhost {socket.gethostname()}",
                 "::1 localhost"]
        lines += [f"{address} {n}" for n, address in NAMES.items()]
        (folder / "hosts").write_text("\n".join(lines) + "\n")
        (folder / "resolv.conf").write_text(
            f"nameserver {NGINX_ADDRESS}\noptions timeout:1 attempts:1\n")
        for scope in ("all", "default"):
            self.run(host, "sysctl", "-qw",
                     f"net.ipv6.conf.{scope}.accept_dad=0")
            # A cable that is plugged in again finds its address there.
            self.run(host, "sysctl", "-qw",
                     f"net.ipv6.conf.{scope}.keep_addr_on_down=1")
        # No connection's own end takes what a daemon wants to listen at.
        self.run(host, "sysctl", "-qw",
                 "net.ipv4.ip_local_reserved_ports=45678-45680")
        # Nobody serves names, and says so every time.
        self.run(host, "sysctl", "-qw", "net.ipv4.icmp_ratelimit=0")
        self.run(host, "ip", "link", "set", "lo", "up")

    def _connect_lan(self, host: int) -> None:
        name, port = self.namespace(host), f"l{host}"
        run("ip", "link", "add", "lan0", "netns", name, "type", "veth",
            "peer", "name", port, "netns", self.namespace("lan"))
        self.run("lan", "ip", "link", "set", port, "master", "br0", "up")
        self._address(host, "lan0", f"{self.lan_address(host)}/24",
                      f"fd77::{host:x}/64")

    def _connect_wan(self, host: int) -> None:
        name, port, net = self.namespace(host), f"o{host}", 100 + host
        run("ip", "link", "add", "wan0", "netns", name, "type", "veth",
            "peer", "name", port, "netns", self.namespace("origin"))
        self._address(host, "wan0", f"10.77.{net}.2/24",
                      f"fd77:{net:x}::2/64")
        self._address("origin", port, f"10.77.{net}.1/24",
                      f"fd77:{net:x}::1/64")
        self.run(host, "ip", "route", "add", "default", "via",
                 f"10.77.{net}.1")
        self.run(host, "ip", "-6", "route", "add", "default", "via",
                 f"fd77:{net:x}::1")

    def _address(self, host, link: str, v4: str, v6: str) -> None:
        self.run(host, "ip", "addr", "add", v4, "dev", link)
        self.run(host, "ip", "-6", "addr", "add", v6, "dev", link, "nodad")
        self.run(host, "ip", "link", "set", link, "up")

    def set_rate(self, host: int, rate: float) -> None:
        """Limits a host's internet connection, in Mbit/s each way."""
        self.shape(host, "wan0", rate)
        self.shape("origin", f"o{host}", rate)
        self.rates[host - 1] = rate
        self._save()

    def shape(self, host, link: str, rate: float) -> None:
        """Limits what leaves by a link, in Mbit/s."""
        burst = max(16000, int(rate * 1e6 / 8 * 0.005))
        self.run(host, "tc", "qdisc", "replace", "dev", link, "root",
                 "tbf", "rate", f"{int(rate * 1e6)}bit", "burst", burst,
                 "latency", "50ms")

    def unshape(self, host: int) -> None:
        """Takes the limit off a host's internet connection."""
        for where, link in ((host, "wan0"), ("origin", f"o{host}")):
            self.run(where, "tc", "qdisc", "del", "dev", link, "root")

    def set_lan(self, host: int, up: bool) -> None:
        """Plugs a host's LAN cable in or out."""
        self.run("lan", "ip", "link", "set", f"l{host}",
                 "up" if up else "down")

    def set_wan(self, host: int, up: bool) -> None:
        """Plugs a host's internet cable in or out."""
        self.run("origin", "ip", "link", "set", f"o{host}",
                 "up" if up else "down")

    # -- further internet connections -----------------------------------------

    def add_uplink(self, host: int, number: int, rate: float) -> str:
        """A second connection of a host, or a third: link wanN, Mbit/s each
        way. Gives its address, from which packets leave by it; so do those of
        sockets that are bound to the link."""
        name, port, net = self.namespace(host), f"o{host}x{number}", \
            200 + 10 * number + host
        link, address = f"wan{number}", f"10.77.{net}.2"
        run("ip", "link", "add", link, "netns", name, "type", "veth",
            "peer", "name", port, "netns", self.namespace("origin"))
        for where, end, own in ((host, link, address),
                                ("origin", port, f"10.77.{net}.1")):
            self.run(where, "ip", "addr", "add", f"{own}/24", "dev", end)
            self.run(where, "ip", "link", "set", end, "up")
            self.shape(where, end, rate)
        route = ("default", "via", f"10.77.{net}.1", "dev", link)
        self.run(host, "ip", "route", "add", *route, "metric", 100 + number)
        self.run(host, "ip", "route", "add", *route, "table", net)
        self.run(host, "ip", "rule", "add", "from", address, "table", net)
        return address

    def remove_uplink(self, host: int, number: int) -> None:
        """Takes it away again, with its rule."""
        net = 200 + 10 * number + host
        self.run(host, "ip", "rule", "del", "table", net, check=False)
        self.run(host, "ip", "link", "del", f"wan{number}", check=False)

    def set_uplink(self, host: int, number: int, up: bool) -> None:
        """Plugs its cable in or out."""
        self.run("origin", "ip", "link", "set", f"o{host}x{number}",
                 "up" if up else "down")

    # -- words ----------------------------------------------------------------

    def describe(self) -> str:
        """What stands where, for people."""
        if not self.is_up:
            return f"no lab named {self.prefix!r} is up"
        lines = [f"lab {self.prefix!r}, {len(self.rates)} hosts:"]
        for host, rate in zip(self.hosts, self.rates):
            lines.append(
                f"  {self.namespace(host):<12} lan0 {self.lan_address(host)}"
                f"  wan0 {self.wan_address(host)}  {rate:g} Mbit/s"
                f"  {len(self.pids(host))} processes"
            )
        lines += [
            f"  nginx        http://{NGINX_ADDRESS}/  https://origin.test/"
            f"  http://[{NGINX_ADDRESS_6}]/",
            f"  hostile      http://{HOSTILE_ADDRESS}/",
            f"  files        {' '.join(lab_servers.file_names())}",
            f"  CA           {self.ca_file}",
        ]
        return "\n".join(lines)
