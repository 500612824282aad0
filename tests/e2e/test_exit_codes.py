"""Every command ends with the codes that docs/CONFIG.md promises: 0, 1 when
something fails, 2 when it is used wrongly; `get` and `put` also with those of
docs/GET.md, most of which test_get.py and test_put.py see. 70 is
test_daemon.py's."""

import json
import re
import subprocess

import pytest
from harness import BINARY, ROOT, hostile_origin
from terminal import Terminal

ASKING = [["status"], ["actors"], ["actor", "1"], ["tree"], ["crashes"],
          ["peers"], ["transfers"], ["metrics"], ["events"], ["trace", "1"],
          ["kill", "1"], ["restart", "1"], ["trust", "a"], ["untrust", "a"],
          ["fault", "1", "drop"], ["console", "--once"]]
OTHERS = [["check-config", "config/pod.ini"], ["id"], ["proxy", "on"],
          ["proxy", "off"], ["proxy", "status"], ["proxy", "env"],
          ["secret", "new"], ["secret", "show"], ["secret", "set"], ["demo"],
          ["doctor"], ["completion", "bash"]]
MOVING = [["get", "https://127.0.0.1:1/x"],
          ["put", "README.md", "https://127.0.0.1:1/x"]]


def run(*words, **how):
    return subprocess.run([BINARY, *words], capture_output=True, text=True,
                          timeout=30, stdin=subprocess.DEVNULL, cwd=ROOT,
                          **how)


@pytest.fixture
def here(tmp_path):
    """Options that lead to a place of the test's own, without a daemon."""
    return [f"--pod.state-dir={tmp_path / 'state'}",
            f"--console.socket={tmp_path / 'sock'}",
            "--proxy.listen=127.0.0.1:1"]


def test_every_command_is_asked_below():
    text = run("--help").stdout.partition("Subcommands:")[2]
    known = {words[0] for words in ASKING + OTHERS + MOVING}
    found = {line.split()[0] for line in text.splitlines()
             if line.startswith("  ") and line[2] != " "}
    assert found == known


@pytest.mark.parametrize("words", ASKING + OTHERS + MOVING, ids=" ".join)
def test_an_option_that_is_none_ends_with_two(words):
    done = run(*words, "--frobnicate")
    assert done.returncode == 2
    assert "--frobnicate" in done.stderr


@pytest.mark.parametrize("words", ASKING + OTHERS + MOVING, ids=" ".join)
def test_help_ends_with_zero(words):
    done = run(*words, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage" in done.stdout


@pytest.mark.parametrize("words", ASKING, ids=" ".join)
def test_without_a_daemon_the_code_is_one(words, here):
    done = run(*words, *here)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("peapod: no daemon at")


@pytest.mark.parametrize("words", [
    ["proxy", "on"], ["proxy", "env"], ["secret", "show"],
    ["secret", "set"], ["id", "--pod.state-dir=/dev/null/x"],
    ["--actor-config", "config/pod.ini", "--log.file=/dev/null/x"]],
    ids=" ".join)
def test_what_fails_at_run_time_ends_with_one(words, here):
    done = run(*here, *words)
    assert done.returncode == 1
    assert done.stderr.startswith("peapod: ")


@pytest.mark.parametrize(
    "words", [x for x in ASKING + OTHERS + MOVING
              if x[0] not in ("demo", "completion", "check-config",
                              "doctor")], ids=" ".join)
def test_a_wrong_configuration_ends_with_two(words):
    done = run(*words, "--proxy.listen=nonsense")
    assert (done.returncode, done.stdout) == (2, "")
    assert "proxy.listen: expected" in done.stderr


@pytest.mark.parametrize("words", [
    ["check-config", "config/pod.ini"], ["id"], ["proxy", "off"],
    ["proxy", "status"], ["proxy", "env", "--unset"], ["secret", "new"],
    ["completion", "fish"]], ids=" ".join)
def test_what_succeeds_ends_with_zero(words, here):
    done = run(*words, *here)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


@pytest.mark.parametrize("words,code", [
    (["get"], 2), (["put", "README.md"], 2),
    (["get", "ftp://127.0.0.1/x"], 2),
    (["put", "README.md", "ftp://127.0.0.1/x"], 2), *[(x, 3) for x in MOVING],
    (["get", "https://127.0.0.1:1/README.md"], 6),
    (["put", "no-such-file", "https://127.0.0.1:1/x"], 6)],
    ids=lambda x: " ".join(x) if isinstance(x, list) else str(x))
def test_moving_files_has_codes_of_its_own(words, code, here):
    done = run(*words, "--direct", *here)
    assert (done.returncode, done.stdout) == (code, "")
    assert "peapod: " in done.stderr


def test_a_download_that_succeeds_ends_with_zero(here, tmp_path):
    with hostile_origin() as port:
        done = run("get", f"http://127.0.0.1:{port}/range/1000/x", "--direct",
                   "-P", str(tmp_path), *here)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "x").stat().st_size == 1000


def test_doctor_ends_with_one_for_a_problem_alone(here):
    done = run("doctor", "--json", "--wait", "100ms", *here)
    said = json.loads(done.stdout)
    assert done.returncode == 1
    assert "no-daemon" in {x["id"] for x in said["findings"]}
    assert not said["ok"]


def codes_in(document: str) -> list:
    text = (ROOT / document).read_text().partition("## Exit codes")[2]
    return re.findall(r"^\| (\d+) \|", text, re.M)


def test_the_documents_name_the_same_codes():
    header = (ROOT / "hosts/common/exit_code.hpp").read_text()
    known = dict(re.findall(r"(exit_\w+) = (\d+)", header))
    assert codes_in("docs/CONFIG.md") == list(known.values())
    header = (ROOT / "hosts/get/get_exit.hpp").read_text()
    used = {known[x] for x in re.findall(r"\w+ = (exit_\w+)", header)}
    assert set(codes_in("docs/GET.md")) == used


# -- colours ------------------------------------------------------------------


@pytest.mark.parametrize("words", [
    ["doctor", "--wait", "100ms"], ["secret", "show"]], ids=" ".join)
def test_colours_can_be_refused(words, here, tmp_path_factory):
    """In a terminal, where there are some otherwise."""
    run("secret", "new", *here)

    def shown(**environment):
        folder = tmp_path_factory.mktemp("t")
        terminal = Terminal(folder, columns=120, rows=60, **environment)
        terminal.run(BINARY, *words, *here)
        terminal.wait_for("ended with")
        text = terminal.text(colours=True)
        terminal.close()
        return re.search(r"\x1b\[[0-9;]*[3-9][0-9]*m", text) is not None
    assert shown()
    assert not shown(NO_COLOR="1")
