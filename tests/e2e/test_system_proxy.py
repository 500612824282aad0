"""The desktop's proxy: set, put back, and never left to a dead daemon. With
the real gsettings and a KDE configuration file, in folders of their own."""

import json
import os
import shutil
import signal
import subprocess

import pytest
from harness import BINARY, Daemon, wait_until
from test_browser import BROWSERS, dump_page

SCHEMA = "org.gnome.system.proxy"
URL = "http://127.0.0.1:3128/proxy.pac"
HOST = 1


class Session:
    """A user's session without a desktop: what its desktop would read."""

    def __init__(self, lab, folder):
        self.lab, self.folder = lab, folder
        self.config = folder / "config"
        self.config.mkdir()
        self.kioslaverc = self.config / "kioslaverc"
        kept = {k: v for k, v in os.environ.items()
                if k not in ("SUDO_USER", "DBUS_SESSION_BUS_ADDRESS")}
        self.env = {**kept, "GSETTINGS_BACKEND": "keyfile",
                    "XDG_CONFIG_HOME": str(self.config),
                    "HOME": str(folder), "XDG_CURRENT_DESKTOP": "GNOME"}
        self.settings = {}
        self.daemons = []

    def gsettings(self, *words) -> str:
        return subprocess.run(["gsettings", *words], env=self.env, check=True,
                              capture_output=True, text=True).stdout.strip()

    @property
    def gnome(self) -> tuple:
        return (self.gsettings("get", SCHEMA, "mode"),
                self.gsettings("get", SCHEMA, "autoconfig-url"))

    def set_gnome(self, mode: str, url: str) -> None:
        self.gsettings("set", SCHEMA, "autoconfig-url", url)
        self.gsettings("set", SCHEMA, "mode", mode)

    def daemon(self, name="own", prefix=(), **settings) -> Daemon:
        """Starts a daemon of this session."""
        values = {key.replace("_", ".", 1).replace("_", "-"): value
                  for key, value in settings.items()}
        made = Daemon(self.lab, HOST, self.folder, name, values)
        made.env, made.prefix = self.env, prefix
        self.daemons.append(made)
        return made.start()

    def run(self, *words, daemon=None, env=None):
        """`peapod proxy WORDS` with the configuration of a daemon."""
        config = (daemon or self.daemons[0]).config_file
        process = self.lab.popen(
            HOST, BINARY, "--actor-config", config, "proxy", *words,
            env=env or self.env, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        out, err = process.communicate(timeout=20)
        return process.returncode, out, err

    def status(self) -> dict:
        return json.loads(self.run("status", "--json")[1])

    @property
    def record(self):
        return self.folder / "own-state" / "system-proxy.json"


ON = ("'auto'", f"'{URL}'")
OFF = ("'none'", "''")


def has_signal(daemon, field: str, number: int) -> bool:
    """Whether a signal is in one of the kernel's sets of a process: `SigIgn`,
    those it ignores, or `ShdPnd`, those that have yet to be delivered."""
    with open(f"/proc/{daemon.process.pid}/status") as lines:
        sets = dict(line.split(":", 1) for line in lines)
    return bool(int(sets[field], 16) >> (number - 1) & 1)


@pytest.fixture
def session(lab, tmp_path, alone):
    made = Session(lab, tmp_path)
    yield made
    for daemon in made.daemons:
        daemon.kill()


def test_on_and_off_leave_the_desktop_as_it_was(session):
    session.set_gnome("'manual'", "'http://wpad.example/x.pac'")
    before = session.gnome
    session.daemon()
    code, out, err = session.run("on")
    assert code == 0
    assert "[wan] upstream" in err
    assert f"GNOME: uses {URL}" in out
    assert session.gnome == ON
    assert session.status()["desktops"] == [{
        "desktop": "GNOME", "on": True, "mode": "auto", "script": URL,
        "answers": True, "former_saved": True}]
    code, out, err = session.run("off")
    assert (code, err) == (0, "")
    assert session.gnome == before
    assert not session.record.exists()


def test_the_daemon_switches_it_on_and_off(session):
    daemon = session.daemon(proxy_system="true")
    wait_until(lambda: session.gnome == ON, 5, "the desktop's proxy is on")
    assert daemon.terminate() == 0
    assert session.gnome == OFF
    assert not session.record.exists()


def test_a_terminal_that_closes_ends_the_daemon_in_good_order(session):
    daemon = session.daemon(proxy_system="true")
    wait_until(lambda: session.gnome == ON, 5, "the desktop's proxy is on")
    daemon.signal(signal.SIGHUP)
    assert daemon.process.wait(timeout=5) == 0
    assert session.gnome == OFF
    assert not session.record.exists()


def test_a_daemon_under_nohup_goes_on_without_its_terminal(session):
    daemon = session.daemon(prefix=("nohup",), proxy_system="true")
    wait_until(lambda: session.gnome == ON, 5, "the desktop's proxy is on")
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: not has_signal(daemon, "ShdPnd", signal.SIGHUP), 5,
               "the signal has been taken")
    # One that is caught would end the daemon some time later.
    assert has_signal(daemon, "SigIgn", signal.SIGHUP)
    assert daemon.process.poll() is None
    assert daemon.status()["pod_size"] == 1
    assert session.gnome == ON
    assert daemon.terminate() == 0


def test_a_proxy_that_was_switched_on_by_hand_goes_with_the_daemon(session):
    daemon = session.daemon()
    assert session.run("on")[0] == 0
    assert daemon.terminate() == 0
    assert session.gnome == OFF


def test_what_a_killed_daemon_left_is_put_back_by_the_next(session):
    daemon = session.daemon(proxy_system="true")
    wait_until(lambda: session.gnome == ON, 5, "the desktop's proxy is on")
    daemon.kill()
    assert session.gnome == ON
    text = session.run("status")[1]
    assert "GNOME: left behind" in text and "daemon: none" in text
    daemon.config_file.write_text(
        daemon.config_file.read_text().replace("system = true",
                                               "system = false"))
    daemon.start()
    wait_until(lambda: session.gnome == OFF, 5, "it is put back")
    wait_until(lambda: "put back: no proxy" in daemon.output(), 5,
               "the log says so")


def test_a_start_that_fails_puts_back_what_was_left(session):
    daemon = session.daemon(proxy_system="true")
    wait_until(lambda: session.gnome == ON, 5, "the desktop's proxy is on")
    daemon.kill()
    session.record.with_name("trust.json").write_text("{bad")
    assert daemon.start(ready=False).process.wait(timeout=10) == 1
    assert session.gnome == OFF
    assert not session.record.exists()


def test_a_daemon_that_was_killed_takes_it_again(session):
    session.set_gnome("'manual'", "''")
    daemon = session.daemon(proxy_system="true")
    wait_until(lambda: session.gnome == ON, 5, "the desktop's proxy is on")
    daemon.kill()
    daemon.start()
    wait_until(lambda: "uses " + URL in daemon.output().split("peapod 0.")[-1],
               5, "it is switched on again")
    assert daemon.terminate() == 0
    assert session.gnome == ("'manual'", "''")


def test_off_puts_back_without_a_daemon(session):
    daemon = session.daemon()
    session.run("on")
    daemon.kill()
    code, out, _ = session.run("off")
    assert (code, session.gnome) == (0, OFF)
    assert "GNOME: put back: no proxy" in out


def test_what_the_user_changed_meanwhile_stays(session):
    daemon = session.daemon(proxy_system="true")
    wait_until(lambda: session.gnome == ON, 5, "the desktop's proxy is on")
    session.set_gnome("'auto'", "'http://corp.example/x.pac'")
    assert daemon.terminate() == 0
    assert session.gnome == ("'auto'", "'http://corp.example/x.pac'")
    assert "was changed meanwhile" in daemon.output()
    assert not session.record.exists()


def test_a_second_daemon_does_not_take_it_from_the_first(session):
    session.daemon(proxy_system="true")
    wait_until(lambda: session.gnome == ON, 5, "the desktop's proxy is on")
    second = session.daemon("two", proxy_system="true",
                            proxy_listen='"127.0.0.1:3129"',
                            transport_listen='"0.0.0.0:45680"')
    wait_until(lambda: "has it already" in second.output(), 5,
               "the second one is refused")
    assert second.terminate() == 0
    assert session.gnome == ON
    # The first has its record elsewhere, so the second leaves it alone.
    code, _, err = session.run("off", daemon=second)
    assert (code, session.gnome) == (1, ON)
    assert "--actor-config" in err


def test_a_daemon_that_will_not_put_it_back_is_told(session):
    """Its state folder is not that of the command."""
    daemon = session.daemon()
    assert session.run("on")[2] == ""
    session.run("off")
    daemon.config_file.write_text(
        daemon.config_file.read_text().replace("own-state", "other-state"))
    code, _, err = session.run("on")
    assert (code, session.gnome) == (0, ON)
    assert "will not put it back" in err and "peapod proxy off" in err
    assert daemon.terminate() == 0
    assert session.gnome == ON
    assert session.run("off")[0] == 0
    assert session.gnome == OFF


def test_on_without_a_daemon_changes_nothing(session):
    session.daemon().kill()
    code, _, err = session.run("on")
    assert (code, session.gnome) == (1, OFF)
    assert "no PeaPod answers at 127.0.0.1:3128" in err


def test_a_proxy_on_any_port_is_found(session):
    daemon = session.daemon(proxy_listen='"127.0.0.1:0"')
    assert session.run("on")[0] == 0
    at = daemon.status()["proxy"]["listen"]
    assert session.gnome == ("'auto'", f"'http://{at}/proxy.pac'")
    assert f"http_proxy='http://{at}';" in session.run("env")[1]


def test_kde_is_told_in_its_own_file(session):
    session.kioslaverc.write_text(
        "# mine\n[Proxy Settings]\nNoProxyFor=a.example\nProxyType=1\n"
        "httpProxy=http://p.example 8080\n\n[Other]\nProxyType=7\n")
    before = session.kioslaverc.read_text()
    session.daemon()
    code, out, err = session.run("on")
    assert code == 0
    assert err.count("[wan] upstream") == err.count("\n") == 1
    assert "KDE: uses " + URL in out and "GNOME: uses " + URL in out
    text = session.kioslaverc.read_text()
    assert f"Proxy Config Script={URL}\n" in text and "ProxyType=2\n" in text
    assert "# mine\n" in text and "[Other]\nProxyType=7\n" in text
    assert session.run("off")[0] == 0
    assert sorted(session.kioslaverc.read_text().splitlines()) == sorted(
        before.splitlines())


def test_kde_programs_are_told_on_the_session_bus(session):
    """dbus-monitor on a bus of its own sees the signal."""
    session.kioslaverc.write_text("")
    daemon = session.daemon()
    script = (
        "dbus-monitor --session \"interface='org.kde.KIO.Scheduler'\" "
        ">\"$1\" & monitor=$!; "
        "until grep -q NameAcquired \"$1\"; do :; done; "
        "shift; \"$@\"; code=$?; shift; "
        "until grep -q reparseSlaveConfiguration \"$LOG\"; do :; done; "
        "kill $monitor; exit $code")
    log = session.folder / "monitor.log"
    process = session.lab.popen(
        HOST, "dbus-run-session", "--", "sh", "-c", script, "sh", log, BINARY,
        "--actor-config", daemon.config_file, "proxy", "on",
        env={**session.env, "LOG": str(log)}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    assert "KDE: uses " + URL in out
    assert "member=reparseSlaveConfiguration" in log.read_text()


def test_a_setting_that_is_not_kept_is_told(session):
    """As in a service without a session: nothing holds the setting."""
    session.daemon()
    env = {**session.env, "GSETTINGS_BACKEND": "memory"}
    code, out, err = session.run("on", env=env)
    assert (code, out) == (1, "")
    assert "did not keep the setting" in err and "session bus" in err
    assert not session.record.exists()


def test_a_missing_schema_is_told_with_what_to_do_instead(session):
    session.daemon()
    env = {**session.env, "XDG_DATA_DIRS": str(session.folder)}
    code, _, err = session.run("on", env=env)
    assert code == 1
    assert "schema" in err and "peapod proxy env" in err


def test_missing_gsettings_is_told(session):
    session.daemon()
    empty = session.folder / "bin"
    empty.mkdir()
    process = session.lab.popen(
        HOST, "env", f"PATH={empty}", BINARY, "--actor-config",
        session.daemons[0].config_file, "proxy", "on", env=session.env,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "gsettings is not installed" in err


def test_sudo_is_refused(session):
    session.daemon()
    code, _, err = session.run("on", env={**session.env, "SUDO_USER": "me"})
    assert (code, session.gnome) == (1, OFF)
    assert "without sudo" in err


def test_a_daemon_without_a_desktop_runs_all_the_same(session):
    session.env = {**session.env, "GSETTINGS_BACKEND": "memory"}
    daemon = session.daemon(proxy_system="true")
    wait_until(lambda: "did not keep the setting" in daemon.output(), 5,
               "the log says so")
    assert daemon.status()["pod_size"] == 1
    assert daemon.terminate() == 0


@pytest.mark.parametrize("by_hand", [True, False])
def test_a_desktop_that_begins_later_is_set_and_put_back(session, by_hand):
    session.env = {**session.env, "XDG_DATA_DIRS": str(session.folder),
                   "XDG_CURRENT_DESKTOP": "sway"}
    daemon = session.daemon(proxy_system="true")
    wait_until(lambda: "no desktop whose proxy" in daemon.output(), 5,
               "the daemon has looked")
    text = "[Proxy Settings]\nProxyType=1\n"
    session.kioslaverc.write_text(text)
    if by_hand:
        assert session.run("on")[0] == 0
    wait_until(lambda: URL in session.kioslaverc.read_text(), 15, "KDE is set")
    assert daemon.terminate() == 0
    assert session.kioslaverc.read_text() == text
    assert daemon.output().count("no desktop whose proxy") == 1


def test_a_shell_gets_variables_that_work(session):
    session.daemon()
    script = ('eval "$("$@")"; echo "$http_proxy $HTTPS_PROXY"; '
              'curl --silent --show-error http://origin.test/1000.bin | wc -c; '
              'eval "$("$@" --unset)"; echo "${http_proxy-none}"')
    process = session.lab.popen(
        HOST, "sh", "-c", script, "sh", BINARY, "--actor-config",
        session.daemons[0].config_file, "proxy", "env", env=session.env,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    out, err = process.communicate(timeout=20)
    at = "http://127.0.0.1:3128"
    assert out.split() == [at, at, "1000", "none"], err
    assert session.daemons[0].status()["proxy"]["passed_through"] == 1


def test_a_shell_gets_nothing_from_a_dead_daemon(session):
    session.daemon().kill()
    code, out, err = session.run("env")
    assert (code, out) == (1, "")
    assert "no PeaPod answers" in err


def fetch(session, url, *options) -> str:
    return subprocess.run(
        session.lab.command(HOST, "curl", "--silent", "--include", "--noproxy",
                            "*", *options, url),
        capture_output=True, text=True, timeout=10).stdout


def test_the_script_is_served_to_browsers(session):
    session.daemon()
    got = fetch(session, URL)
    assert got.startswith("HTTP/1.1 200 OK\n")
    assert "application/x-ns-proxy-autoconfig" in got
    assert 'return "PROXY 127.0.0.1:3128; DIRECT";' in got
    head = fetch(session, "http://localhost:3128/proxy.pac", "--head")
    assert head.startswith("HTTP/1.1 200 OK\n")
    assert "FindProxy" not in head


@pytest.mark.parametrize("alive", [True, False])
def test_chromium_follows_the_script(session, tmp_path, alive):
    """And goes direct once the daemon is dead."""
    browser = next((p for p in map(shutil.which, BROWSERS) if p), None)
    assert browser, "no Chromium is installed"
    daemon = session.daemon()
    if not alive:
        daemon.kill()
    html = dump_page(session.lab, browser, "http://origin.test/index.html",
                     tmp_path, f"--proxy-pac-url={URL}")
    assert "<title>got 1000</title>" in html
    if alive:
        assert daemon.status()["proxy"]["passed_through"] >= 2
