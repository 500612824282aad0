"""What the daemon has given up by itself, and what its units take from it."""

import base64
import hmac
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from harness import BINARY, ROOT
from others import (NOBODY, as_nobody, open_folder,  # noqa: F401
                    pid_of, reachable, serves, start_with_socket)
from pods import NGINX, assert_exact

# -- what the process has given up --------------------------------------------


def thread_states(pid: int, field: str) -> set:
    """What /proc/PID/task/*/status says of a field."""
    found = set()
    for file in Path(f"/proc/{pid}/task").glob("*/status"):
        found |= {line.split()[1] for line in file.read_text().splitlines()
                  if line.startswith(field + ":")}
    return found


def test_every_thread_is_confined(alone):
    daemon = alone.daemon(1)
    assert_exact(alone.get(f"{NGINX}/1000.bin"), "1000.bin", 1000)
    assert thread_states(pid_of(daemon), "Seccomp") == {"2"}
    assert thread_states(pid_of(daemon), "NoNewPrivs") == {"1"}
    assert daemon.status()["daemon"]["confined"] is True
    assert "confined to the system calls" in daemon.output()
    text = subprocess.run([BINARY, "status", "--socket", daemon.socket],
                          capture_output=True, text=True, check=True).stdout
    assert "process: confined by seccomp" in text


def test_the_filter_can_be_left_out(alone):
    daemon = alone.daemon(1, process_seccomp="false")
    assert thread_states(pid_of(daemon), "Seccomp") == {"0"}
    assert daemon.status()["daemon"]["confined"] is False
    assert "[process] seccomp=false" in daemon.output()


# -- privileges ---------------------------------------------------------------

NET_RAW = 1 << 13


def capabilities(pid: int) -> dict:
    """Of all threads together: bits by the names of /proc/PID/status."""
    found = {}
    for field in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        found[field] = 0
        for value in thread_states(pid, field):
            found[field] |= int(value, 16)
    return found


NONE = dict.fromkeys(("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"), 0)


def test_root_gives_up_all_privileges(alone):
    daemon = alone.daemon(1)
    assert capabilities(pid_of(daemon)) == NONE
    helpers = Path(f"/proc/{pid_of(daemon)}/task/{pid_of(daemon)}/children")
    (helper,) = helpers.read_text().split()
    assert capabilities(int(helper)) == NONE
    serves(alone, daemon)


def test_a_bound_interface_leaves_one_privilege(alone):
    daemon = alone.daemon(1, wan_bind='["wan0"]')
    assert capabilities(pid_of(daemon)) == {
        **NONE, "CapPrm": NET_RAW, "CapEff": NET_RAW, "CapBnd": NET_RAW}
    serves(alone, daemon)


@pytest.mark.parametrize("bind, left", [("[]", 0), ('["wan0"]', NET_RAW)])
def test_a_service_gives_up_what_its_unit_lets_it_have(reachable, open_folder,
                                                       bind, left):
    """As config/peapod.service starts it: a user, and one capability."""
    state = open_folder / "state"
    state.mkdir()
    os.chown(state, NOBODY, NOBODY)
    daemon = start_with_socket(
        reachable, state / "control.sock", pod_state_dir=f'"{state}"',
        wan_bind=bind, prefix=(
            "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}",
            "--clear-groups", "--inh-caps=-all,+net_raw",
            "--ambient-caps=-all,+net_raw", "--bounding-set=-all,+net_raw"))
    assert capabilities(pid_of(daemon)) == {
        **NONE, "CapPrm": left, "CapEff": left, "CapBnd": NET_RAW}
    serves(reachable, daemon)


def test_root_still_uses_the_folder_of_another_user(alone):
    state = alone.folder / "theirs"
    state.mkdir(0o700)
    os.chown(state, NOBODY, NOBODY)
    daemon = alone.daemon(1, pod_state_dir=f'"{state}"')
    daemon.terminate()
    assert (state / "usage.json").stat().st_uid == NOBODY
    daemon.start()
    serves(alone, daemon)


def test_root_is_told_that_it_is_not_needed(alone):
    assert "runs as root, which it does not need" in alone.daemon(1).output()


def test_others_of_the_same_user_cannot_look_into_it(reachable, open_folder):
    state = open_folder / "state"
    state.mkdir()
    os.chown(state, NOBODY, NOBODY)
    daemon = start_with_socket(
        reachable, state / "control.sock", pod_state_dir=f'"{state}"',
        prefix=tuple(as_nobody()))
    pid = pid_of(daemon)
    assert "runs as root" not in daemon.output()
    assert thread_states(pid, "Uid") == {str(NOBODY)}
    assert Path(f"/proc/{pid}/environ").stat().st_uid == 0
    for file in ("environ", "mem", "maps"):
        looked = subprocess.run(as_nobody("head", "-c1", f"/proc/{pid}/{file}"),
                                capture_output=True, text=True)
        assert looked.returncode == 1 and "ermission denied" in looked.stderr
    limits = Path(f"/proc/{pid}/limits").read_text()
    core = next(x for x in limits.splitlines() if "core file" in x)
    assert core.split()[4:6] == ["0", "0"]
    serves(reachable, daemon)


def dump(pid: int, file: Path, *commands) -> bytes:
    """The memory of a process, as a core dump has it."""
    words = ["gdb", "--batch", "--nx", "-p", str(pid)]
    for command in (*commands, f"generate-core-file {file}"):
        words += ["-ex", command]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert file.exists(), done.stdout + done.stderr
    core = file.read_bytes()
    file.unlink()
    return core


def psk_of(secret: bytes) -> bytes:
    """What the handshake uses of the pod's secret (PROTOCOL, The pod secret)."""
    chain = hmac.digest(secret, b"peapod/2 psk", "sha256")
    return hmac.digest(chain, b"\x01", "sha256")


def test_a_core_dump_has_no_key(alone, tmp_path):
    """Root can take one, whatever the process has given up. The middle of the
    key is searched for: X25519 changes its ends."""
    first = alone.daemon(1, trust_mode='"secret"', ready=False)
    first.process.wait(timeout=10)  # there is no secret yet
    state = first.folder / f"{first.name}-state"
    subprocess.run([BINARY, f"--pod.state-dir={state}", "secret", "new"],
                   check=True, capture_output=True)
    second = alone.daemon(2, trust_mode='"secret"', ready=False)
    second.process.wait(timeout=10)
    shutil.copy(state / "secret",
                second.folder / f"{second.name}-state/secret")
    second.start()
    first.start()
    first.wait_for_peers(1, 10)
    pid = pid_of(first)
    key = (state / "identity.key").read_bytes()
    assert len(key) == 32
    secret = base64.b64decode((state / "secret").read_text())
    psk = psk_of(secret)
    core = dump(pid, tmp_path / "core")
    # It is a dump of this process: its id is in it, its keys are not.
    assert first.status()["daemon"]["id"].encode() in core
    assert key[1:31] not in core and psk not in core
    # The search finds them where the kernel's flag is not respected, and only
    # what the daemon has no use for any more is nowhere.
    everything = dump(pid, tmp_path / "core", "set dump-excluded-mappings on")
    assert key[1:31] in everything and psk in everything
    assert secret not in everything
    assert first.is_running


# -- units --------------------------------------------------------------------

UNITS = {"config/peapod.service": 20, "config/user/peapod.service": 65}


@pytest.mark.parametrize("unit, most", UNITS.items())
def test_a_unit_is_shut_off(unit, most):
    """`most` is in tenths, as systemd-analyze takes it."""
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--no-pager",
         f"--threshold={most}", ROOT / unit], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "exposure level" in done.stdout


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_is_well_formed(unit, tmp_path):
    text = (ROOT / unit).read_text().replace("/usr/bin/peapod", str(BINARY))
    file = tmp_path / "peapod.service"
    file.write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no",
         file], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_group_is_declared(tmp_path):
    (tmp_path / "etc").mkdir()
    done = subprocess.run(
        ["systemd-sysusers", f"--root={tmp_path}",
         ROOT / "config/sysusers.d/peapod.conf"],
        capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    groups = (tmp_path / "etc/group").read_text()
    assert any(x.startswith("peapod:") for x in groups.splitlines())
