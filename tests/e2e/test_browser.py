"""A real browser reads a site through the proxy."""

import shutil
import subprocess

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser():
    """The browser's command; there is one, or the test is skipped."""
    for name in BROWSERS:
        if path := shutil.which(name):
            return path
    pytest.skip("no Chromium is installed")


def dump_page(lab, browser, url: str, tmp_path, *proxy) -> str:
    """The document after its scripts ran, as HTML."""
    process = lab.popen(
        1, browser, "--headless", "--no-sandbox", "--disable-gpu",
        "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync",
        "--disable-dev-shm-usage", "--ignore-certificate-errors",
        *proxy, f"--user-data-dir={tmp_path}/p",
        "--virtual-time-budget=8000", "--dump-dom", url,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        start_new_session=True)
    return process.communicate(timeout=60)[0]


def page(pod, browser, url: str, tmp_path) -> str:
    """A page through the proxy of the pod's first host."""
    return dump_page(pod.lab, browser, url, tmp_path,
                     "--proxy-server=http://127.0.0.1:3128",
                     "--proxy-bypass-list=<-loopback>")


@pytest.mark.parametrize("scheme, counter", [
    ("http", "requests"), ("https", "tunnels")])
def test_a_browser_reads_a_site(pod, browser, tmp_path, scheme, counter):
    before = pod[1].status()["proxy"][counter]
    html = page(pod, browser, f"{scheme}://origin.test/index.html", tmp_path)
    assert "<title>got 1000</title>" in html
    assert f"{scheme}: body of 1000" in html
    assert pod[1].status()["proxy"][counter] > before
