"""A daemon behind another proxy: tinyproxy, which wants a password."""

import shutil
import subprocess

import lab_servers
import pytest
from pods import HOSTILE, NGINX, assert_exact, devices_of, fresh_name

TINYPROXY = shutil.which("tinyproxy", path="/usr/bin:/usr/sbin:/bin:/sbin")
PASSWORD, WRITTEN = "open-sesame", "open%2Dsesame"
UPSTREAM = f"http://lab:{WRITTEN}@127.0.0.1:8888"
SIZE = 5_000_000


@pytest.fixture(scope="module")
def upstream(lab, folder):
    """tinyproxy on hosts 1 and 2; gives a host's log."""
    processes = []

    def log(host) -> str:
        return (folder / f"tinyproxy{host}.log").read_text()
    for host in (1, 2):
        config = folder / f"tinyproxy{host}.conf"
        config.write_text(
            "Port 8888\nListen 127.0.0.1\nTimeout 30\nMaxClients 50\n"
            f'BasicAuth lab {PASSWORD}\nLogLevel Info\n'
            f'LogFile "{folder}/tinyproxy{host}.log"\n')
        process = lab.popen(host, TINYPROXY, "-d", "-c", config,
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)
        processes.append(process)
        lab_servers.wait_for_port(lab, host, "127.0.0.1", 8888, process)
    yield log
    for process in processes:
        process.kill()
        process.wait()


def test_a_pooled_body_leaves_through_the_upstream_proxy(alone, upstream):
    daemon = alone.daemon(1, wan_upstream=f'"{UPSTREAM}"',
                          pool_chunk_size='"256KiB"')
    before = upstream(1).count("Request ")
    name = fresh_name()
    assert_exact(alone.get(f"{HOSTILE}/range/{SIZE}/{name}"), name, SIZE)
    seen = alone.origin_log(f"/range/{SIZE}/{name}")
    assert seen and all("tinyproxy" in entry["headers"]["via"]
                        for entry in seen)
    assert not any("proxy-authorization" in entry["headers"] for entry in seen)
    assert upstream(1).count("Request ") > before
    assert PASSWORD not in daemon.output() + str(daemon.status())
    assert WRITTEN not in daemon.output() + str(daemon.status())


def test_a_tunnel_leads_through_the_upstream_proxy(alone, upstream):
    alone.daemon(1, wan_upstream=f'"{UPSTREAM}"')
    got = alone.get("https://origin.test/1000.bin", "--cacert",
                    alone.lab.ca_file)
    assert_exact(got, "1000.bin", 1000)
    assert "CONNECT origin.test:443" in upstream(1)


def test_what_needs_no_proxy_goes_straight_there(alone, upstream):
    alone.daemon(1, wan_upstream=f'"{UPSTREAM}"',
                 wan_no_proxy='["10.77.99.0/24", "hostile.test:80"]')
    before = upstream(1)
    assert alone.get(f"{NGINX}/1000.bin").status == 200
    assert alone.get("http://hostile.test/range/10/x").status == 200
    assert upstream(1) == before
    assert alone.get("http://origin.test/1000.bin").status == 200
    assert upstream(1) != before


def test_a_peer_behind_an_upstream_proxy_helps_through_a_tunnel(alone,
                                                                upstream):
    mine = alone.daemon(1, pool_chunk_size='"64KiB"')
    other = alone.daemon(2, wan_upstream=f'"{UPSTREAM}"')
    mine.wait_for_peers(1)
    name = fresh_name()
    url = f"{HOSTILE}/range/20000000/{name}"
    assert_exact(alone.get(url), name, 20_000_000)
    assert len(devices_of(mine.transfer(url))) == 2
    assert other.status()["proxy"]["requests"] == 0
    # By the address that the exit policy has checked.
    assert "CONNECT 10.77.98.1:80" in upstream(2)


def test_a_missing_password_is_told_and_not_asked_for(alone, upstream):
    alone.daemon(1, wan_upstream='"http://127.0.0.1:8888"')
    got = alone.get("http://origin.test/1000.bin", "--include")
    assert got.status == 502
    assert b"wants a user name and a password (407)" in got.body
    assert b"error=proxy_configuration_error" in got.body
    assert b"authenticate" not in got.body.lower()
    tunnel = alone.get("https://origin.test/1000.bin")
    assert tunnel.info["http_connect"] == 502


def test_a_wrong_password_opens_no_tunnel(alone, upstream):
    daemon = alone.daemon(1, wan_upstream='"http://lab:sesame@127.0.0.1:8888"')
    got = alone.get("https://origin.test/1000.bin")
    # tinyproxy says 401, as an origin would; only a tunnel tells them apart.
    assert got.info["http_connect"] == 502
    assert "sesame" not in daemon.output()


def test_an_upstream_proxy_that_is_gone_is_named(alone, upstream):
    alone.daemon(1, wan_upstream='"http://127.0.0.1:8889"')
    got = alone.get("http://origin.test/1000.bin")
    assert got.status == 502
    assert b"upstream proxy 127.0.0.1:8889" in got.body


def test_an_upstream_proxy_that_is_ourselves_is_refused(alone, upstream):
    address = alone.lab.lan_address(1)
    alone.daemon(1, proxy_listen='"0.0.0.0:3128"', proxy_allow='["10.0.0.0/8"]',
                 wan_upstream=f'"http://{address}:3128"')
    got = alone.get("http://origin.test/1000.bin")
    assert got.status == 508
    assert b"is PeaPod itself" in got.body
