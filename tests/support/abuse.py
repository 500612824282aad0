"""What tests that attack a daemon stand on: strangers with addresses of their
own, bounds on what an attack may cost, and honest work meanwhile."""

import contextlib
import itertools
import json
import os
import subprocess
import threading
import time

import content
import namespaces
import noise
import protocol2
from harness import BINARY, wait_until
from lab_base import HOSTILE_ADDRESS
from origin_reply import etag_of
from protocol2_peer import Ended, Session

MIB = 1024 * 1024
HOSTILE = f"http://{HOSTILE_ADDRESS}"
PEER_PORT = 45679
VICTIM = 1      # the host of the daemon that is attacked
STRANGERS = 3   # the host from which it is attacked

#: Addresses of the attackers, besides the own one of their host. A daemon
#: takes eight connections a second of one address, so each gets a few only.
ADDRESSES = [f"10.77.0.{number}" for number in range(101, 165)]


# -- strangers ----------------------------------------------------------------


def strange_addresses(lab):
    """The attackers' host has all of their addresses meanwhile."""
    return namespaces.more_addresses(
        lab, STRANGERS, "lan0", [f"{x}/24" for x in ADDRESSES])


_sources, _fresh = itertools.cycle(ADDRESSES), itertools.count()


class Strangers:
    """Makes connections to the daemons of the lab's hosts, which live no
    shorter than it does."""

    def __init__(self, lab):
        self.lab = lab
        self.keys = {}

    def connect(self, source: str = "", host: int = VICTIM,
                port: int = PEER_PORT):
        """A TCP connection from an address that was not used for longest."""
        return namespaces.connect(
            self.lab, STRANGERS, (self.lab.lan_address(host), port),
            source or next(_sources))

    def key(self, host: int = VICTIM) -> bytes:
        """The public key of a host's daemon, which is asked once."""
        if host not in self.keys:
            self.keys[host] = self._retry(self._ask_key, host)
        return self.keys[host]

    def _ask_key(self, host: int) -> bytes:
        with Session(self.connect(host=host)) as session:
            return session.ask_key()

    def session(self, keys=None, psk: bytes = protocol2.NO_PSK,
                host: int = VICTIM, seconds: float = 5.0, source: str = "",
                **introduction):
        """A confirmed session. Connections that come while others are too many
        are closed, so it tries again."""
        def attempt(host):
            made = Session(self.connect(source, host), keys or noise.KeyPair(),
                           psk)
            if introduction:
                made.introduction = protocol2.introduction(**introduction)
            return made.connect(key)
        key = self.key(host)
        return self._retry(attempt, host, seconds)

    def member(self, *args, **options) -> Session:
        """A session whose two sides have let each other in."""
        return self.session(*args, **options).join()

    @staticmethod
    def _retry(action, host: int, seconds: float = 5.0):
        until = time.monotonic() + seconds
        while True:
            try:
                return action(host)
            except (Ended, OSError):
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)


def let_in(victim, friend: Session) -> None:
    """A person compares the words and lets the device of a session in."""
    friend.pair(os.urandom(32))
    done = subprocess.run(
        [BINARY, "trust", friend.device_id, "--socket", victim.socket],
        capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    friend.join()


# -- what it may cost ---------------------------------------------------------


def memory(daemon) -> int:
    """Resident bytes of a daemon."""
    return _status(daemon, "VmRSS")


def most_memory(daemon) -> int:
    """The most resident bytes since `forget_most_memory`."""
    return _status(daemon, "VmHWM")


def forget_most_memory(daemon) -> None:
    with open(f"/proc/{daemon.process.pid}/clear_refs", "w") as out:
        out.write("5")


def _status(daemon, name: str) -> int:
    with open(f"/proc/{daemon.process.pid}/status") as lines:
        line = next(x for x in lines if x.startswith(name + ":"))
    return int(line.split()[1]) * 1024


def descriptors(daemon) -> int:
    return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))


def processor_seconds(daemon) -> float:
    with open(f"/proc/{daemon.process.pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Cost:
    """What an attack has cost at most; filled in as `costs` ends."""

    memory = 0       # bytes above those before
    descriptors = 0  # above those before

    def __str__(self):
        return (f"{self.memory / MIB:.1f} MiB and {self.descriptors} "
                "descriptors more")


@contextlib.contextmanager
def costs(daemon, mib: float, most_descriptors: int = 100):
    """An attack must cost a daemon no more than so much memory and so many
    descriptors at any time, leave it alive, and give the descriptors back."""
    before, had = memory(daemon), descriptors(daemon)
    forget_most_memory(daemon)
    cost, done = Cost(), threading.Event()

    def watch():
        while not done.wait(0.02) and daemon.is_running:
            with contextlib.suppress(OSError):
                cost.descriptors = max(
                    cost.descriptors, descriptors(daemon) - had)
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield cost
    finally:
        done.set()
        watcher.join()
    assert daemon.is_running, daemon.output()[-2000:]
    cost.memory = most_memory(daemon) - before
    print(f"\ncost: {cost}")
    assert cost.memory <= mib * MIB, str(cost)
    assert cost.descriptors <= most_descriptors, str(cost)
    wait_until(lambda: descriptors(daemon) <= had + 8, 15,
               f"the descriptors come back to {had}")


# -- honest work --------------------------------------------------------------


def representation(name: str, size: int) -> tuple:
    """What the hostile origin says of an honest body: ETag and length."""
    return (etag_of(name), None, size)


def served(session: Session) -> bool:
    """Whether a session brings a range, byte by byte."""
    name, size = f"served{next(_fresh)}", 100_000
    got = session.fetch(f"{HOSTILE}/range/{size}/{name}", 1000,
                        5000, representation(name, size))
    return got == content.content(name, 1000, 5000)


# -- what it says -------------------------------------------------------------


def peers(daemon) -> list:
    """What `peapod peers` says."""
    done = subprocess.run([BINARY, "peers", "--json", "--socket",
                           daemon.socket], capture_output=True, text=True,
                          timeout=20, check=True)
    return json.loads(done.stdout)["peers"]


def ids(daemon, state=None) -> list:
    """The devices that a daemon shows, all or those in one state."""
    return [p["id"] for p in peers(daemon) if state in (None, p["state"])]
