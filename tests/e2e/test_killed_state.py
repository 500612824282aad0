"""What is left on the disk when a process is killed: what it has answered
for, never half of something, and nothing that lies about for ever."""

import json
import subprocess

from harness import BINARY
from pods import wait_until

ASK = {"trust_mode": '"ask"'}


def peapod(daemon, *words):
    return subprocess.run([BINARY, *words, "--socket", daemon.socket],
                          capture_output=True, text=True, timeout=20)


def peer(daemon, device: str) -> dict:
    done = peapod(daemon, "peers", "--json")
    return next((p for p in json.loads(done.stdout)["peers"]
                 if p["id"] == device), {})


def state_of(daemon):
    return daemon.folder / f"{daemon.name}-state"


def orphans(folder) -> list:
    return [x.name for x in folder.iterdir() if ".new." in x.name]


def test_trust_that_was_answered_for_outlives_a_kill(alone):
    one, two = (alone.daemon(host, **ASK) for host in (1, 2))
    device = two.status()["device"]["id"]

    def seen(*states):
        return wait_until(lambda: peer(one, device).get("state") in states,
                          10, f"it is {states}")

    for _ in range(3):
        seen("waiting")
        assert peapod(one, "trust", device).returncode == 0
        one.kill()
        one.start()
        # Two has not said yes: one waits for it, but shows no stranger.
        wait_until(lambda: peer(one, device).get("trust") == "trusted", 10,
                   "it is still trusted")
        assert peapod(one, "untrust", device).returncode == 0
        one.kill()
        one.start()
        seen("waiting")
        assert peer(one, device)["trust"] != "trusted"
    assert not orphans(state_of(one))


def secret(state, *words, text=""):
    return subprocess.run([BINARY, f"--pod.state-dir={state}", "secret",
                           *words], input=text, capture_output=True, text=True,
                          timeout=30)


def killed_at(call: str, state, *words) -> None:
    """`peapod secret WORDS`, killed where it begins a system call."""
    done = subprocess.run(
        ["gdb", "--batch", "--nx", "-ex", f"catch syscall {call}", "-ex", "run",
         "-ex", "kill", "--args", BINARY, f"--pod.state-dir={state}", "secret",
         *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=60)
    assert f"{call})" in done.stdout, done.stdout + done.stderr


def test_a_secret_is_the_old_one_until_it_is_the_new_one(alone):
    daemon = alone.daemon(1)
    state = state_of(daemon)
    assert secret(state, "new").returncode == 0
    old = (state / "secret").read_bytes()
    killed_at("rename", state, "new", "--force")
    (left,) = orphans(state)
    assert left.startswith("secret.new.")
    assert (state / left).read_bytes() not in (b"", old)
    assert (state / "secret").read_bytes() == old

    # It goes when the daemon starts, and nothing else does.
    kept = [state / "secret.new.x", state / f"x.new.{daemon.process.pid}0x"]
    for each in kept:
        each.touch()
    running = state / "secret.new.1"
    running.touch()
    daemon.kill()
    daemon.start()
    assert set(orphans(state)) == {x.name for x in (*kept, running)}
    assert (state / "secret").read_bytes() == old
    assert secret(state, "new", "--force").returncode == 0
    assert (state / "secret").read_bytes() != old


def test_half_a_secret_beside_its_own_file_goes_too(alone):
    folder = alone.folder / "elsewhere"
    folder.mkdir()
    ended = subprocess.Popen(["true"])
    ended.wait()
    mine = folder / f"pod-secret.new.{ended.pid}"
    other = folder / f"letters.new.{ended.pid}"
    for each in (mine, other):
        each.write_text("half")
    alone.daemon(1, **{"trust_secret-file": f'"{folder / "pod-secret"}"'})
    assert orphans(folder) == [other.name]
