"""Connections to origins that are kept for the next request: never in another
network."""

import subprocess

import pytest
from harness import PROXY, wait_until
from lab_base import NGINX_ADDRESS

HOST, UPLINK = 1, 2


def get_page(lab) -> str:
    return lab.run(HOST, "curl", "-s", "-m", "10", "-o", "/dev/null", "-w",
                   "%{http_code}", "-x", PROXY, f"http://{NGINX_ADDRESS}/",
                   check=False).stdout


@pytest.fixture
def moves(lab):
    """Takes a host from one network to another one, and back."""
    address = lab.wan_address(HOST)
    gateway = address.rsplit(".", 1)[0] + ".1"

    def move():
        lab.add_uplink(HOST, UPLINK, 40)
        lab.set_wan(HOST, False)
        lab.run(HOST, "ip", "addr", "del", f"{address}/24", "dev", "wan0")
    yield move
    lab.set_wan(HOST, True)
    lab.run(HOST, "ip", "addr", "add", f"{address}/24", "dev", "wan0",
            check=False)
    lab.run(HOST, "ip", "route", "add", "default", "via", gateway,
            check=False)
    lab.remove_uplink(HOST, UPLINK)


def test_another_network_gets_connections_of_its_own(lab, alone, moves):
    alone.daemon(HOST)
    before = get_page(lab)
    assert before != "000"
    moves()
    reachable = ["curl", "-s", "-m", "1", "-o", "/dev/null",
                 f"http://{NGINX_ADDRESS}/"]
    wait_until(lambda: subprocess.run(
        lab.command(HOST, *reachable), check=False).returncode == 0, 10,
        "the origin is reached from the new network")
    assert get_page(lab) == before
