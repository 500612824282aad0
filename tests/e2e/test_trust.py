"""Who gets into a pod: devices that people let in, those that know the secret,
everybody; and how they get out of it again."""

import contextlib
import json
import os
import pty
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
    """A person compares the words and types what `peapod peers` says."""
    command = typed(daemon, other)
    assert command == waits(other, daemon)
    done = peapod(daemon, "trust", other.name, *command)
    assert done.returncode == 0, done.stderr
    assert "by the words " + " ".join(command) in done.stdout


def typed(daemon, other) -> list:
    """The words of the command that `peapod peers` prints."""
    begin = f"type: peapod trust {other.name} "
    lines = peapod(daemon, "peers").stdout.splitlines()
    line = next((x for x in lines if begin in x), None)
    return line.partition(begin)[2].split() if line else waits(daemon, other)


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


def on_a_terminal(daemon, *words, answer: str):
    """A command whose questions are answered on a terminal of its own."""
    near, far = pty.openpty()
    done = subprocess.Popen([BINARY, *words, "--socket", daemon.socket],
                            stdin=far, stdout=far, stderr=far)
    os.close(far)
    os.write(near, answer.encode() + b"\n")
    code, said = done.wait(timeout=20), b""
    with contextlib.suppress(OSError):
        while more := os.read(near, 4096):
            said += more
    os.close(near)
    return code, said.decode(errors="replace")


def test_a_name_alone_lets_nobody_in(alone):
    """Unless a person sits at the terminal and says that the words are the
    same."""
    one, two = (alone.daemon(host, **ASK) for host in (1, 2))
    code = waits(one, two)
    for words in ([], code[:3], code[::-1], ["organ"] * 4):
        done = peapod(one, "trust", two.name, *words)
        assert done.returncode == 1
        assert "peapod peers" in done.stderr
    their_id = two.status()["daemon"]["id"]
    assert peapod(one, "trust", their_id[:8]).returncode == 1
    assert peer(one, two)["trust"] == "waiting"

    done, said = on_a_terminal(one, "trust", two.name, answer="n")
    assert done == 1 and " ".join(code) in said
    assert peer(one, two)["trust"] == "waiting"
    done, said = on_a_terminal(one, "trust", two.name, answer="y")
    assert done == 0 and "is trusted, by the words" in said
    assert peer(one, two)["trust"] == "trusted"
    assert f"trusted by the words {' '.join(code)}" in one.output()

    # By its whole id, words or not; in capitals, too.
    assert peapod(two, "trust", one.status()["daemon"]["id"].upper()
                  ).returncode == 0
    one.wait_for_peers(1, 3)


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
    wait_until(lambda: "pod secrets differ" in peapod(three, "peers").stdout,
               10, "peapod peers says so too")
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
