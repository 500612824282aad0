"""Daemons that other users of this machine can get at, and those users."""

import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from harness import BINARY, wait_until
from pods import NGINX, Starter, assert_exact

NOBODY = 65534
GROUP = "users"


def as_nobody(*words, groups=()) -> list:
    """The command, run by a user who is nobody here."""
    extra = (f"--groups={','.join(map(str, groups))}" if groups
             else "--clear-groups")
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", extra,
            *map(str, words)]


@pytest.fixture
def open_folder():
    """A folder that other users may enter, with the program in it."""
    made = Path(tempfile.mkdtemp(prefix="pm", dir="/tmp"))
    made.chmod(0o755)
    shutil.copy(BINARY, made / "peapod")
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def reachable(lab, folder, open_folder):
    """Daemons whose files lie where other users get."""
    starter = Starter(lab, open_folder)
    yield starter
    starter.stop()


def start_with_socket(starter, path: Path, **settings):
    """A daemon whose control socket is at `path`."""
    daemon = starter.daemon(1, ready=False, console_socket=f'"{path}"',
                            **settings)
    daemon.socket = path
    wait_until(daemon._is_ready, 15, "the daemon answers")
    return daemon


def peapod_status(path, folder, **who) -> subprocess.CompletedProcess:
    """`peapod status`, asked by nobody."""
    return subprocess.run(
        as_nobody(folder / "peapod", "status", "--socket", path, **who),
        capture_output=True, text=True, timeout=20)


def pid_of(daemon) -> int:
    return daemon.status()["daemon"]["pid"]


def serves(starter, daemon) -> None:
    """The daemon is alive and does its work."""
    assert daemon.is_running
    assert daemon.status()["pod_size"] == 1
    assert_exact(starter.get(f"{NGINX}/1000.bin"), "1000.bin", 1000)
