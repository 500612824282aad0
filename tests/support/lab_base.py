"""What the modules of the lab share: addresses, names, running commands."""

import os
import subprocess
from pathlib import Path

NGINX_ADDRESS = "10.77.99.1"
NGINX_ADDRESS_6 = "fd77:99::1"
HOSTILE_ADDRESS = "10.77.98.1"
NAMES = {
    "origin.test": NGINX_ADDRESS,
    "www.origin.test": NGINX_ADDRESS,
    "hostile.test": HOSTILE_ADDRESS,
}
DEFAULT_RATE = 40.0


class LabError(Exception):
    """A sentence that a user of the lab can act on."""


def run(*words, check=True) -> subprocess.CompletedProcess:
    """Runs a command and gives its output; a failure is a LabError."""
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True
    )
    if check and done.returncode != 0:
        said = done.stderr.strip() or done.stdout.strip()
        raise LabError(f"{' '.join(map(str, words))}: {said}")
    return done


def send_signal(pid: int, how) -> None:
    """Signals a process that may be gone already."""
    try:
        os.kill(pid, how)
    except ProcessLookupError:
        pass


def is_running(pid: int) -> bool:
    """Whether a process lives; one that only waits to be reaped does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
