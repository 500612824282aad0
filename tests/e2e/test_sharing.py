"""What a device does for others, and what it never shows them."""

import datetime
import json

import pytest
from lab_base import NGINX_ADDRESS
from pods import NGINX, assert_exact, devices_of, wait_until
from system_bus import SystemBus

SIZE = 20_000_000
QUOTA = 5_000_000


def share(daemon) -> dict:
    return daemon.status()["share"]


def pooled(alone, first, origin=NGINX) -> dict:
    """A download of host 1; who brought what of it."""
    url = f"{origin}/{SIZE}.bin"
    assert_exact(alone.get(url), f"{SIZE}.bin", SIZE)
    return first.transfer(url)


def usage_file(daemon) -> dict:
    path = daemon.folder / f"{daemon.name}-state" / "usage.json"
    return json.loads(path.read_text())


def test_a_quota_holds_over_a_restart_and_downloads_complete(alone):
    first = alone.daemon(1)
    second = alone.daemon(2, share_per_day=f'"{QUOTA}"')
    first.wait_for_peers(1)
    transfer = pooled(alone, first)
    assert len(devices_of(transfer)) == 2
    wait_until(lambda: "not now: the quota of the day is used up"
               in second.output(), 2, "host 2 says not now")
    before = share(second)["today"]
    assert before["limit"] == QUOTA
    assert 0 < before["used"] <= QUOTA
    assert share(second)["month"] == {"used": before["used"], "limit": None}

    assert second.terminate() == 0
    assert usage_file(second)["day_bytes"] == before["used"]
    second.start()
    assert share(second)["today"] == before
    first.wait_for_peers(1)
    pooled(alone, first)
    after = share(second)["today"]["used"]
    assert before["used"] <= after <= QUOTA


def test_a_quota_that_is_used_up_pauses_sharing(alone):
    first = alone.daemon(1)
    second = alone.daemon(2, share_per_month='"1MB"')
    first.wait_for_peers(1)
    state = second.folder / f"{second.name}-state" / "usage.json"
    assert second.terminate() == 0
    # What an earlier run has left; nobody has had anything yet.
    today = datetime.date.today()
    state.write_text(json.dumps({
        "day": int(today.strftime("%Y%m%d")), "day_bytes": 7,
        "month": int(today.strftime("%Y%m")), "month_bytes": 1_000_000}))
    second.start()
    first.wait_for_peers(1)
    now = share(second)
    assert now["state"] == "paused"
    assert now["why"] == "the quota of the month is used up"
    assert now["today"] == {"used": 7, "limit": None}
    assert devices_of(pooled(alone, first)) == ["self"]
    assert share(second)["month"]["used"] == 1_000_000


def test_hosts_that_are_never_fetched_from_for_others(alone):
    first = alone.daemon(1)
    second = alone.daemon(2, share_never_hosts=f'["{NGINX_ADDRESS}"]')
    first.wait_for_peers(1)
    assert devices_of(pooled(alone, first)) == ["self"]
    assert "not a host that is fetched from for others" in second.output()
    # A name that leads there is noticed when it is about to be dialled.
    by_name = pooled(alone, first, "http://origin.test")
    assert devices_of(by_name) == ["self"]
    assert f"{NGINX_ADDRESS} is one of share.never-hosts" in second.output()
    assert share(second)["today"]["used"] == 0
    assert share(second)["state"] == "on"


def test_hosts_that_peers_never_learn_of(alone):
    first = alone.daemon(1, pool_never_hosts=f'["{NGINX_ADDRESS}"]')
    second = alone.daemon(2)
    first.wait_for_peers(1)
    url = f"{NGINX}/{SIZE}.bin"
    assert_exact(alone.get(url), f"{SIZE}.bin", SIZE)
    assert first.transfer(url) is None
    assert "not pooled: host is one that peers never see" in first.output()
    assert share(second)["served_bytes"] == 0
    assert second.status()["proxy"]["requests"] == 0


@pytest.fixture
def bus(tmp_path):
    made = SystemBus(tmp_path)
    yield made
    made.stop()


def test_a_metered_line_and_a_battery_pause_sharing(alone, bus):
    bus.start_network_manager(metered=1)
    first = alone.daemon(1)
    second = alone.daemon(2, prefix=(
        "env", f"DBUS_SYSTEM_BUS_ADDRESS={bus.address}"),
        share_on_battery='"share"')
    first.wait_for_peers(1)

    def until(seconds=5, **expected):
        wait_until(lambda: expected.items() <= share(second).items(), seconds,
                   f"{expected}; it is {share(second)}")

    until(state="paused", why="the connection is metered", metered=True,
          on_battery=None)
    bus.set_metered(2)
    until(state="on", why=None, metered=False)
    bus.start_upower()
    bus.set_power(on_battery=True, percent=40.0)
    until(state="on", on_battery=True, battery=40)
    bus.set_power(on_battery=True, percent=29.0)
    until(state="paused", why="the battery is low", battery=29)
    bus.set_power(on_battery=False, percent=29.0)
    until(state="on", on_battery=False)
    assert len(devices_of(pooled(alone, first))) == 2
    bus.set_metered(1)
    until(state="paused")
    assert devices_of(pooled(alone, first)) == ["self"]
    # When nobody knows any more, nothing pauses.
    bus.stop()
    until(state="on", metered=None, on_battery=None, battery=None)
