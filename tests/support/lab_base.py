"""What the modules of the lab share: addresses, names, running commands."""

import os
import shutil
import subprocess
from pathlib import Path

NGINX_ADDRESS = "10.77.99.1"
NGINX_ADDRESS_6 = "fd77:99::1"
HOSTILE_ADDRESS = "10.77.98.1"
SHOP_ADDRESS = "10.77.97.1"
NAMES = {
    "origin.test": NGINX_ADDRESS,
    "www.origin.test": NGINX_ADDRESS,
    "hostile.test": HOSTILE_ADDRESS,
    "www.shop.test": SHOP_ADDRESS,
    "login.shop.test": SHOP_ADDRESS,
    # Sites of their own, of different owners.
    **{f"www.site{i}.test": NGINX_ADDRESS for i in range(1, 13)},
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


def existing_namespaces() -> set:
    """Names of all network namespaces of the machine."""
    lines = run("ip", "netns", "list").stdout.splitlines()
    return {line.split()[0] for line in lines if line.strip()}


def why_impossible():
    """A sentence that says why no lab can be built here, or None."""
    for tool in ("ip", "tc", "nginx", "openssl"):
        if not shutil.which(tool, path=tool_path()):
            return f"{tool} is not installed; tools/setup --test installs it"
    if os.geteuid() != 0:
        return "network namespaces need root: run this through sudo"
    probe = f"pptry{os.getpid()}"
    done = run("ip", "netns", "add", probe, check=False)
    if done.returncode != 0:
        return (
            "network namespaces are not permitted on this machine "
            f"(ip netns add: {done.stderr.strip()}); in a container, run it "
            "with --privileged"
        )
    run("ip", "netns", "del", probe)
    return None


def tool_path() -> str:
    """PATH with the folders of administrators' tools."""
    return os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


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
