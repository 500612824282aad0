"""The console and the commands on a real pod: what docs/CONSOLE.md promises
a newcomer."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from harness import BINARY, wait_until
from pods import assert_exact
from terminal import Terminal

SIZE = 100_000_000


@pytest.fixture
def console(pod):
    """The console of host 1 at 120x40."""
    folder = Path(tempfile.mkdtemp(prefix="pc", dir="/tmp"))
    terminal = Terminal(folder, columns=120, rows=40)
    terminal.run(BINARY, "console", "--socket", pod[1].socket)
    terminal.wait_for("● connected")
    yield terminal
    terminal.close()
    shutil.rmtree(folder, ignore_errors=True)


def ask(pod, *words) -> dict:
    done = subprocess.run([BINARY, *words, "--json", "--socket",
                           pod[1].socket], capture_output=True, text=True,
                          timeout=10)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def session_with(pod, name: str) -> dict:
    return next(a for a in ask(pod, "actors")["actors"]
                if a["name"] == "peer_session" and a["about"] == name)


def test_a_session_killed_in_mid_download_costs_no_byte(pod, console):
    console.wait_for("pod of 3")
    session = session_with(pod, "host2")
    got = pod.start(pod.nginx_file(SIZE))
    got.wait_for_size(8_000_000)
    console.wait_for("proxy_connection")
    console.keys("/")
    console.type("host2")
    console.wait_until_gone("discovery_listener")
    console.keys("Enter", "End", "k")
    console.wait_for(f"Kill peer_session {session['id']} (host2)? y/n")
    console.keys("y")
    console.wait_for(f"killed {session['id']}")
    console.keys("6")
    for kind in ("crashed", "peer_down", "lease_lost", "lease_moved",
                 "peer_up"):
        console.wait_for(kind, 15)
    assert_exact(got.wait(), f"{SIZE}.bin", SIZE)
    console.keys("3", "Enter")
    shown = console.wait_for("STATE AT THE CRASH")
    assert f"peer_session {session['id']} (host2) crashed at" in shown
    console.keys("5")
    console.wait_for(f"{SIZE}.bin")
    shown = console.wait_for("A this device")
    # What the screen shows may be older than the end of the download.
    marks = [set(line.strip()) - {"·"} for line in shown.splitlines()]
    assert set("ABC") in marks, shown


def test_actors_of_a_download_come_and_go(pod, console):
    console.wait_for("discovery_listener")
    console.wait_until_gone("proxy_connection")
    got = pod.start(pod.nginx_file(SIZE))
    console.wait_for("└ transfer ")
    names = {a["name"] for a in ask(pod, "actors")["actors"]}
    assert {"transfer", "proxy_connection", "peer_session"} <= names
    assert_exact(got.wait(), f"{SIZE}.bin", SIZE)
    console.wait_until_gone("└ transfer ")


def test_a_restarted_daemon_is_noticed_by_the_console(pod, console):
    pod[1].kill()
    console.wait_for("no answer")
    pod[1].start()
    console.wait_for("the daemon has been restarted")
    console.wait_for("● connected")


def test_a_dead_actor_and_one_that_never_was(pod):
    session = session_with(pod, "host3")["id"]
    assert ask(pod, "kill", str(session)) == {"killed": session}
    for number, words in ((session, "ended"), (987654321, "no actor")):
        done = subprocess.run([BINARY, "actor", str(number), "--socket",
                               pod[1].socket], capture_output=True, text=True)
        assert done.returncode == 1
        assert words in done.stderr
    wait_until(lambda: len(pod[1].connected_peers()) == 2, 15, "host3 is back")
