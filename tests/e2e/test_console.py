"""`peapod console` in a terminal: what it shows, what keys do, and that it
leaves the terminal as it was. The daemon behind it is made up, so that the
same question has the same answer; `test_console_pod.py` has a real one."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest
from fake_control import fake_control
from fake_pod import FakePod
from harness import BINARY, wait_until
from terminal import Terminal


@pytest.fixture
def place():
    """A folder with a name that is short enough for sockets."""
    made = Path(tempfile.mkdtemp(prefix="pc", dir="/tmp"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def fake(place):
    with fake_control(place / "s", FakePod(fault_injection=True)) as made:
        yield made


@pytest.fixture
def open_terminal(place):
    opened = []

    def open_one(**how) -> Terminal:
        opened.append(Terminal(place, **how))
        return opened[-1]

    yield open_one
    for terminal in opened:
        terminal.close()


@pytest.fixture
def console(fake, open_terminal):
    """The console at 80x24, connected to the fake."""
    return start(open_terminal(), fake)


def start(terminal, fake, *options, **how):
    terminal.run(BINARY, "console", "--socket", fake.path, *options, **how)
    terminal.wait_for("connected")
    return terminal


def changes(fake) -> list:
    """What the console has asked for besides looking."""
    return [r for r in fake.requests if r.startswith("POST")]


# -- what is shown ------------------------------------------------------------


def test_the_tree_of_actors_fits_80x24(console):
    for text in ("kitchen 5a1f09c2", "pod of 3", "18 actors", "0 crashes",
                 "up 1h02m", "│├", "peer_session", "living-room", "q quit",
                 "discovery_listener"):
        shown = console.wait_for(text)
    lines = shown.rstrip("\n").split("\n")
    assert len(lines) == 24
    assert all(len(line) <= 80 for line in lines)


@pytest.mark.parametrize("key, text", [
    ("2", "No actor is open"), ("3", "No actor has crashed"),
    ("4", "38.0 Mbit/s"), ("5", "AAAA"), ("6", "transfer_opened"),
    ("1", "root_supervisor")])
def test_a_number_opens_a_page(console, key, text):
    console.keys("?")
    console.wait_for("this help; quit")
    console.keys("x", key)
    console.wait_for(text)


def test_tab_goes_round_the_pages(console):
    for text in ("No actor is open", "No actor has crashed", "protocol 1",
                 "debian-12.iso", "following", "root_supervisor"):
        console.keys("Tab")
        console.wait_for(text)


def test_the_screen_follows_a_resize(console):
    console.resize(120, 40)
    console.wait_for("SUMMARY")
    shown = console.wait_for("3 sources, 9 leases")
    assert any(len(line) > 100 for line in shown.split("\n"))
    console.resize(62, 16)
    console.wait_until_gone("SUMMARY")
    assert all(len(line) <= 62 for line in console.lines())
    console.resize(40, 10)
    console.wait_for("60x15")
    console.resize(80, 24)
    console.wait_for("discovery_listener")


def test_sorting_folding_and_filtering(console):
    console.keys("/")
    console.type("phone")
    console.wait_until_gone("scheduler")
    console.keys("Enter", "Escape")
    console.wait_for("scheduler")
    console.keys("s")
    console.wait_for("↑NAME")
    console.keys("t")
    console.wait_for("t tree")
    console.keys("t", "Home", " ")
    console.wait_for("root_supervisor +17")


def test_an_actor_is_opened_with_its_live_messages(console, fake):
    console.keys("/")
    console.type("scheduler")
    console.keys("Enter", "End", "Enter")
    console.wait_for("262144-524287")
    console.wait_for("live")
    with fake.lock:
        fake.pod._message(fake.pod.by_name("scheduler"), "quite_new")
    console.wait_for("quite_new")
    console.keys("Escape")
    console.wait_for("MBOX")


def test_names_of_others_cannot_touch_the_terminal(fake, open_terminal):
    fake.pod.by_name("scheduler").about = "\x1b]0;owned\x07\x1b[2J\x9b5A\u202e"
    fake.pod.name = "居間\x1b[31m"
    console = start(open_terminal(columns=130), fake)
    console.wait_for("?]0;owned??[2J?5A?")
    console.wait_for("居間?[31m")
    console.wait_for("root_supervisor")


def test_ascii_is_enough(fake, open_terminal):
    fake.pod.name = "küche"
    console = start(open_terminal(LC_ALL="C"), fake)
    console.wait_for("k?che")
    shown = console.wait_for("`discovery_listener")
    console.keys("5")
    console.wait_for("####")
    console.keys("4")
    shown += console.wait_for("protocol 1")
    assert shown.isascii()


def test_colours_can_be_refused(fake, open_terminal):
    def colours(**how):
        console = start(open_terminal(**how), fake)
        console.keys("5")
        console.wait_for("AAAA")
        codes = console.text(colours=True)
        console.close()
        return "\x1b[36m" in codes or "\x1b[7;36m" in codes or "36m" in codes
    assert colours()
    assert not colours(NO_COLOR="1")


# -- keys that change something -----------------------------------------------


def choose(console, text: str) -> None:
    console.keys("/")
    console.type(text)
    console.wait_until_gone("discovery_listener")
    console.keys("Enter", "End")


def test_a_kill_is_confirmed_seen_and_reported(console, fake):
    choose(console, "living-room")
    console.keys("k")
    console.wait_for("Kill peer_session 15 (living-room)? y/n")
    console.keys("n")
    console.wait_until_gone("y/n")
    assert changes(fake) == []
    console.keys("k")
    console.wait_for("y/n")
    console.keys("y")
    console.wait_for("killed 15")
    assert changes(fake) == ["POST /v1/actors/15/kill"]
    console.keys("6")
    shown = console.wait_for("lease_moved")
    kinds = [line.split()[1] for line in shown.split("\n")
             if line[2:3] == ":"]
    assert kinds[-4:] == ["crashed", "peer_down", "lease_lost", "lease_moved"]
    console.keys("3")
    console.wait_for("1 crash ")
    console.keys("Enter")
    console.wait_for("STATE AT THE CRASH")
    console.wait_for("killed from the console")


def test_a_restart_and_its_refusal(console, fake):
    choose(console, "scheduler")
    console.keys("r", "y")
    console.wait_for("restarted 2 as 19")
    console.keys("Escape")
    choose(console, "phone")
    console.keys("r", "y")
    console.wait_for("nobody would start it anew")


def test_a_fault_is_put_together(console, fake):
    choose(console, "scheduler")
    console.keys("f")
    console.wait_for("d drop")
    console.keys("d")
    console.wait_for("of how many messages one? 1")
    console.keys("BSpace", "3", "Enter")
    console.wait_for("how often in all? 1")
    console.keys("Enter")
    console.wait_for("will be disturbed")
    console.keys("Enter")
    console.wait_for("disturbed: drop on every 3 message")


def test_the_pod_can_be_seen_but_not_touched(fake, open_terminal):
    console = start(open_terminal(rows=50), fake, "--pod")
    console.wait_for("it does not show its actors")
    console.wait_for_times("root_supervisor", 2)
    console.keys("Down", "Down", "k")
    console.wait_for("can only be looked at")
    assert changes(fake) == []


# -- daemons that fail --------------------------------------------------------


def test_a_restarted_daemon_is_noticed(console, fake):
    fake.stop()
    console.wait_for("no daemon at")
    console.wait_for("no answer")
    fake.restart(FakePod(pid=4712))
    console.wait_for("the daemon has been restarted (process 4711, now 4712)")
    console.wait_for("● connected")
    console.keys("6")
    console.wait_for_times("transfer_opened", 2)


def test_a_stuck_daemon_does_not_freeze_the_keys(console, fake):
    fake.freeze()
    for key, text in (("4", "protocol 1"), ("1", "root_supervisor"),
                      ("?", "this help; quit")):
        console.keys(key)
        console.wait_for(text, seconds=2)
    console.wait_for("no answer")
    fake.thaw()
    console.wait_for("● connected")


def test_one_can_quit_while_the_daemon_is_stuck(console, fake):
    fake.freeze()
    console.wait_for("no answer")
    console.keys("q")
    assert console.wait_for_end(2) == 0


def test_it_waits_for_a_daemon_that_is_not_there_yet(place, open_terminal):
    terminal = open_terminal()
    terminal.run(BINARY, "console", "--socket", place / "s")
    terminal.wait_for("no daemon at")
    with fake_control(place / "s"):
        terminal.wait_for("● connected")


def test_a_pause_keeps_the_picture(console, fake):
    console.keys("p")
    console.wait_for("paused")
    with fake.lock:
        fake.pod.change(15, "kill", {})
    wait_for_rounds(fake)
    assert "0 crashes" in console.text()
    console.keys("p")
    console.wait_for("1 crash ")


def wait_for_rounds(fake, count=2):
    asked = len([r for r in fake.requests if r == "GET /v1/actors"])
    wait_until(lambda: len([r for r in fake.requests
                            if r == "GET /v1/actors"]) >= asked + count,
               what="further questions")


# -- the terminal -------------------------------------------------------------


@pytest.mark.parametrize("how", ["q", "C-c", signal.SIGTERM, signal.SIGHUP,
                                 signal.SIGQUIT])
def test_every_end_restores_the_terminal(fake, open_terminal, how):
    terminal = open_terminal()
    terminal.run("stty", "-g")
    terminal.wait_for_end()
    before = terminal.lines()[1]
    # A shell ends the whole line at Ctrl-C unless it has a trap.
    start(terminal, fake, before="clear; trap : INT;")
    if isinstance(how, str):
        terminal.keys(how)
    else:
        os.kill(terminal.pid_of("peapod"), how)
    code = terminal.wait_for_end()
    names = {"q": 0, "C-c": 128 + signal.SIGINT}
    assert code == (names[how] if how in names else 128 + how)
    terminal.wait_until_gone("root_supervisor")
    terminal.run("stty", "-g")
    terminal.wait_for(before)


def test_a_terminal_that_is_too_small_is_refused(fake, open_terminal):
    terminal = open_terminal(columns=59, rows=24)
    terminal.run(BINARY, "console", "--socket", fake.path)
    assert terminal.wait_for_end() == 1
    assert "60x15" in terminal.text().replace("\n", "")


def test_an_unknown_terminal_is_refused(fake, open_terminal):
    terminal = open_terminal()
    for name in ("nonsense", "dumb"):
        terminal.run(BINARY, "console", "--socket", fake.path,
                     before=f"clear; TERM={name}")
        assert terminal.wait_for_end() == 1
        terminal.wait_for(f"'{name}' is not known here")


def test_without_a_terminal_once_is_suggested(fake):
    done = subprocess.run([BINARY, "console", "--socket", fake.path],
                          stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=10)
    assert done.returncode == 1
    assert "--once" in done.stderr
    assert done.stdout == ""


# -- once ---------------------------------------------------------------------


def once(fake, *options):
    return subprocess.run(
        [BINARY, "console", "--once", "--socket", fake.path, *options],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10)


def test_once_prints_the_overview(fake):
    fake.pod.change(15, "kill", {})
    done = once(fake)
    assert (done.returncode, done.stderr) == (0, "")
    for text in ("kitchen", "pod of 2", "└ discovery_listener", "phone",
                 "debian-12.iso", "killed from the console"):
        assert text in done.stdout
    assert "\x1b" not in done.stdout


def test_once_as_json_is_one_object(fake):
    done = once(fake, "--json")
    answer = json.loads(done.stdout)
    assert answer["status"]["device"]["name"] == "kitchen"
    assert answer["tree"]["name"] == "root_supervisor"
    assert answer["crashes"] == []


def test_once_shows_the_whole_pod(fake):
    done = once(fake, "--pod")
    assert "living-room" in done.stdout
    assert "it does not show its actors" in done.stdout
    assert len(json.loads(once(fake, "--pod", "--json").stdout)["members"]) == 3


def test_once_without_a_daemon_fails(fake):
    fake.stop()
    done = once(fake)
    assert done.returncode == 1
    assert "no daemon at" in done.stderr


def test_json_needs_once(fake):
    done = subprocess.run([BINARY, "console", "--json"], capture_output=True,
                          text=True, timeout=10)
    assert done.returncode == 2
