"""A router in the lab: several hosts behind one internet connection, as in a
home, instead of the one that each has for itself."""

import contextlib

ROUTER = "10.77.0.254"
OUTSIDE = "10.77.250"


@contextlib.contextmanager
def shared_uplink(lab, hosts, rate: float):
    """For a while `hosts` reach the internet by one router on the LAN, whose
    line has `rate` Mbit/s each way for all of them together. Their own
    connections stay as they are and are not used."""
    _build(lab, rate)
    try:
        for host in hosts:
            lab.run(host, "ip", "route", "replace", "default", "via", ROUTER)
        yield
    finally:
        for host in hosts:
            lab.run(host, "ip", "route", "replace", "default", "via",
                    f"10.77.{100 + host}.1")
        lab.run("lan", "ip", "link", "del", "up0", check=False)
        lab.run("lan", "ip", "addr", "del", f"{ROUTER}/24", "dev", "br0",
                check=False)


def _build(lab, rate: float) -> None:
    lab.run("lan", "sysctl", "-qw", "net.ipv4.ip_forward=1")
    lab.run("lan", "ip", "addr", "add", f"{ROUTER}/24", "dev", "br0")
    lab.run("lan", "ip", "link", "add", "up0", "type", "veth", "peer", "name",
            "oshared", "netns", lab.namespace("origin"))
    for where, link, own in (("lan", "up0", 2), ("origin", "oshared", 1)):
        lab.run(where, "ip", "addr", "add", f"{OUTSIDE}.{own}/24", "dev", link)
        lab.run(where, "ip", "link", "set", link, "up")
        lab.shape(where, link, rate)
    lab.run("lan", "ip", "route", "add", "default", "via", f"{OUTSIDE}.1")
    lab.run("origin", "ip", "route", "add", "10.77.0.0/24", "via",
            f"{OUTSIDE}.2")
