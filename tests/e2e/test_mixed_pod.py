"""Devices that people have let in, together with one that speaks protocol 1 only
and is allowed by its id."""

import json
import subprocess

import protocol1
from harness import BINARY
from pods import NGINX, assert_exact, wait_until

SIZE = 100_000_000
SECRET = "17" * 32
OLD = protocol1.Identity(bytes.fromhex(SECRET)).device_id.hex()


def peapod(daemon, *words):
    return subprocess.run([BINARY, *words, "--socket", daemon.socket],
                          capture_output=True, text=True, timeout=20)


def id_of(daemon) -> str:
    return daemon.status()["device"]["id"]


def peer(daemon, device: str) -> dict:
    """How a daemon sees a device; empty when it does not."""
    told = json.loads(peapod(daemon, "peers", "--json").stdout)["peers"]
    return next((p for p in told if p["id"] == device), {})


def pair(one, two) -> None:
    for here, there in ((one, two), (two, one)):
        wait_until(lambda: peer(here, id_of(there)).get("state") == "waiting",
                   10, "they wait for each other")
    for here, there in ((one, two), (two, one)):
        done = peapod(here, "trust", id_of(there))
        assert done.returncode == 0, done.stderr


def test_an_allowed_device_of_protocol_1_joins_those_that_are_trusted(alone):
    ask = {"trust_mode": '"ask"', "transport_legacy": "true"}
    one = alone.daemon(1, **ask, **{"trust_legacy-devices": f'["{OLD}"]'})
    two = alone.daemon(2, **ask)
    old = alone.reference(3, "--secret", SECRET)
    old.wait_for("connected", seconds=10)
    pair(one, two)
    one.wait_for_peers(2, 10)
    # One allows it and says what that means; the other one does not.
    assert peer(one, id_of(two))["trust"] == "trusted"
    assert peer(one, OLD)["trust"] == "insecure"
    assert peer(one, OLD)["protocol"] == "1 (foreign)"
    assert "insecure" in peapod(one, "peers").stdout
    assert "[transport] legacy=true" in one.output()
    assert [p["id"] for p in two.connected_peers()] == [id_of(one)]

    url = f"{NGINX}/{SIZE}.bin"
    assert_exact(alone.get(url), f"{SIZE}.bin", SIZE)
    brought = one.transfer(url)["bytes"]
    assert len(brought) == 3 and all(brought.values()), brought

    # Taken back, it is out at once and stays out; the other one stays.
    assert peapod(one, "untrust", OLD).returncode == 0
    one.wait_for_peers(1, 2)
    old.wait_for("lost", seconds=5)
    url = f"{NGINX}/10000000.bin"
    assert_exact(alone.get(url), "10000000.bin", 10_000_000)
    assert set(one.transfer(url)["bytes"]) <= {"self", two.name}
    assert [p["id"] for p in one.connected_peers()] == [id_of(two)]
