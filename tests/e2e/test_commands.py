"""The commands that ask a daemon once: text for people, JSON for programs,
exit codes for scripts. The daemon behind them is made up."""

import json
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest
from fake_control import fake_control
from fake_pod import FakePod
from harness import BINARY
from local import LocalDaemon


@pytest.fixture
def fake():
    folder = Path(tempfile.mkdtemp(prefix="pc", dir="/tmp"))
    with fake_control(folder / "s", FakePod()) as made:
        yield made
    shutil.rmtree(folder, ignore_errors=True)


def peapod(fake, *words, **how):
    return subprocess.run([BINARY, *words, "--socket", fake.path],
                          stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=10, **how)


@pytest.mark.parametrize("words, text", [
    (["status"], "kitchen (5a1f"), (["actors"], "wan_fetcher"),
    (["actor", "2"], "1 transfer, 3 sources"), (["tree"], "├ mesh_supervisor"),
    (["crashes"], "no actor has crashed"), (["peers"], "38.0 Mbit/s"),
    (["transfers"], "debian-12.iso"), (["metrics"], "peapod_actors 18"),
    (["kill", "15"], "killed 15"), (["restart", "2"], "restarted 2 as 19"),
    (["trust", "phone"], "is trusted"),
    (["untrust", "phone"], "lets everybody in")])
def test_a_command_prints_text(fake, words, text):
    done = peapod(fake, *words)
    assert (done.returncode, done.stderr) == (0, "")
    assert text in done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize("words, member", [
    (["status"], "pod_size"), (["actors"], "actors"), (["actor", "2"], "data"),
    (["tree"], "tree"), (["crashes"], "total"), (["peers"], "peers"),
    (["transfers"], "transfers"), (["kill", "15"], "killed"),
    (["restart", "2"], "as"), (["trust", "phone"], "peer")])
def test_json_is_the_answer_as_it_is(fake, words, member):
    done = peapod(fake, *words, "--json")
    assert done.returncode == 0
    assert member in json.loads(done.stdout)


def test_actors_are_sorted_and_filtered(fake):
    fake.pod.by_name("roster").load = 0.5
    done = peapod(fake, "actors", "--sort", "load")
    assert "roster" in done.stdout.split("\n")[1]
    done = peapod(fake, "actors", "--filter", "PEER_s")
    assert len(done.stdout.split("\n")) == 4
    done = peapod(fake, "actors", "--sort", "colour")
    assert done.returncode == 2
    assert "longest" in done.stderr


@pytest.mark.parametrize("words, why", [
    (["kill", "99"], "there is no actor 99"), (["kill", "1"], "cannot be"),
    (["restart", "15"], "nobody would start it anew"),
    (["fault", "2", "drop"], "fault-injection=true"),
    (["trace", "99"], "there is no actor 99"),
    (["trust", "my tablet"], 'no device called "my tablet"')])
def test_a_refusal_is_the_sentence_of_the_daemon(fake, words, why):
    done = peapod(fake, *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("peapod: ")
    assert why in done.stderr


def test_a_dead_actor_is_told_from_one_that_never_was(fake):
    peapod(fake, "kill", "15")
    done = peapod(fake, "actor", "15")
    assert done.returncode == 1
    assert "has ended" in done.stderr


@pytest.mark.parametrize("words", [
    ["trust"], ["untrust", "a", "b"], ["kill"], ["kill", "x"], ["kill", "-1"], ["fault", "2", "explode"],
    ["fault", "2", "drop", "--every", "0"],
    ["fault", "2", "delay", "--delay", "soon"], ["actors", "surplus"]])
def test_wrong_usage_ends_with_two(fake, words):
    assert peapod(fake, *words).returncode == 2


def test_no_daemon_is_said_by_every_command(fake):
    fake.stop()
    for words in (["actors"], ["tree"], ["events"], ["kill", "1"]):
        done = peapod(fake, *words)
        assert done.returncode == 1
        assert "no daemon at" in done.stderr


def test_a_fault_is_handed_on(fake):
    fake.pod.fault_injection = True
    done = peapod(fake, "fault", "2", "delay", "--every", "3", "--times", "2",
                  "--delay", "250ms")
    assert (done.returncode, done.stderr) == (0, "")
    assert "delay on every 3" in done.stdout
    done = peapod(fake, "fault", "2", "clear")
    assert "not disturbed any more" in done.stdout


def test_events_are_streamed_until_enough(fake):
    done = peapod(fake, "events", "--since", "0", "--count", "3")
    assert done.returncode == 0
    assert [line.split()[1] for line in done.stdout.splitlines()] == [
        "peer_up", "peer_up", "transfer_opened"]
    done = peapod(fake, "events", "--since", "1", "--count", "2", "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [e["seq"] for e in events] == [2, 3]


def follow(fake, *words):
    return subprocess.Popen([BINARY, *words, "--socket", fake.path],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def test_events_that_happen_now_appear_at_once(fake):
    running = follow(fake, "events", "--since", "3", "--count", "1")
    with fake.lock:
        fake.pod.change(15, "kill", {})
    out, _ = running.communicate(timeout=5)
    assert "crashed" in out


def test_a_daemon_that_ends_ends_the_stream(fake):
    running = follow(fake, "events", "--since", "0")
    assert running.stdout.readline()
    fake.stop()
    _, err = running.communicate(timeout=5)
    assert running.returncode == 1
    assert "ended the stream" in err


def test_a_trace_ends_with_its_actor(fake):
    running = follow(fake, "trace", "15", "--json")
    stop = threading.Event()

    def talk():
        while not stop.wait(0.05):
            with fake.lock:
                fake.pod._message(fake.pod.actors[15], "quite_new")
    talker = threading.Thread(target=talk)
    talker.start()
    line = json.loads(running.stdout.readline())
    stop.set()
    talker.join()
    assert line["type"] == "quite_new"
    with fake.lock:
        fake.pod.change(15, "kill", {})
    running.communicate(timeout=5)
    assert running.returncode == 0


def test_a_reader_that_has_enough_is_no_failure(fake):
    for restored in (True, False):
        done = subprocess.run(
            f"{BINARY} actors --socket {fake.path} | head -1", shell=True,
            capture_output=True, text=True, timeout=10,
            restore_signals=restored)
        assert done.stderr == ""
        assert done.stdout.startswith("ID")


def test_proxy_commands_ask_the_daemon_that_is_named(tmp_path):
    with LocalDaemon(tmp_path) as daemon:
        for words, text in ((["env", "--shell", "sh"],
                             f"http_proxy='http://127.0.0.1:{daemon.port}'"),
                            (["status"],
                             f"daemon: http://127.0.0.1:{daemon.port}/")):
            done = subprocess.run(
                [BINARY, "proxy", *words, "--socket", tmp_path / "sock"],
                capture_output=True, text=True, timeout=10)
            assert done.returncode == 0, done.stderr
            assert text in done.stdout
