"""Completions in real shells, and manual pages by real programs: all of it is
made out of the table of commands."""

import subprocess
from pathlib import Path

import pytest
from harness import BINARY, ROOT
from terminal import Terminal

KEYS = ROOT / "config/pod.ini"


def shell(*words, **how):
    done = subprocess.run(words, capture_output=True, text=True, timeout=20,
                          stdin=subprocess.DEVNULL, **how)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    """The scripts of all shells."""
    folder = tmp_path_factory.mktemp("shells")
    for name in ("bash", "zsh", "fish"):
        (folder / name).write_text(shell(BINARY, "completion", name))
    return folder


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The manual pages, made anew."""
    folder = tmp_path_factory.mktemp("pages")
    shell(BINARY.parent / "hosts/manual/peapod_manual", folder, KEYS,
          "2026-11-26", "0.1.0")
    return folder


def by_bash(scripts, *words) -> set:
    """What bash offers for the last of the words."""
    script = ('source "$1"; shift; COMP_WORDS=("$@"); '
              'COMP_CWORD=$(($# - 1)); _peapod; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    return set(shell("bash", "-c", script, "bash", scripts / "bash", *words,
                     cwd=ROOT).split())


def by_fish(scripts, line: str, folder) -> set:
    """What fish offers for the end of a line."""
    out = shell("fish", "--no-config", "-c",
                f"source {scripts / 'fish'}; complete -C '{line}'", cwd=ROOT,
                env={"HOME": str(folder), "PATH": "/usr/bin:/bin",
                     "LC_ALL": "C.UTF-8"})
    return {x.split("\t")[0] for x in out.splitlines()}


# -- bash ---------------------------------------------------------------------


@pytest.mark.parametrize("words, offered", [
    (["sta"], {"status"}),
    (["proxy", ""], {"on", "off", "status", "env"}),
    (["proxy", "env", "--sh"], {"--shell"}),
    (["proxy", "env", "--shell", ""], {"sh", "bash", "zsh", "fish"}),
    (["proxy", "env", "--shell", "="], {"sh", "bash", "zsh", "fish"}),
    (["actors", "--sort", "lo"], {"load", "longest"}),
    (["fault", "2", "d"], {"delay", "drop", "duplicate"}),
    (["completion", "z"], {"zsh"}),
    (["check-config", "config/pod.i"], {"config/pod.ini"}),
    (["--actor-config", "config/pod.i"], {"config/pod.ini"}),
    (["status", "--actor-config", "config/pod.i"], {"config/pod.ini"}),
    (["--actor-config", "status", "doc"], {"doctor"}),
    (["--proxy.l"], {"--proxy.listen="}),
    (["status", "--proxy.l"], {"--proxy.listen="}),
    (["--prox"], {"--proxy."}),
    (["demo", "--de"], {"--devices"}),
    (["status", "--filter", ""], set())])
def test_bash_completes(scripts, words, offered):
    found = by_bash(scripts, "peapod", *words)
    assert found == offered or (not offered and found <= {""})


def test_bash_offers_every_command_first(scripts):
    help_text = shell(BINARY, "--help")
    commands = {line.split()[0] for line in
                help_text.partition("Subcommands:")[2].splitlines()
                if line.startswith("  ") and line[2] != " "}
    assert {"doctor", "status", "secret"} <= commands
    assert by_bash(scripts, "peapod", "") >= commands


def test_bash_takes_the_script_as_it_is(scripts):
    assert shell("bash", "-n", scripts / "bash") == ""


# -- fish ---------------------------------------------------------------------


@pytest.mark.parametrize("line, offered", [
    ("peapod sta", {"status"}),
    ("peapod proxy o", {"on", "off"}),
    ("peapod proxy env --shell ", {"sh", "bash", "zsh", "fish"}),
    ("peapod actors --sort lo", {"load", "longest"}),
    ("peapod fault 2 d", {"delay", "drop", "duplicate"}),
    ("peapod completion z", {"zsh"}),
    ("peapod check-config config/pod.i", {"config/pod.ini"}),
    ("peapod --actor-config status doc", {"doctor"}),
    ("peapod --proxy.l", {"--proxy.listen="}),
    ("peapod doctor --js", {"--json"})])
def test_fish_completes(scripts, tmp_path, line, offered):
    assert by_fish(scripts, line, tmp_path) == offered


# -- zsh ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def zsh(scripts, tmp_path_factory):
    """A zsh in a terminal that completes."""
    folder = tmp_path_factory.mktemp("z")
    terminal = Terminal(folder, columns=100, rows=40)
    start = folder / "start"
    start.write_text(f"""PS1='> '
autoload -U compinit && compinit -u -D
cd {ROOT}
source {scripts / "zsh"}
echo re''ady
""")
    terminal.type("zsh -f")
    terminal.keys("Enter")
    terminal.type(f"source {start}")
    terminal.keys("Enter")
    terminal.wait_for("ready")
    yield terminal
    terminal.close()


@pytest.mark.parametrize("line, whole", [
    ("peapod stat", "peapod status"),
    ("peapod proxy e", "peapod proxy env"),
    ("peapod proxy env --she", "peapod proxy env --shell="),
    ("peapod proxy env --shell=f", "peapod proxy env --shell=fish"),
    ("peapod actors --sort lon", "peapod actors --sort longest"),
    ("peapod fault 2 cl", "peapod fault 2 clear"),
    ("peapod completion z", "peapod completion zsh"),
    ("peapod check-config config/pod.i", "peapod check-config config/pod.ini"),
    ("peapod --discovery.gr", "peapod --discovery.group="),
    ("peapod doctor --js", "peapod doctor --json")])
def test_zsh_completes(zsh, line, whole):
    zsh.type(line)
    zsh.keys("Tab")
    zsh.wait_for("> " + whole)
    zsh.keys("C-u")
    zsh.keys("C-l")


# -- manual pages -------------------------------------------------------------


@pytest.mark.parametrize("page", ["peapod.1", "pod.ini.5"])
def test_mandoc_finds_no_mistake(pages, page):
    done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", pages / page],
                          capture_output=True, text=True, timeout=20)
    assert (done.stdout, done.returncode) == ("", 0)


@pytest.mark.parametrize("page, words", [
    ("peapod.1", ["PEAPOD(1)", "proxy env [options]", "--shell NAME",
                  "Default: id.", "EXIT STATUS", "70", "NO_COLOR"]),
    ("pod.ini.5", ["POD.INI(5)", 'listen="127.0.0.1:3128"',
                   "never-hosts=[]", 'Takes "pause" or "share".'])])
def test_man_shows_the_page(pages, page, words):
    text = shell("man", "--warnings", "-l", pages / page,
                 env={"PATH": "/usr/bin:/bin", "MANWIDTH": "120",
                      "LC_ALL": "C.UTF-8"})
    plain = subprocess.run(["col", "-bx"], input=text, text=True,
                           capture_output=True, check=True).stdout
    for word in words:
        assert word in plain


def test_all_of_it_is_installed(tmp_path):
    done = subprocess.run(
        ["cmake", "--install", BINARY.parent, "--prefix", tmp_path],
        capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    for file in ("bin/peapod", "share/man/man1/peapod.1",
                 "share/man/man5/pod.ini.5",
                 "share/bash-completion/completions/peapod",
                 "share/zsh/site-functions/_peapod",
                 "share/fish/vendor_completions.d/peapod.fish"):
        assert Path(tmp_path / file).stat().st_size > 0
    script = tmp_path / "share/bash-completion/completions/peapod"
    assert script.read_text() == shell(BINARY, "completion", "bash")
