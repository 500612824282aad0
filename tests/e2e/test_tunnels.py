"""HTTPS over the lines of the pod: tunnels leave through peers, logins
survive, nothing breaks when a peer goes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from lab_base import SHOP_ADDRESS
from lab_servers import wait_for_port
from pods import assert_exact, wait_until
from test_browser import browser, dump_page  # noqa: F401

SITES = [f"www.site{i}.test" for i in range(1, 13)]
SIZE = 1_048_576

SETTINGS = {"wan.dns-cache": "0s"}


# -- helpers ------------------------------------------------------------------


class Log:
    """Who has asked the lab's nginx for what since this was made."""

    def __init__(self, lab):
        self.file = lab.folder / "nginx-access.log"
        self.begin = self.file.stat().st_size if self.file.exists() else 0

    def lines(self) -> list:
        """(address, host) of each request."""
        text = self.file.read_text()[self.begin:]
        return [tuple(line.split()[:2]) for line in text.splitlines()]

    def addresses(self, host=None) -> set:
        return {address for address, name in self.lines()
                if host in (None, name)}


def curl_options(lab) -> list:
    return ["--cacert", lab.ca_file]


def start(pod, site: str, size: int = SIZE, *more):
    return pod.start(f"https://{site}/{size}.bin", *curl_options(pod.lab),
                     *more)


def get(pod, site: str, size: int = SIZE, *more):
    return start(pod, site, size, *more).wait()


def exact(download, size: int = SIZE) -> None:
    assert_exact(download, f"{size}.bin", size)


def exits_are_known(pod) -> None:
    """The first host knows that both others open tunnels for it."""
    wait_until(lambda: sum(p["tunnels"]
                           for p in pod[1].connected_peers()) == 2, 5,
               "both peers open tunnels")


@pytest.fixture
def ready(pod):
    exits_are_known(pod)
    return pod


def wans(lab) -> set:
    return {lab.wan_address(host) for host in lab.hosts}


@pytest.fixture(scope="module")
def shop(lab, tmp_path_factory):
    """The site where people sign in; gives its log."""
    log = tmp_path_factory.mktemp("shop") / "shop.log"
    with open(log, "wb") as out:
        process = lab.popen(
            "origin", sys.executable,
            Path(__file__).parent.parent / "support/login_site.py",
            "--listen", SHOP_ADDRESS,
            "--certificate", lab.folder / "origin.pem",
            "--key", lab.folder / "origin.key",
            stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    wait_for_port(lab, "origin", SHOP_ADDRESS, 443, process)
    yield log
    process.kill()
    process.wait()


def requests_of(log) -> list:
    return [json.loads(line) for line in log.read_text().splitlines()
            if line.startswith("{")]


# -- all lines ----------------------------------------------------------------


def test_sites_leave_through_all_lines(ready):
    log = Log(ready.lab)
    before = ready[1].status()["proxy"]
    downloads = [start(ready, site) for site in SITES]
    for download in downloads:
        exact(download.wait())
    assert log.addresses() == wans(ready.lab)
    after = ready[1].status()["proxy"]
    assert after["relayed_tunnels"] > before["relayed_tunnels"]
    assert after["relayed_bytes"] - before["relayed_bytes"] > SIZE
    assert after["bounced_tunnels"] == before["bounced_tunnels"]


def test_a_site_keeps_its_line(ready):
    log = Log(ready.lab)
    for _ in range(3):
        rounds = [start(ready, site, 1000) for site in SITES[:6]]
        for download in rounds:
            exact(download.wait(), 1000)
    for site in SITES[:6]:
        assert len(log.addresses(site)) == 1, site
    assert len(log.addresses()) > 1


def test_the_bytes_of_a_relayed_tunnel_are_exact(ready):
    """Large, and in both directions at once."""
    log = Log(ready.lab)
    downloads = [start(ready, site, 10_000_000) for site in SITES[:3]]
    for download in downloads:
        exact(download.wait(), 10_000_000)
    assert log.addresses() <= wans(ready.lab)


def test_a_wanted_line_is_used(ready):
    for host in ready.lab.hosts:
        log = Log(ready.lab)
        line = ("own" if host == 1
                else ready[host].status()["device"]["id"])
        exact(get(ready, SITES[0], 1000, "--proxy-header",
                  f"PeaPod-Exit: {line}"), 1000)
        assert log.addresses() == {ready.lab.wan_address(host)}


def test_a_line_that_is_not_there_is_an_error(ready):
    download = get(ready, SITES[0], 1000, "--proxy-header",
                   f"PeaPod-Exit: {'a' * 32}")
    assert download.code == 56
    assert "502" in download.error


def test_sites_keep_their_lines_over_a_restart(alone):
    """Logins may be bound to them."""
    first = alone.daemon(1)
    alone.daemon(2)

    def lines_of_sites() -> dict:
        first.wait_for_peers(1)
        wait_until(lambda: first.connected_peers()[0]["tunnels"], 5, "an exit")
        log = Log(alone.lab)
        for download in [start(alone, site, 1000) for site in reversed(SITES)]:
            exact(download.wait(), 1000)
        return {site: log.addresses(site) for site in SITES}

    before = lines_of_sites()
    assert len(set.union(*before.values())) == 2
    first.terminate()
    kept = first.folder / f"{first.name}-state" / "sites.json"
    assert not any(site.encode() in kept.read_bytes() for site in SITES)
    first.start()
    assert lines_of_sites() == before


# -- what stays at home -------------------------------------------------------


def test_home_hosts_stay_at_home(alone):
    first = alone.daemon(1, tunnels_home_hosts='["site1.test"]',
                         tunnels_mode='"spread"')
    alone.daemon(2)
    first.wait_for_peers(1)
    wait_until(lambda: first.connected_peers()[0]["tunnels"], 5, "an exit")
    log = Log(alone.lab)
    rounds = [start(alone, site) for site in [SITES[0], SITES[1]] * 5]
    for download in rounds:
        exact(download.wait())
    assert log.addresses(SITES[0]) == {alone.lab.wan_address(1)}
    assert alone.lab.wan_address(2) in log.addresses(SITES[1])


def test_mode_off_uses_the_own_line(alone):
    first = alone.daemon(1, tunnels_mode='"off"')
    alone.daemon(2)
    first.wait_for_peers(1)
    wait_until(lambda: first.connected_peers()[0]["tunnels"], 5, "an exit")
    log = Log(alone.lab)
    for download in [start(alone, site) for site in SITES[:6]]:
        exact(download.wait())
    assert log.addresses() == {alone.lab.wan_address(1)}


def test_a_device_that_shares_no_tunnels_is_not_used(alone):
    first = alone.daemon(1)
    alone.daemon(2, share_tunnels="0")
    first.wait_for_peers(1)
    assert not first.connected_peers()[0]["tunnels"]
    log = Log(alone.lab)
    for download in [start(alone, site) for site in SITES[:6]]:
        exact(download.wait())
    assert log.addresses() == {alone.lab.wan_address(1)}


# -- what breaks --------------------------------------------------------------


def test_an_exit_without_internet_is_not_noticed(ready):
    ready.lab.set_wan(2, False)
    try:
        log = Log(ready.lab)
        downloads = [start(ready, site) for site in SITES]
        for download in downloads:
            exact(download.wait())
        assert log.addresses() == wans(ready.lab) - {ready.lab.wan_address(2)}
    finally:
        ready.lab.set_wan(2, True)


def test_an_own_line_without_internet_is_replaced(ready):
    """Once the pod knows that the own line leads nowhere."""
    ready.lab.set_wan(1, False)
    try:
        log = Log(ready.lab)
        exact(get(ready, SITES[6]))
        assert ready.lab.wan_address(1) not in log.addresses()
    finally:
        ready.lab.set_wan(1, True)


def test_a_peer_that_goes_closes_what_it_carried_and_nothing_else(ready):
    # One that has not learnt yet which site uses which line.
    ready[1].kill()
    ready[1].start()
    ready[1].wait_for_peers(2)
    exits_are_known(ready)
    downloads = {site: start(ready, site, 100_000_000, "--limit-rate", "1M")
                 for site in SITES[:6]}
    for download in downloads.values():
        download.wait_for_size(100_000)
    ready[2].kill()
    wait_until(lambda: len(ready[1].connected_peers()) == 1, 8,
               "host 2 is gone")
    sizes = {site: d.size for site, d in downloads.items()}
    wait_until(lambda: all(d.process.poll() is not None
                           or d.size > sizes[site] + 1_000_000
                           for site, d in downloads.items()), 10,
               "each download has broken off or goes on")
    broken = [d for d in downloads.values() if d.process.poll() is not None]
    assert 0 < len(broken) < len(downloads)
    for download in broken:
        assert download.wait().code in (18, 35, 56)
    log = Log(ready.lab)
    again = [start(ready, site, 1000) for site in SITES[:6]]
    for download in again:
        exact(download.wait(), 1000)
    assert ready.lab.wan_address(2) not in log.addresses()
    for download in downloads.values():
        download.process.kill()
        download.process.wait()


# -- logins -------------------------------------------------------------------


def test_a_login_survives(ready, shop, browser, tmp_path):  # noqa: F811
    """A browser signs in where a login is bound to an address, while what else
    it loads leaves through all lines."""
    log = Log(ready.lab)
    done = len(requests_of(shop))
    page = dump_page(
        ready.lab, browser,
        "https://www.shop.test/?with=" + ",".join(SITES[:9]), tmp_path,
        "--proxy-server=http://127.0.0.1:3128",
        "--proxy-bypass-list=<-loopback>")
    assert "<title>signed in 10 of 10, 9 sites</title>" in page
    asked = requests_of(shop)[done:]
    assert len({x["from"] for x in asked}) == 1
    used = log.addresses() | {x["from"] for x in asked}
    assert used == wans(ready.lab)
