"""`peapod secret`: the secret that all devices of a pod have. Needs no daemon,
but for those that begin with a broken one."""

import base64
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
import qr
from harness import BINARY
from terminal import Terminal

WORDS = "correct horse battery staple\n"


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


@pytest.fixture
def short_folder():
    """A folder with a name that is short enough for sockets and lines."""
    made = Path(tempfile.mkdtemp(prefix="pc", dir="/tmp"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


def peapod(state, *words, text="", **how):
    return subprocess.run(
        [BINARY, f"--pod.state-dir={state}", *words], input=text,
        capture_output=True, text=True, timeout=30, **how)


def shown(state) -> str:
    done = peapod(state, "secret", "show")
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_new_secret_is_for_its_owner_only(state):
    done = peapod(state, "secret", "new")
    assert (done.returncode, done.stderr) == (0, "")
    assert (state / "secret").stat().st_mode & 0o777 == 0o600
    text = shown(state)
    assert text not in done.stdout
    assert len(base64.b64decode(text, validate=False)) == 32
    assert "\x1b" not in text


def test_what_root_makes_belongs_to_whom_the_daemon_runs_as(state):
    state.mkdir(mode=0o700)
    os.chown(state, 4711, 4712)
    peapod(state, "secret", "new")
    made = (state / "secret").stat()
    assert (made.st_uid, made.st_gid) == (4711, 4712)
    assert made.st_mode & 0o777 == 0o600


def test_a_secret_makes_way_only_with_force(state):
    peapod(state, "secret", "new")
    before = shown(state)
    done = peapod(state, "secret", "new")
    assert (done.returncode, done.stdout) == (1, "")
    assert "--force" in done.stderr
    assert shown(state) == before
    assert peapod(state, "secret", "new", "--force").returncode == 0
    assert shown(state) != before


def test_a_secret_goes_from_device_to_device(state, tmp_path):
    peapod(state, "secret", "new")
    other = tmp_path / "other"
    done = peapod(other, "secret", "set", text=shown(state))
    assert (done.returncode, done.stderr) == (0, "")
    assert shown(other) == shown(state)


def test_a_passphrase_makes_the_same_secret_everywhere(state, tmp_path):
    for folder, pod in ((state, "home"), (tmp_path / "b", "Home"),
                        (tmp_path / "c", "office")):
        done = peapod(folder, "secret", "set", "--passphrase", "--pod", pod,
                      text=WORDS)
        assert (done.returncode, done.stderr) == (0, "")
    assert shown(state) == shown(tmp_path / "b") != shown(tmp_path / "c")


@pytest.mark.parametrize("words, text, why", [
    (["show"], "", "peapod secret new"), (["set"], "", "nothing was given"),
    (["set"], "hush-hush\n", "44 characters"),
    (["set"], "x" * 5000, "too long"),
    (["set", "--passphrase", "--pod", "home"], "short\n", "12 to 1024")])
def test_what_is_wrong_is_told_in_a_sentence(state, words, text, why):
    done = peapod(state, "secret", *words, text=text)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("peapod: ")
    assert why in done.stderr and "hush-hush" not in done.stderr
    assert not (state / "secret").exists()


@pytest.mark.parametrize("words", [
    [], ["set", "AAAA"], ["set", "--passphrase"], ["set", "--pod", "home"],
    ["get"]])
def test_wrong_usage_ends_with_two(state, words):
    assert peapod(state, "secret", *words).returncode == 2


def test_a_secret_that_others_can_read_is_refused(state):
    peapod(state, "secret", "new")
    (state / "secret").chmod(0o640)
    done = peapod(state, "secret", "show")
    assert done.returncode == 1
    assert "chmod 600" in done.stderr


def test_a_qr_code_is_drawn_on_request(state):
    peapod(state, "secret", "new")
    drawn = peapod(state, "secret", "show", "--qr").stdout
    *code, text, _ = drawn.split("\n")
    assert text + "\n" == shown(state)
    assert len({len(row) for row in code}) == 1 and len(code[0]) >= 29
    assert re.fullmatch("[█▀▄ \n]+", "\n".join(code))
    assert qr.read(code).decode() == text


def test_a_terminal_shows_a_code_and_hides_what_is_typed(state, short_folder):
    terminal = Terminal(short_folder, columns=100, rows=40)
    try:
        peapod(state, "secret", "new")
        text = shown(state).strip()
        here = [BINARY, f"--pod.state-dir={state}", "secret"]
        terminal.run(*here, "show")
        # The light margin around every code.
        assert "█" * 29 in terminal.wait_for(text)
        terminal.run("clear")
        terminal.run(BINARY, f"--pod.state-dir={short_folder}", "secret", "set")
        terminal.wait_for("The pod's secret:")
        terminal.type(text)
        terminal.keys("Enter")
        assert text not in terminal.wait_for("holds the pod's secret")
        assert shown(short_folder) == text + "\n"
    finally:
        terminal.close()


@pytest.mark.parametrize("file, content, words", [
    ("trust.json", "{", "does not say whom this device trusts"),
    ("secret", "x", "holds no pod secret")])
def test_a_daemon_does_not_begin_with_a_broken_file(state, file, content,
                                                    words):
    peapod(state, "secret", "new")
    (state / file).write_text(content)
    done = start_daemon(state, '--trust.mode="secret"')
    assert done.returncode == 1
    assert words in done.stderr
    assert (state / file).read_text() == content


def test_a_daemon_for_those_with_the_secret_has_to_have_it(state):
    done = start_daemon(state, '--trust.mode="secret"')
    assert done.returncode == 1
    assert "peapod secret new" in done.stderr


def start_daemon(state, *options):
    """What a daemon says that cannot start."""
    config = state.parent / "pod.ini"
    config.write_text("[discovery]\nenabled=false\n")
    return peapod(state, "--actor-config", config, "--proxy.listen=127.0.0.1:0",
                  "--transport.listen=127.0.0.1:0",
                  f"--console.socket={state}/s", *options)
