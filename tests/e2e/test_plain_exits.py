"""Plain HTTP over the lines of the pod, where the user lets it."""

import pytest
from pods import assert_exact, wait_until
from test_tunnels import SITES, Log

SIZE = 262_144
HOSTILE = "http://hostile.test"


def pair(alone, **settings):
    """A daemon that may let plain requests leave through another one."""
    alone.daemon(2)
    first = alone.daemon(1, tunnels_plain="true", **settings)
    first.wait_for_peers(1)
    wait_until(lambda: first.connected_peers()[0]["tunnels"], 5, "an exit")
    return first


def plain(alone, site: str, size: int = SIZE, *options):
    return alone.start(f"http://{site}/{size}.bin", *options)


def both(lab) -> set:
    return {lab.wan_address(1), lab.wan_address(2)}


def test_plain_requests_leave_through_both_lines(alone):
    first = pair(alone)
    log = Log(alone.lab)
    for _ in range(2):
        for download in [plain(alone, site) for site in SITES[:8]]:
            assert_exact(download.wait(), f"{SIZE}.bin", SIZE)
    assert log.addresses() == both(alone.lab)
    for site in SITES[:8]:
        assert len(log.addresses(site)) == 1, site
    assert first.status()["proxy"]["bounced_tunnels"] == 0


def test_without_the_setting_they_stay_at_home(alone):
    alone.daemon(2)
    first = alone.daemon(1, tunnels_mode='"spread"')
    first.wait_for_peers(1)
    wait_until(lambda: first.connected_peers()[0]["tunnels"], 5, "an exit")
    log = Log(alone.lab)
    for download in [plain(alone, site) for site in SITES[:8]]:
        assert_exact(download.wait(), f"{SIZE}.bin", SIZE)
    assert log.addresses() == {alone.lab.wan_address(1)}


@pytest.mark.parametrize("option", [
    ("--cookie", "login=1"), ("--user", "me:secret"), ("--data", "a form")])
def test_what_is_private_stays_at_home(alone, option):
    pair(alone, tunnels_mode='"spread"')
    log = Log(alone.lab)
    for download in [plain(alone, site, SIZE, *option) for site in SITES[:8]]:
        download.wait()
    assert log.addresses() == {alone.lab.wan_address(1)}
    assert len(log.lines()) == 8


def test_a_site_that_forbids_it_to_others_is_kept_at_home(alone):
    pair(alone, tunnels_mode='"spread"')
    own, other = (alone.lab.wan_address(host) for host in (1, 2))

    def answers(batch: str):
        """Eight requests at once; who was answered with what."""
        rule = f"only-from,address={own}"
        paths = [f"/{rule}/{SIZE}/{batch}{i}.bin" for i in range(8)]
        for path, download in [(x, alone.start(HOSTILE + x))
                               for x in paths]:
            assert_exact(download.wait(), path.rpartition("/")[2], SIZE)
        return {(entry["client"], entry["status"])
                for path in paths for entry in alone.origin_log(path)}

    assert answers("a") == {(own, 200), (other, 403)}
    assert answers("b") == {(own, 200)}


def test_a_peer_without_internet_is_not_noticed(alone):
    pair(alone, tunnels_mode='"spread"')
    alone.lab.set_wan(2, False)
    try:
        log = Log(alone.lab)
        for download in [plain(alone, site) for site in SITES[:8]]:
            assert_exact(download.wait(), f"{SIZE}.bin", SIZE)
        assert log.addresses() == {alone.lab.wan_address(1)}
    finally:
        alone.lab.set_wan(2, True)


def test_a_large_download_is_pooled_as_ever(alone):
    first = pair(alone, tunnels_mode='"spread"')
    size = 10_000_000
    downloads = [plain(alone, site, size) for site in SITES[:3]]
    for download in downloads:
        assert_exact(download.wait(), f"{size}.bin", size)
    assert first.status()["proxy"]["pooled"] == 3

