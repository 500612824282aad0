"""Starting and stopping a daemon, and telling a user what is wrong."""

import json
import stat
import subprocess
import time

import pytest
from harness import BINARY
from pods import NGINX


def start_with(tmp_path, text: str):
    """Runs a daemon with this configuration until it ends."""
    config = tmp_path / "pod.ini"
    config.write_text(text)
    done = subprocess.run([BINARY, "--actor-config", config],
                          capture_output=True, text=True, timeout=10)
    return done, str(config)


@pytest.mark.parametrize("text, line, key", [
    ('[proxy]\nlisten="nowhere"\n', 2, "proxy.listen"),
    ('[pool]\nmin-size="many"\n', 2, "pool.min-size"),
    ('[pod]\nname="a"\n[discovery]\nport=70000\n', 4, "discovery.port"),
    ('[share]\n\nenabled="perhaps"\n', 3, "share.enabled"),
    ('[share]\nallow-private=["10.0.0.0/99"]\n', 2, "share.allow-private"),
    ("[proxy]\nlisen=1\n", 2, "proxy.lisen"),
    ("[nothing]\nkey=1\n", 2, "nothing.key"),
])
def test_a_bad_line_is_named_and_ends_with_two(lab, tmp_path, text, line,
                                               key):
    done, config = start_with(tmp_path, text)
    assert done.returncode == 2
    assert f"{config}:{line}: {key}:" in done.stderr


def test_a_file_that_is_not_ini_is_named_with_its_line(lab, tmp_path):
    done, config = start_with(tmp_path, "[pod]\nname = = \n")
    assert done.returncode == 2
    assert f"{config}:2:" in done.stderr


def test_a_missing_file_is_named(lab, tmp_path):
    done = subprocess.run(
        [BINARY, "--actor-config", tmp_path / "none.ini"],
        capture_output=True, text=True, timeout=10)
    assert done.returncode == 2
    assert "none.ini" in done.stderr


def test_an_unknown_option_is_refused(lab):
    done = subprocess.run([BINARY, "--frobnicate"],
                          capture_output=True, text=True, timeout=10)
    assert done.returncode != 0
    assert "frobnicate" in done.stderr + done.stdout


def test_help_and_version_succeed(lab):
    for option in ("--help", "--version"):
        done = subprocess.run([BINARY, option], capture_output=True,
                              text=True, timeout=10)
        assert (done.returncode, bool(done.stdout)) == (0, True)


def test_a_taken_proxy_port_is_named(alone):
    alone.daemon(1)
    second = alone.daemon(1, ready=False)
    assert second.process.wait(timeout=10) not in (0, None)
    assert "3128" in second.output()


def test_status_without_a_daemon_says_so(lab, tmp_path):
    done = subprocess.run(
        [BINARY, "status", "--json", "--socket", tmp_path / "none.sock"],
        capture_output=True, text=True, timeout=10)
    assert done.returncode != 0
    assert "none.sock" in done.stderr + done.stdout


def test_sigterm_ends_with_zero_within_five_seconds(alone):
    daemon = alone.daemon(1)
    since = time.monotonic()
    assert daemon.terminate(5) == 0
    assert time.monotonic() - since < 5
    assert not daemon.socket.exists()


def test_sigterm_in_the_middle_of_a_download_ends_with_zero(alone):
    daemon = alone.daemon(1)
    other = alone.daemon(2)
    daemon.wait_for_peers(1)
    got = alone.start(f"{NGINX}/20000000.bin")
    got.wait_for_size(2_000_000)
    assert daemon.terminate(5) == 0
    assert got.wait().code != 0 or got.size == 20_000_000
    other.wait_for_peers(0, 3)


def test_secrets_and_the_socket_are_for_the_owner_only(alone):
    daemon = alone.daemon(1)
    secrets = [p for p in (daemon.folder / f"{daemon.name}-state").rglob("*")
               if p.is_file()]
    assert secrets
    for path in [daemon.socket, *secrets]:
        assert not path.stat().st_mode & (stat.S_IRWXO | stat.S_IWGRP), path


def test_an_identity_survives_a_restart(alone):
    daemon = alone.daemon(1)
    before = daemon.status()["device"]
    daemon.terminate()
    assert daemon.start().status()["device"] == before


def test_a_daemon_starts_after_it_was_killed(alone):
    daemon = alone.daemon(1)
    daemon.kill()
    assert daemon.socket.exists()
    assert daemon.start().status()["pod_size"] == 1


def test_a_handler_that_does_not_return_ends_the_daemon(alone):
    daemon = alone.daemon(1, debug_fault_injection="true",
                          debug_hang_limit="2s")
    actors = json.loads(run(daemon, "actors", "--json"))["actors"]
    roster = next(a["id"] for a in actors if a["name"] == "roster")
    run(daemon, "fault", str(roster), "hang", "--delay", "60s")
    assert daemon.process.wait(timeout=15) == 70
    assert "giving up: roster hangs" in daemon.output() or (
        "giving up: the thread of the sockets hangs" in daemon.output())


def run(daemon, *words) -> str:
    return subprocess.run([BINARY, *words, "--socket", daemon.socket],
                          capture_output=True, text=True, check=True,
                          timeout=10).stdout
