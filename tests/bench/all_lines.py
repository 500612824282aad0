"""One machine that has every internet connection of a lab by itself: what
programs reach that spread one download over several interfaces."""

import contextlib

import lab_base

NAME = "all"


@contextlib.contextmanager
def all_lines(lab):
    """A host with a link like each host's own, and a route for each address.
    Yields the host and the names of its interfaces."""
    lab._add_namespace(NAME)
    try:
        links = [_connect(lab, number, rate)
                 for number, rate in enumerate(lab.rates, 1)]
        yield NAME, links
    finally:
        for pid in lab.pids(NAME):
            lab_base.send_signal(pid, 9)
        lab_base.run("ip", "netns", "del", lab.namespace(NAME), check=False)


def _connect(lab, number: int, rate: float) -> str:
    link, port = f"wan{number}", f"a{number}"
    here, there = f"10.78.{number}.2", f"10.78.{number}.1"
    lab_base.run("ip", "link", "add", link, "netns", lab.namespace(NAME),
                 "type", "veth", "peer", "name", port,
                 "netns", lab.namespace("origin"))
    for host, device, address in ((NAME, link, here), ("origin", port, there)):
        lab.run(host, "ip", "addr", "add", f"{address}/24", "dev", device)
        lab.run(host, "ip", "link", "set", device, "up")
        lab.shape(host, device, rate)
    table = 100 + number
    lab.run(NAME, "ip", "rule", "add", "from", here, "table", table)
    lab.run(NAME, "ip", "rule", "add", "oif", link, "table", table)
    lab.run(NAME, "ip", "route", "add", "default", "via", there,
            "dev", link, "table", table)
    lab.run(NAME, "ip", "route", "append", "default", "via", there,
            "dev", link, "metric", number)
    return link
