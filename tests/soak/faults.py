"""What goes wrong during a soak, one thing after the other."""

import json
import random
import threading

from control import Connection

#: Actors that may be killed; all of them come back, or their work ends
#: visibly.
KILLABLE = ("transfer", "scheduler", "wan_fetcher", "peer_session", "roster",
            "proxy_connection", "discovery_listener", "console",
            "peer_acceptor", "proxy_acceptor")


def ask(daemon, method: str, target: str):
    """(status, JSON) of a daemon's control socket."""
    connection = Connection(daemon.socket, timeout=10)
    try:
        connection.request(method, target, headers={
            "Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, json.loads(response.read() or b"null")
    finally:
        connection.close()


class Faults:
    """Breaks things until it is stopped, and leaves everything mended. Host 1
    keeps its daemon, so that what it leaks shows."""

    def __init__(self, lab, daemons: dict, seed: int, note, violation):
        self.lab, self.daemons = lab, daemons
        self.note, self.violation = note, violation
        self.rng = random.Random(f"{seed}/faults")
        self.expendable = [h for h in daemons if h != 1]
        #: Hosts whose daemon is meant to be away.
        self.away = set()
        self.counts = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        kinds = [self.kill_actor] * 4 + [self.kill_daemon, self.end_daemon,
                                         self.freeze, self.unplug_lan,
                                         self.unplug_wan]
        while not self._stop.wait(self.rng.uniform(3, 7)):
            fault = self.rng.choice(kinds)
            self.counts[fault.__name__] = self.counts.get(
                fault.__name__, 0) + 1
            try:
                fault()
            except Exception as broken:
                self.violation(f"{fault.__name__}: {broken!r}")

    def _pause(self, low: float, high: float) -> None:
        self._stop.wait(self.rng.uniform(low, high))

    def kill_actor(self) -> None:
        host = self.rng.choice(list(self.daemons))
        _, all_of_them = ask(self.daemons[host], "GET", "/v1/actors")
        names = {x["name"] for x in all_of_them["actors"]}
        name = self.rng.choice([n for n in KILLABLE if n in names])
        actor = self.rng.choice(
            [x for x in all_of_them["actors"] if x["name"] == name])
        status, _ = ask(self.daemons[host], "POST",
                        f"/v1/actors/{actor['id']}/kill")
        self.note(f"host {host}: {name} {actor['id']} killed: {status}")
        if status not in (200, 404, 410):
            self.violation(f"host {host}: killing {name} gave {status}")

    def kill_daemon(self) -> None:
        self._replace(lambda daemon: daemon.kill(), "killed")

    def end_daemon(self) -> None:
        def end(daemon):
            code = daemon.terminate(15)
            if code != 0:
                self.violation(f"{daemon.name} ended with {code}")
        self._replace(end, "ended")

    def _replace(self, end, word: str) -> None:
        host = self.rng.choice(self.expendable)
        self.note(f"host {host}: daemon {word}")
        self.away.add(host)
        end(self.daemons[host])
        self._pause(0.2, 3)
        self.daemons[host].start()
        self.away.discard(host)

    def freeze(self) -> None:
        host = self.rng.choice(self.expendable)
        self.note(f"host {host}: daemon frozen")
        self.daemons[host].freeze()
        self._pause(0.5, 3)
        self.daemons[host].thaw()

    def unplug_lan(self) -> None:
        self._unplug("LAN", self.lab.set_lan)

    def unplug_wan(self) -> None:
        self._unplug("internet", self.lab.set_wan)

    def _unplug(self, what: str, plug) -> None:
        host = self.rng.choice(list(self.daemons))
        self.note(f"host {host}: {what} cable out")
        plug(host, False)
        self._pause(0.5, 3)
        plug(host, True)
