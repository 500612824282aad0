"""Pods of daemons inside the lab, and downloads through them."""

import itertools
from pathlib import Path

import content
import origin_client
from harness import Daemon, Download, ReferencePeer, wait_until
from lab_base import HOSTILE_ADDRESS, NGINX_ADDRESS

NGINX = f"http://{NGINX_ADDRESS}"
HOSTILE = f"http://{HOSTILE_ADDRESS}"

_fresh = itertools.count(1)
_pods = []


def fresh_name() -> str:
    """A NAME for the hostile origin that no test used before."""
    return f"n{next(_fresh)}"


class Downloads:
    """Downloads from the hosts of a lab into one folder."""

    def __init__(self, lab, folder: Path):
        self.lab, self.folder = lab, folder

    def start(self, url: str, *options, host=1, **more) -> Download:
        target = self.folder / f"got{next(_fresh)}"
        return Download(self.lab, host, target, url, *options, **more)

    def get(self, url: str, *options, **more) -> Download:
        """A finished download."""
        return self.start(url, *options, **more).wait()

    def origin_log(self, path: str) -> list:
        """What the hostile origin was asked for at `path`."""
        return origin_client.log(self.lab, path)


class Pod(Downloads):
    """A daemon on each host of the lab."""

    def __init__(self, lab, folder: Path, settings: dict):
        super().__init__(lab, folder)
        _pods.append(self)
        self.daemons = {host: Daemon(lab, host, folder, settings=settings)
                        for host in lab.hosts}

    def __getitem__(self, host: int) -> Daemon:
        return self.daemons[host]

    @property
    def is_whole(self) -> bool:
        """Whether every daemon is connected to every other one."""
        others = len(self.daemons) - 1
        return all(len(d.connected_peers()) == others
                   for d in self.daemons.values())

    def heal(self) -> None:
        """Starts what does not run and waits until the pod is whole."""
        for host, daemon in self.daemons.items():
            self.lab.set_lan(host, True)
            self.lab.set_wan(host, True)
            if daemon.is_running:
                daemon.thaw()
            else:
                daemon.start()
        try:
            wait_until(lambda: self.is_whole, 8, "the pod is whole")
        except AssertionError:
            self.stop()
            for daemon in self.daemons.values():
                daemon.start()
            wait_until(lambda: self.is_whole, 8, "the restarted pod is whole")

    def stop(self) -> None:
        for daemon in self.daemons.values():
            daemon.kill()

    def nginx_file(self, size: int) -> str:
        return f"{NGINX}/{size}.bin"


class Starter(Downloads):
    """Starts programs one by one for a single test; no pod stands beside
    it."""

    def __init__(self, lab, folder: Path):
        super().__init__(lab, folder)
        for pod in _pods:
            pod.stop()
        self.started = []
        self.settings = {}  # of every daemon, unless it says otherwise

    def daemon(self, host: int, ready=True, prefix=(), **settings) -> Daemon:
        """Starts a daemon; `pool_enabled="false"` sets `[pool] enabled`."""
        values = {key.replace("_", ".", 1).replace("_", "-"): value
                  for key, value in {**self.settings, **settings}.items()}
        name = f"host{host}-{next(_fresh)}"
        daemon = Daemon(self.lab, host, self.folder, name, values)
        daemon.prefix = prefix
        self.started.append(daemon)
        return daemon.start(ready)

    def reference(self, host: int, *options) -> ReferencePeer:
        name = f"reference{host}-{next(_fresh)}"
        peer = ReferencePeer(self.lab, host, self.folder, name)
        self.started.append(peer)
        return peer.start(*options)

    def stop(self) -> None:
        for process in self.started:
            process.kill()
        for host in self.lab.hosts:
            self.lab.set_lan(host, True)


def devices_of(transfer: dict) -> list:
    """The devices that brought bytes of a transfer."""
    return [name for name, count in transfer["bytes"].items() if count > 0]


def assert_exact(download: Download, name: str, size: int) -> None:
    """The body is the one that the origin's deterministic content says."""
    assert download.code == 0, download.error
    assert len(download.body) == size
    assert download.sha256 == content.sha256(name, size)


__all__ = ["HOSTILE", "NGINX", "Downloads", "Pod", "Starter", "assert_exact",
           "content", "devices_of", "fresh_name", "wait_until"]
