"""The lab itself: what the other tests take for granted."""

import os
import subprocess

import content
import lab as lab_module
import pytest
from harness import ROOT, Download
from lab_base import LabError, existing_namespaces
from pods import HOSTILE, NGINX, assert_exact


def mbits(got) -> float:
    return got.size * 8 / 1e6 / got.info["time_total"]


def test_each_line_has_its_rate_and_no_more(lab, tmp_path):
    both = [Download(lab, host, tmp_path / str(host), f"{NGINX}/5000000.bin",
                     proxy=None) for host in (1, 2)]
    for got in both:
        assert_exact(got.wait(), "5000000.bin", 5_000_000)
        assert 30 < mbits(got) < 42


def test_hosts_reach_each_other_over_the_lan_only(lab):
    route = lab.run(1, "ip", "route", "get", lab.lan_address(2)).stdout
    assert "dev lan0" in route
    route = lab.run(1, "ip", "route", "get", "10.77.99.1").stdout
    assert "dev wan0" in route


def test_a_link_that_is_down_carries_nothing(lab):
    lab.set_lan(2, False)
    try:
        links = lab.run(2, "ip", "link", "show", "lan0").stdout
        assert "NO-CARRIER" in links
    finally:
        lab.set_lan(2, True)


@pytest.mark.parametrize("url, name, size", [
    (f"{NGINX}/65536.bin", "65536.bin", 65536),
    ("http://origin.test/1000.bin", "1000.bin", 1000),
    ("http://[fd77:99::1]/1000.bin", "1000.bin", 1000),
    (f"{HOSTILE}/range/1000/lab", "lab", 1000),
    ("http://hostile.test/range/1000/lab", "lab", 1000),
])
def test_servers_answer_every_host(lab, tmp_path, url, name, size):
    for host in lab.hosts:
        got = Download(lab, host, tmp_path / str(host), url, "--globoff",
                       proxy=None)
        assert_exact(got.wait(), name, size)


def test_the_certificate_is_good_for_the_names(lab, tmp_path):
    got = Download(lab, 1, tmp_path / "got", "https://origin.test/1000.bin",
                   "--cacert", lab.ca_file, proxy=None)
    assert_exact(got.wait(), "1000.bin", 1000)


def test_two_reference_peers_find_each_other_and_share(alone):
    first = alone.reference(1)
    second = alone.reference(2, "--connect-after", "0")
    assert first.wait_for("connected")["way"] == "in"
    second.wait_for("connected")
    first.do("request", url=f"{NGINX}/65536.bin", start=10, end=1010)
    chunk = first.wait_for("chunk")
    assert chunk["sha256"] == content.sha256("65536.bin", 1000, 10)
    assert second.events("served")
    assert second.terminate() == 0
    first.wait_for("left")


def test_down_removes_everything_and_ends_every_process():
    other = lab_module.Lab(f"tmp{os.getpid()}")
    other.up([10])
    sleeper = other.popen(1, "sleep", "100")
    assert {other.namespace(h) for h in ("1", "lan", "origin")} <= (
        existing_namespaces())
    other.down()
    assert sleeper.wait(timeout=5) != 0
    assert not any(n.startswith(other.prefix) for n in existing_namespaces())
    assert not other.folder.exists()


def test_a_second_lab_of_the_same_name_is_refused(lab):
    with pytest.raises(LabError, match="is up already"):
        lab_module.Lab(lab.prefix).up([1])


def test_the_command_line_finds_the_lab(lab):
    done = subprocess.run(
        [ROOT / "tools/lab", "exec", "2", "ip", "-br", "addr"],
        env={**os.environ, "PEAPOD_LAB": lab.prefix}, capture_output=True,
        text=True, timeout=10)
    assert "10.77.0.2/24" in done.stdout and done.returncode == 0
