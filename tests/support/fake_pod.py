"""A made-up pod of three devices as the control socket describes it."""

import itertools
import random

from datetime import datetime, timezone

SELF = "5a1f09c2d4e6f8091a2b3c4d5e6f7081"
LIVING_ROOM = "c04e77aa1b2c3d4e5f60718293a4b5c6"
PHONE = "9b31d0c4e5f60718293a4b5c6d7e8f90"
URL = "http://origin.test/debian-12.iso"
MIB = 1 << 20

# name, parent, restart, thread, strategy, about, summary
TREE = [
    ("root_supervisor", None, "permanent", "worker", "rest_for_one", "", ""),
    ("scheduler", "root_supervisor", "permanent", "worker", None, "",
     "1 transfer, 3 sources, 9 leases"),
    ("wan_supervisor", "root_supervisor", "permanent", "worker",
     "one_for_one", "", ""),
    ("wan_fetcher", "wan_supervisor", "permanent", "io", None, "own line",
     "2 fetches"),
    ("gateway_supervisor", "root_supervisor", "permanent", "worker",
     "rest_for_one", "", ""),
    ("transfer_supervisor", "gateway_supervisor", "permanent", "worker",
     "one_for_one", "", ""),
    ("proxy_supervisor", "gateway_supervisor", "permanent", "worker",
     "one_for_one", "", ""),
    ("proxy_acceptor", "gateway_supervisor", "permanent", "io", None,
     "127.0.0.1:3128", "1 client"),
    ("mesh_supervisor", "root_supervisor", "permanent", "worker",
     "rest_for_one", "", ""),
    ("roster", "mesh_supervisor", "permanent", "io", None, "",
     "2 devices, 2 connected"),
    ("session_supervisor", "mesh_supervisor", "permanent", "worker",
     "one_for_one", "", ""),
    ("peer_acceptor", "mesh_supervisor", "permanent", "io", None,
     "0.0.0.0:45679", ""),
    ("discovery_listener", "mesh_supervisor", "permanent", "io", None,
     "239.255.60.60", "2 devices heard"),
    ("console", "root_supervisor", "permanent", "worker", None, "", ""),
    ("peer_session", "session_supervisor", "temporary", "io", None,
     "living-room", "4 ranges for us, none for them"),
    ("peer_session", "session_supervisor", "temporary", "io", None,
     "phone", "3 ranges for us, none for them"),
    ("proxy_connection", "proxy_supervisor", "temporary", "io", None,
     "127.0.0.1:40112", "answering GET"),
    ("transfer", "transfer_supervisor", "temporary", "io", None,
     "origin.test", "40% of 100 MiB"),
]


class Refused(Exception):
    """What the daemon would answer instead."""

    def __init__(self, status: int, why: str):
        super().__init__(why)
        self.status = status


def stamp(moment: float) -> str:
    text = datetime.fromtimestamp(moment, timezone.utc).isoformat(
        timespec="milliseconds")
    return text.replace("+00:00", "Z")


class FakeActor:
    """One live actor."""

    def __init__(self, number, name, parent, restart, thread, strategy, about,
                 summary, restarts=0, born=None):
        self.number, self.name, self.parent = number, name, parent
        self.restart, self.thread, self.strategy = restart, thread, strategy
        self.about, self.summary, self.restarts = about, summary, restarts
        self.born = born
        self.state, self.answered = "idle", True
        self.mailbox, self.peak = 0, 1 + number % 5
        self.handled, self.rate, self.load = 20 * number, 0.0, 0.0
        self.busy, self.longest = 0.011 * number, 0.0003 * number
        self.links, self.messages, self.fault = [], [], ""

    def row(self, now: float) -> dict:
        return {
            "id": self.number, "name": self.name, "parent": self.parent,
            "about": self.about, "summary": self.summary,
            "restart": self.restart, "runs_on": self.thread,
            "state": self.state, "answered": self.answered,
            "mailbox": self.mailbox, "mailbox_peak": self.peak,
            "handled": self.handled, "rate": self.rate, "load": self.load,
            "busy": self.busy, "longest": self.longest,
            "uptime": now - self.born, "restarts": self.restarts,
            "links": self.links,
        }

    def data(self) -> dict:
        return {"about": self.about, "leases": [
            {"range": "0-262143", "source": "self"},
            {"range": "262144-524287", "source": "living-room"}],
            "credit": 4 * MIB, "ports": [80, 443], "ended": None}


class FakePod:
    """The pod, at a moment that stands still unless `live_on` moves it."""

    def __init__(self, pid=4711, fault_injection=False, name="kitchen",
                 moment=1795532466.0):
        self.pid, self.name = pid, name
        self.fault_injection = fault_injection
        self.now = moment
        self.started = moment - 3725
        self.actors, self.events, self.crashes = {}, [], []
        self.trust = {}
        self.crash_total = 0
        self._numbers = itertools.count(1)
        self._random = random.Random(4711)
        self.received = {"self": 16 * MIB, "living-room": 14 * MIB,
                         "phone": 10 * MIB}
        self.cells = ["self"] * 20 + ["living-room"] * 15 + ["phone"] * 13
        self.total_cells = 120
        self.rates = {LIVING_ROOM: 4_750_000.0, PHONE: 2_125_000.0}
        for row in TREE:
            self._spawn_row(row)
        self._link("transfer", "proxy_connection")
        self._event("peer_up", "roster", "", "living-room is connected")
        self._event("peer_up", "roster", "", "phone is connected")
        self._event("transfer_opened", "transfer", "origin.test",
                    f"{URL}, 100 MiB")

    # -- building -------------------------------------------------------------

    def by_name(self, name: str, about: str = None):
        return next((a for a in self.actors.values() if a.name == name
                     and about in (None, a.about)), None)

    def _spawn_row(self, row, restarts=0, quiet=True) -> FakeActor:
        name, parent, *rest = row
        above = self.by_name(parent) if parent else None
        actor = FakeActor(next(self._numbers), name,
                          above.number if above else None, *rest,
                          restarts=restarts,
                          born=self.started if quiet else self.now)
        self.actors[actor.number] = actor
        for kind in ("chunk_arrived", "fetch_chunk", "tick"):
            self._message(actor, kind)
        if not quiet:
            self._event("spawned", name, actor.about, "", actor.number)
        return actor

    def _link(self, one: str, other: str) -> None:
        a, b = self.by_name(one), self.by_name(other)
        a.links, b.links = [b.number], [a.number]

    def _message(self, actor, kind: str) -> None:
        sender = self.by_name("scheduler")
        from_io = kind == "tick" or sender is None or sender is actor
        actor.messages.append({
            "time": stamp(self.now + 0.001 * len(actor.messages)),
            "from": None if from_io else sender.number,
            "from_name": "io" if from_io else sender.name,
            "to": actor.number, "type": kind,
            "size": 262144 if kind == "chunk_arrived" else 0,
            "took": 0.00018 if kind != "tick" else 0.000012})
        del actor.messages[:-400]

    def _event(self, kind, name, about, text, actor=None, **more) -> None:
        found = self.by_name(name)
        number = actor or (found.number if found else None)
        last = self.events[-1]["seq"] if self.events else 0
        self.events.append({"seq": last + 1, "time": stamp(self.now),
                            "kind": kind, "actor": number, "name": name,
                            "about": about, "text": text, **more})

    # -- answers --------------------------------------------------------------

    def daemon(self) -> dict:
        return {"id": SELF, "name": self.name, "version": "0.1.0",
                "pid": self.pid, "uptime": self.now - self.started,
                "fault_injection": self.fault_injection, "confined": True}

    def rows(self) -> list:
        return [a.row(self.now) for a in self.actors.values()]

    def actor_list(self) -> dict:
        return {"daemon": self.daemon(), "actors": self.rows()}

    def find(self, number: int) -> FakeActor:
        if number in self.actors:
            return self.actors[number]
        known = any(c["actor"] == number for c in self.crashes)
        if known:
            raise Refused(410, f"actor {number} has ended")
        raise Refused(404, f"there is no actor {number}")

    def page(self, number: int) -> dict:
        actor = self.find(number)
        return {"actor": actor.row(self.now), "data": actor.data(),
                "recent": actor.messages[-20:], "fault": actor.fault}

    def tree(self) -> dict:
        return {"tree": self._node(self.actors[1])}

    def _node(self, actor) -> dict:
        return {"id": actor.number, "name": actor.name, "about": actor.about,
                "restart": actor.restart, "restarts": actor.restarts,
                "strategy": actor.strategy,
                "children": [self._node(a) for a in self.actors.values()
                             if a.parent == actor.number]}

    def crash_list(self) -> dict:
        return {"total": self.crash_total, "crashes": self.crashes}

    def _peer(self, number, name, address) -> dict:
        up = self.by_name("peer_session", name) is not None
        rate = self.rates[number] if up else 0
        return {"id": number, "name": name, "address": address,
                "state": "connected" if up else "backing off",
                "protocol": "1", "rate_down": rate, "rate_up": rate / 10,
                "bytes_from": self.received[name] if up else 0,
                "bytes_to": 65536 if up else 0,
                "trust": self.trust.get(number, "open"), "secure": False,
                "code": [], "why": "" if up else "connection closed"}

    def peers(self) -> list:
        return [self._peer(PHONE, "phone", "192.168.1.9:45679"),
                self._peer(LIVING_ROOM, "living-room", "192.168.1.7:45679")]

    @staticmethod
    def lines() -> list:
        return [{"id": SELF, "name": "", "up": True, "interface": "eth0",
                 "gateway": "192.168.1.1", "public_addresses": [],
                 "bytes_own": 65536, "bytes_peers": 0,
                 "line": {"label": "adds capacity",
                          "evidence": "nothing known against it"}}]

    def change_trust(self, who: str, trusted: bool) -> dict:
        found = next((p for p in self.peers()
                      if who in (p["id"], p["name"])), None)
        if found is None:
            raise Refused(404, f'there is no device called "{who}"')
        self.trust[found["id"]] = "trusted" if trusted else "open"
        return {"peer": {**found, "trust": self.trust[found["id"]]}}

    def _runs(self) -> list:
        cells = self.cells + [None] * (self.total_cells - len(self.cells))
        return [{"source": source, "cells": len(list(group))}
                for source, group in itertools.groupby(cells)]

    def transfers(self) -> list:
        old = {"id": "1d" * 16, "url": "http://origin.test/small.bin",
               "state": "done", "total": 8 * MIB, "delivered": 8 * MIB,
               "bytes": {"self": 5 * MIB, "living-room": 3 * MIB},
               "wasted": 65536, "hedged": 262144, "rechecked": 0,
               "verified_by": "digest", "samples": 3, "lies": 0,
               "unchecked": 0,
               "map": [{"source": "self", "cells": 75},
                       {"source": "living-room", "cells": 45}]}
        done = len(self.cells) * 100 * MIB // self.total_cells
        state = "running" if self.by_name("transfer") else "done"
        new = {"id": "77" * 16, "url": URL, "state": state,
               "total": 100 * MIB, "delivered": done,
               "bytes": dict(self.received), "wasted": 0, "hedged": 262144,
               "rechecked": 0, "map": self._runs(),
               "verified_by": "audit", "samples": 5, "lies": 0,
               "unchecked": 1}
        return [old, new]

    def status(self) -> dict:
        peers = self.peers()
        return {"daemon": self.daemon(),
                "device": {"id": SELF, "name": self.name},
                "crowded": False,
                "pod_size": 1 + sum(p["state"] == "connected" for p in peers),
                "peers": peers, "lines": self.lines(),
                "transfers": self.transfers(),
                "proxy": {"requests": 12, "tunnels": 3, "pooled": 2,
                          "passed_through": 7, "active": 1},
                "share": {"served_bytes": 65536, "held_to": None,
                          "state": "on", "why": None,
                          "today": {"used": 65536, "limit": None},
                          "month": {"used": 1048576, "limit": 10737418240},
                          "metered": None, "on_battery": False,
                          "battery": None},
                "clock": {"behind": 0, "hosts": 5}}

    def members(self) -> dict:
        other = [dict(row) for row in self.rows()[:10]]
        return {"members": [
            {"id": SELF, "name": self.name, "self": True, "error": None,
             "actors": self.rows()},
            {"id": LIVING_ROOM, "name": "living-room", "self": False,
             "error": None, "actors": other},
            {"id": PHONE, "name": "phone", "self": False,
             "error": "it does not show its actors", "actors": []}]}

    # -- changes --------------------------------------------------------------

    def change(self, number: int, what: str, how: dict) -> dict:
        actor = self.find(number)
        return getattr(self, "_" + what)(actor, how)

    def _kill(self, actor, _) -> dict:
        if actor.parent is None:
            raise Refused(409, "the root supervisor cannot be killed: that "
                               "would end the daemon")
        self._crash(actor, "killed from the console")
        return {"killed": actor.number}

    def _restart(self, actor, _) -> dict:
        if actor.restart != "permanent" or actor.parent is None:
            raise Refused(409, f"{actor.name} {actor.number} is "
                               f"{actor.restart}: nobody would start it anew")
        del self.actors[actor.number]
        self._event("down", actor.name, actor.about, "stopped in order",
                    actor.number)
        new = self._again(actor)
        return {"restarted": actor.number, "as": new.number}

    def _fault(self, actor, how) -> dict:
        if not self.fault_injection:
            raise Refused(403, "faults are not allowed: [debug] "
                               "fault-injection=true does")
        actor.fault = "" if how["action"] == "clear" else (
            f"{how['action']} on every {how.get('every', 1)} message")
        return {"actor": actor.number, "fault": actor.fault}

    def _crash(self, actor, reason: str) -> None:
        del self.actors[actor.number]
        self.crash_total += 1
        self.crashes.append({
            "seq": self.crash_total, "time": stamp(self.now),
            "actor": actor.number, "name": actor.name,
            "parent": actor.parent, "about": actor.about, "reason": reason,
            "uptime": self.now - actor.born, "handled": actor.handled,
            "recent": actor.messages[-20:], "data": actor.data()})
        self._event("crashed", actor.name, actor.about, reason, actor.number)
        if actor.name == "peer_session":
            self._lose_peer(actor)
        elif actor.restart == "permanent":
            self._again(actor)

    def _again(self, actor) -> FakeActor:
        row = (actor.name, self.actors[actor.parent].name, actor.restart,
               actor.thread, actor.strategy, actor.about, actor.summary)
        new = self._spawn_row(row, actor.restarts + 1, quiet=False)
        for other in self.actors.values():
            if other.parent == actor.number:
                other.parent = new.number
        self._event("restarted", new.name, new.about,
                    f"was {actor.number}", new.number)
        return new

    def _lose_peer(self, actor) -> None:
        self._event("peer_down", "roster", "", f"{actor.about} is gone")
        self._event("lease_lost", "scheduler", "",
                    f"25.0-25.3 MiB of {URL}: {actor.about} is gone")
        self._event("lease_moved", "scheduler", "",
                    f"25.0-25.3 MiB of {URL}: now from this device")
        self._gone = actor

    # -- liveliness -----------------------------------------------------------

    def live_on(self, seconds: float) -> None:
        """Lets some time pass: figures change, the download goes on."""
        self.now += seconds
        self._work()
        self._bring_back()
        self._download()

    def _work(self) -> None:
        busy = {"scheduler", "transfer", "peer_session", "wan_fetcher",
                "proxy_connection"}
        for actor in self.actors.values():
            works = actor.name in busy and self.by_name("transfer")
            actor.rate = self._random.uniform(20, 400) if works else 0.0
            actor.load = actor.rate / 1500
            actor.handled += int(actor.rate / 4)
            actor.busy += actor.load / 4
            actor.mailbox = self._random.randrange(4) if works else 0
            actor.peak = max(actor.peak, actor.mailbox)
            actor.state = "busy" if works and actor.mailbox > 2 else "idle"
            if works:
                self._message(actor, self._random.choice(
                    ["chunk_arrived", "fetch_chunk", "credit", "tick"]))
        for number in self.rates:
            self.rates[number] = self._random.uniform(2e6, 5e6)

    def _bring_back(self) -> None:
        gone = getattr(self, "_gone", None)
        if gone and self._random.random() < 0.15:
            self._gone = None
            row = (gone.name, "session_supervisor", gone.restart, gone.thread,
                   gone.strategy, gone.about, gone.summary)
            self._spawn_row(row, quiet=False)
            self._event("peer_up", "roster", "",
                        f"{gone.about} is connected")

    def _download(self) -> None:
        transfer = self.by_name("transfer")
        if transfer is None:
            if self._random.random() < 0.1:
                self.cells = []
                for row in TREE[-2:]:
                    self._spawn_row(row, quiet=False)
                self._link("transfer", "proxy_connection")
                self.received = dict.fromkeys(self.received, 0)
            return
        sources = ["self"] + [a.about for a in self.actors.values()
                              if a.name == "peer_session"]
        if self._random.random() < 0.5:
            who = self._random.choice(sources)
            self.cells.append(who)
            self.received[who] += 100 * MIB // self.total_cells
            transfer.summary = f"{len(self.cells) * 100 // 120}% of 100 MiB"
            self._event("transfer_progress", "transfer", "origin.test",
                        transfer.summary)
        if len(self.cells) >= self.total_cells:
            self._event("transfer_done", "transfer", "origin.test", URL)
            for name in ("transfer", "proxy_connection"):
                actor = self.by_name(name)
                del self.actors[actor.number]
                self._event("down", name, actor.about, "normal",
                            actor.number)


__all__ = ["FakeActor", "FakePod", "Refused", "stamp"]
