"""The lab and the pods that the tests of whole daemons share."""

import os
import shutil
import sys
from pathlib import Path

import pytest

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
sys.path.insert(0, str(HERE))

import abuse  # noqa: E402
import harness  # noqa: E402
import lab as lab_module  # noqa: E402
import local  # noqa: E402
import pods  # noqa: E402
from dripping import Dripping  # noqa: E402
from lab_base import is_running  # noqa: E402

IMPOSSIBLE = lab_module.why_impossible()
PREFIX = "e2e"

# -- skipping -----------------------------------------------------------------


def pytest_collection_modifyitems(items):
    """Without namespaces there is nothing to run these tests in."""
    if IMPOSSIBLE:
        for item in items:
            if HERE in item.path.parents:
                item.add_marker(pytest.mark.skip(reason=IMPOSSIBLE))


def pytest_sessionfinish(session):
    """Where the tests can run, and in CI, a skipped test is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = len(reporter.stats.get("skipped", [])) if reporter else 0
    if skipped and (os.environ.get("CI") or not IMPOSSIBLE):
        reporter.write_line(f"\n{skipped} tests were skipped: that is a "
                            "failure here", red=True)
        session.exitstatus = 1


# -- fixtures -----------------------------------------------------------------


def remove_stale_labs() -> None:
    """Removes the labs of test runs that were killed."""
    for folder in Path("/run/peapod-lab").glob(PREFIX + "*"):
        owner = folder.name[len(PREFIX):]
        if owner.isdigit() and not is_running(int(owner)):
            lab_module.Lab(folder.name).down()


@pytest.fixture(scope="session")
def lab():
    """Three hosts with 40 Mbit/s each."""
    assert harness.BINARY.exists(), (
        f"{harness.BINARY} is missing: cmake --preset release && "
        "cmake --build build/release")
    remove_stale_labs()
    built = lab_module.Lab(f"{PREFIX}{os.getpid()}")
    built.up([40, 40, 40])
    yield built
    built.down()


@pytest.fixture(scope="module")
def folder(tmp_path_factory, request):
    """A folder for one module's daemons: short, for its sockets' sake."""
    name = request.module.__name__.removeprefix("test_")
    made = tmp_path_factory.mktemp(name[:12])
    yield made
    if not request.session.testsfailed:
        shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def module_pod(lab, folder, request):
    """One pod of three a module; its SETTINGS go into every config."""
    settings = getattr(request.module, "SETTINGS", {})
    pod = pods.Pod(lab, folder, settings)
    yield pod
    pod.stop()


@pytest.fixture
def pod(module_pod):
    """A healthy pod of three: what an earlier test broke is repaired."""
    module_pod.heal()
    return module_pod


@pytest.fixture
def alone(lab, folder, tmp_path, request):
    """Starts daemons and reference peers by hand; ends them all after the
    test."""
    starter = pods.Starter(lab, tmp_path)
    yield starter
    starter.stop()


# -- attacks ------------------------------------------------------------------


@pytest.fixture(scope="module")
def strange_addresses(lab):
    with abuse.strange_addresses(lab):
        yield


@pytest.fixture
def strangers(lab, strange_addresses):
    """Attackers on host 3, with many addresses."""
    return abuse.Strangers(lab)


@pytest.fixture(scope="module")
def module_victim(lab, folder, request):
    """One daemon on host 1 for all attacks of a module."""
    daemon = harness.Daemon(lab, abuse.VICTIM, folder, "victim",
                            getattr(request.module, "SETTINGS", {}))
    daemon.start()
    yield daemon
    daemon.kill()


@pytest.fixture
def victim(module_victim):
    """The daemon that is attacked: the same one before and after."""
    pid = module_victim.process.pid
    assert module_victim.is_running
    yield module_victim
    assert module_victim.is_running, module_victim.output()[-2000:]
    assert module_victim.status()["daemon"]["pid"] == pid


@pytest.fixture
def client(lab, tmp_path):
    """The victim's own client: downloads through its proxy."""
    return pods.Downloads(lab, tmp_path)


@pytest.fixture(scope="session")
def dripping(tmp_path_factory):
    """Clients that send byte by byte, to a proxy of their own."""
    with local.LocalDaemon(tmp_path_factory.mktemp("dripping")) as daemon:
        made = Dripping(daemon, 300)
        yield made
        made.close()


@pytest.fixture(scope="session", autouse=True)
def begin_what_takes_long(request):
    """What is waited for at the end begins before everything else."""
    if any("dripping" in getattr(item, "fixturenames", ())
           for item in request.session.items) and not IMPOSSIBLE:
        request.getfixturevalue("dripping")
