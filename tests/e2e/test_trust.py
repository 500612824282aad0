"""Who gets into a pod: devices that people let in, those that know the secret,
everybody; and how they get out of it again."""

import json
import subprocess
import time

import pytest
from harness import BINARY
from pods import NGINX, assert_exact, wait_until

SIZE = 10_000_000
ASK = {"trust_mode": '"ask"'}
SECRET = {"trust_mode": '"secret"'}


def peapod(daemon, *words):
    return subprocess.run([BINARY, *words, "--socket", daemon.socket],
                          capture_output=True, text=True, timeout=20)


def peers(daemon) -> list:
    done = peapod(daemon, "peers", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["peers"]


def peer(daemon, other) -> dict:
    """How one daemon sees another one; empty when it does not."""
    return next((p for p in peers(daemon) if p["name"] == other.name), {})


def waits(daemon, other):
    """The code that a daemon shows for another one that waits."""
    return wait_until(lambda: peer(daemon, other).get("state") == "waiting"
                      and peer(daemon, other)["code"], 10,
                      f"{other.name} waits at {daemon.name}")


def trust(daemon, other) -> None:
    done = peapod(daemon, "trust", other.name)
    assert done.returncode == 0, done.stderr


def bytes_of(daemon, url: str) -> dict:
    return daemon.transfer(url)["bytes"]


def write_secret(alone, host: int, text: str):
    target = alone.folder / f"secret-{host}-{time.monotonic_ns()}"
    target.touch(0o600)
    target.write_text(text)
    return f'"{target}"'


A = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n"
B = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoxMjM0NTY=\n"


def test_two_devices_pair_and_a_third_gets_nothing(alone):
    one, two, three = (alone.daemon(host, **ASK) for host in (1, 2, 3))
    code = waits(one, two)
    assert code == waits(two, one) and len(code) == 4
    assert waits(one, three) == waits(three, one) != code
    assert not one.connected_peers()

    trust(one, two)
    assert peer(one, two)["state"] == "waiting"  # for the other side
    trust(two, one)
    one.wait_for_peers(1, 3)
    two.wait_for_peers(1, 3)
    assert peer(one, two)["trust"] == "trusted"
    assert peer(one, two)["protocol"] == "2"

    url = f"{NGINX}/{SIZE}.bin"
    assert_exact(alone.get(url), f"{SIZE}.bin", SIZE)
    brought = bytes_of(one, url)
    assert brought.get(two.name, 0) > 0
    assert three.name not in brought
    assert three.status()["share"]["served_bytes"] == 0


def test_trust_survives_a_restart_of_both(alone):
    one, two = (alone.daemon(host, **ASK) for host in (1, 2))
    waits(one, two), waits(two, one)
    trust(one, two), trust(two, one)
    one.wait_for_peers(1, 3)
    for each in (one, two):
        assert each.terminate() == 0
    for each in (one, two):
        each.start()
    one.wait_for_peers(1, 5)


def test_who_is_let_out_loses_its_session_at_once_and_waits(alone):
    one, two = (alone.daemon(host, **ASK) for host in (1, 2))
    waits(one, two), waits(two, one)
    trust(one, two), trust(two, one)
    one.wait_for_peers(1, 3)
    assert peapod(one, "untrust", two.name).returncode == 0
    assert not one.connected_peers()
    two.wait_for_peers(0, 1)
    waits(one, two)
    assert not one.connected_peers()


def test_a_device_that_was_let_out_stays_out_where_everybody_is_let_in(alone):
    one, two, three = (alone.daemon(host) for host in (1, 2, 3))
    one.wait_for_peers(2, 5)
    assert peapod(one, "untrust", two.name).returncode == 0
    waits(one, two)
    assert [p["name"] for p in one.connected_peers()] == [three.name]


def test_who_knows_the_secret_is_in_and_nobody_else(alone):
    right = {**SECRET, "trust_secret-file": write_secret(alone, 1, A)}
    wrong = {**SECRET, "trust_secret-file": write_secret(alone, 3, B)}
    one = alone.daemon(1, **right)
    two = alone.daemon(2, **right)
    three = alone.daemon(3, **wrong)
    one.wait_for_peers(1, 5)
    assert peer(one, two)["trust"] == "trusted"
    wait_until(lambda: "pod secrets differ" in three.output(), 10,
               "the third one says why it is alone")
    assert not three.connected_peers()
    assert len(one.connected_peers()) == 1
    assert "no peer" not in one.output()


def test_without_its_secret_it_does_not_start(alone):
    daemon = alone.daemon(1, ready=False, **SECRET)
    assert daemon.process.wait(timeout=10) == 1
    assert "peapod secret" in daemon.output()


@pytest.mark.parametrize("who", ["nobody", "", "00"])
def test_whoever_is_not_there_cannot_be_let_in(alone, who):
    one = alone.daemon(1, **ASK)
    done = peapod(one, "trust", who)
    assert done.returncode != 0
    assert done.stderr


def test_a_mixed_pod_is_as_the_configuration_says(alone):
    """Two devices that are secure and a peer that speaks protocol 1."""
    both = {"transport_legacy": "true"}
    one = alone.daemon(1, **both)
    two = alone.daemon(2, **both)
    old = alone.reference(3)
    old.wait_for("connected", seconds=5)
    one.wait_for_peers(2, 5)
    seen = {p["trust"] for p in one.connected_peers()}
    assert seen == {"open", "insecure"}
    assert_exact(alone.get(f"{NGINX}/{SIZE}.bin"), f"{SIZE}.bin", SIZE)
    assert "insecure" in one.output()
    assert peer(two, one)["protocol"] == "2"


def test_only_listed_devices_may_speak_protocol_1(alone):
    id_of_old = "00" * 16
    one = alone.daemon(1, transport_legacy="true",
                       trust_mode='"ask"',
                       **{"trust_legacy-devices": f'["{id_of_old}"]'})
    old = alone.reference(3)
    two = alone.daemon(2, **ASK)
    waits(one, two)
    assert not old.events("connected")
    assert not one.connected_peers()
