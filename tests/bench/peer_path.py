#!/usr/bin/python3
"""What it costs to get a body through a peer: a pod of two, where our own line
carries next to nothing and the peer's line and the network between the two are
as fast as the machine; so nothing of the peer is compared with the origin. Prints processor time for each GB, of both ends, how
fast it went, and beside it an unpooled download through one daemon.

    sudo tests/bench/peer_path.py [--rounds 5] [--downloads 8]
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE.parent / "support"), str(HERE.parent / "e2e")]

import lab as lab_module  # noqa: E402
from loopback import cpu_seconds, median  # noqa: E402
from pods import NGINX, Starter, assert_exact  # noqa: E402

SIZE = 100_000_000
NAME = f"{SIZE}.bin"


def measure(starter, daemons, host: int, downloads: int) -> dict:
    """Downloads one after the other by a host's proxy."""
    before = [cpu_seconds(each.process.pid) for each in daemons]
    seconds = 0.0
    for _ in range(downloads):
        got = starter.get(f"{NGINX}/{NAME}", host=host, seconds=600)
        assert_exact(got, NAME, SIZE)
        seconds += got.info["time_total"]
        got.target.unlink()
    used = [cpu_seconds(each.process.pid) - start
            for each, start in zip(daemons, before)]
    gigabytes = downloads * SIZE / 1e9
    return {"gbit": 8 * gigabytes / seconds,
            "cpu": [each / gigabytes for each in used]}


def one_round(lab, folder: str, downloads: int) -> dict:
    starter = Starter(lab, Path(folder))
    out = {}
    try:
        ours = starter.daemon(1, log_level='"warn"', pool_audit="0")
        theirs = starter.daemon(2, log_level='"warn"')
        ours.wait_for_peers(1, 10)
        measure(starter, [ours, theirs], 1, 1)
        out["peer"] = measure(starter, [ours, theirs], 1, downloads)
        brought = ours.transfer(f"{NGINX}/{NAME}")["bytes"]
        out["share"] = brought.get(theirs.name, 0) / SIZE
    finally:
        starter.stop()
    starter = Starter(lab, Path(folder))
    try:
        alone = starter.daemon(2, log_level='"warn"', pool_enabled="false")
        measure(starter, [alone], 2, 1)
        out["unpooled"] = measure(starter, [alone], 2, downloads)
    finally:
        starter.stop()
    return out


def report(rounds: list) -> None:
    def middle(pick):
        return median([pick(each) for each in rounds])
    share = middle(lambda x: x["share"])
    print(f"through a peer: {middle(lambda x: x['peer']['gbit']):.2f} Gbit/s, "
          f"{100 * share:.1f} % of the bytes by the peer")
    print("  processor seconds for each GB: "
          f"{middle(lambda x: sum(x['peer']['cpu'])):.2f} "
          f"({middle(lambda x: x['peer']['cpu'][0]):.2f} here, "
          f"{middle(lambda x: x['peer']['cpu'][1]):.2f} at the peer)")
    print(f"unpooled: {middle(lambda x: x['unpooled']['gbit']):.2f} Gbit/s")
    print("  processor seconds for each GB: "
          f"{middle(lambda x: sum(x['unpooled']['cpu'])):.2f}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--downloads", type=int, default=8,
                        help="of 100 MB in a round")
    wanted = parser.parse_args()
    lab = lab_module.Lab(f"bench{os.getpid()}")
    try:
        lab.up([1, 1000])
        lab.unshape(2)
        for host in (1, 2, "origin"):
            lab.run(host, "sysctl", "-qw",
                    "net.ipv4.tcp_congestion_control=reno")
        rounds = []
        with tempfile.TemporaryDirectory() as folder:
            for number in range(wanted.rounds):
                rounds.append(one_round(lab, folder, wanted.downloads))
                last = rounds[-1]
                print(f"round {number + 1}: peer {last['peer']['gbit']:.2f} "
                      f"Gbit/s {sum(last['peer']['cpu']):.2f} s/GB  unpooled "
                      f"{last['unpooled']['gbit']:.2f} Gbit/s "
                      f"{sum(last['unpooled']['cpu']):.2f} s/GB", flush=True)
        print("congestion control: reno")
        report(rounds)
    except lab_module.LabError as problem:
        print(f"peer_path.py: {problem}", file=sys.stderr)
        return 1
    finally:
        lab.down()
    return 0


if __name__ == "__main__":
    sys.exit(main())
