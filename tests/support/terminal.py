"""A terminal to drive full-screen programs in: a shell inside tmux."""

import itertools
import os
import shlex
import subprocess
from pathlib import Path

from harness import wait_until

CODE = "ended with "

_numbers = itertools.count(1)


class Terminal:
    """A shell in a terminal of its own; `folder` has to have a short name."""

    def __init__(self, folder: Path, columns=80, rows=24, **environment):
        self.socket = folder / f"tmux{next(_numbers)}"
        self.columns, self.rows = columns, rows
        env = {**os.environ, "LC_ALL": "C.UTF-8", "PS1": "$ ", **environment}
        env.pop("TMUX", None)
        # A program's own size, not that of lines that tmux takes for itself.
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns),
                   "-y", str(rows), "env", *self._settings(env),
                   "/bin/sh", env=env)
        self._tmux("set-option", "-g", "status", "off")
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))
        self.wait_for("$")

    @staticmethod
    def _settings(env: dict) -> list:
        # tmux decides TERM and forgets PS1.
        return [f"{name}={env[name]}" for name in ("PS1", "LC_ALL", "NO_COLOR")
                if name in env]

    def _tmux(self, *words, **more) -> str:
        done = subprocess.run(["tmux", "-S", str(self.socket), *words],
                              capture_output=True, text=True, timeout=10,
                              check=True, **more)
        return done.stdout

    def run(self, *words, before: str = "") -> None:
        """Types a command, and has its exit code printed when it has
        ended."""
        command = f"{before} {shlex.join(str(w) for w in words)}".strip()
        self.type(f"{command}; echo {CODE[:5]}''{CODE[5:]}$?")
        self.keys("Enter")

    def type(self, text: str) -> None:
        self._tmux("send-keys", "-l", text)

    def keys(self, *names: str) -> None:
        """Presses keys by tmux's names: letters for themselves, `Enter`,
        `Up`, `PageDown`, `C-c`."""
        self._tmux("send-keys", *names)

    def resize(self, columns: int, rows: int) -> None:
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def text(self, colours: bool = False) -> str:
        """What stands on the screen."""
        return self._tmux("capture-pane", "-p", *(["-e"] if colours else []))

    def lines(self) -> list:
        return self.text().split("\n")

    def wait_for(self, text: str, seconds: float = 8.0) -> str:
        """The screen, once `text` stands on it."""
        def found():
            shown = self.text()
            return text in shown and shown
        try:
            return wait_until(found, seconds, text)
        except AssertionError as missing:
            raise AssertionError(f"{missing}\n{self.text()}") from None

    def wait_for_times(self, text: str, times: int,
                       seconds: float = 8.0) -> str:
        """The screen, once `text` stands on it so many times."""
        def found():
            shown = self.text()
            return shown.count(text) == times and shown
        return wait_until(found, seconds, f"{text} {times} times")

    def wait_until_gone(self, text: str, seconds: float = 8.0) -> str:
        def gone():
            shown = self.text()
            return text not in shown and shown
        return wait_until(gone, seconds, f"{text} goes away")

    def wait_for_end(self, seconds: float = 8.0) -> int:
        """The exit code of what was run."""
        shown = self.wait_for(CODE, seconds)
        return int(shown.rsplit(CODE, 1)[1].split()[0])

    def pid_of(self, name: str) -> int:
        """The process of this name that the shell has started."""
        shell = self._tmux("display-message", "-p", "#{pane_pid}").strip()

        def found():
            done = subprocess.run(["pgrep", "-P", shell, name],
                                  capture_output=True, text=True)
            return done.stdout.split()
        return int(wait_until(found, 5, name)[0])

    def close(self) -> None:
        subprocess.run(["tmux", "-S", str(self.socket), "kill-server"],
                       capture_output=True)
