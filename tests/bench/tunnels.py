#!/usr/bin/python3
"""HTTPS over the lines of a pod, side by side in each round:

- eight names at once through the proxy over three lines of 40 Mbit/s, as a
  browser loads them, compared with what the lines can carry;
- one tunnel through a peer over an unshaped network, with and without TLS in
  it, beside the same over the own line;
- how much longer a CONNECT through a peer takes, beyond one round trip of the
  local network.

    sudo tests/bench/tunnels.py [--rounds 3] [--seconds 12]
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE.parent / "support"), str(HERE.parent / "e2e")]

import lab as lab_module  # noqa: E402
from lab_base import NGINX_ADDRESS  # noqa: E402
from loopback import congestion_control, median  # noqa: E402
from pods import Starter, assert_exact, wait_until  # noqa: E402

#: What TCP over Ethernet carries of a line's bits, and TLS 1.3 of that: 22
#: bytes of each record of 16 KiB are its own.
PAYLOAD = 1448 / 1514 * (1 - 22 / 16406)
SITES = [f"www.site{i}.test" for i in range(1, 9)]
SIZE = 100_000_000
RATES = [40, 40, 40]


def form_pod(lab, folder, hosts) -> Starter:
    starter = Starter(lab, Path(folder))
    first, *others = [starter.daemon(host, log_level='"warn"')
                      for host in hosts]
    first.wait_for_peers(len(others), 10)
    wait_until(lambda: sum(p["tunnels"] for p in first.connected_peers())
               == len(others), 5, "all of them open tunnels")
    starter.exit = others[-1].status()["device"]["id"]
    return starter


# -- several names ------------------------------------------------------------


def many_names(lab, folder, seconds: float) -> float:
    """The part of what the lines carry that eight clients get of it, each with
    one large file of a name of its own."""
    starter = form_pod(lab, folder, (1, 2, 3))
    try:
        downloads = [starter.start(f"https://{site}/{SIZE}.bin", "--cacert",
                                   lab.ca_file, seconds=600)
                     for site in SITES]
        for each in downloads:
            each.wait_for_size(100_000)
        begin, before = time.monotonic(), sum(d.size for d in downloads)
        wait_until(lambda: time.monotonic() - begin > seconds, seconds + 5)
        took = time.monotonic() - begin
        bits = 8 * (sum(d.size for d in downloads) - before)
        for each in downloads:
            assert each.process.poll() is None
            each.process.kill()
            each.process.wait()
        return bits / took / 1e6 / (sum(RATES) * PAYLOAD)
    finally:
        starter.stop()


# -- one tunnel ---------------------------------------------------------------


def one_tunnel(starter, line: str, scheme: str) -> float:
    """Gbit/s of one tunnel, whose bytes are checked."""
    options = ["--proxytunnel", "--proxy-header", f"PeaPod-Exit: {line}"]
    if scheme == "https":
        options += ["--cacert", starter.lab.ca_file]
    got = starter.get(f"{scheme}://www.site1.test/{SIZE}.bin", *options)
    assert_exact(got, f"{SIZE}.bin", SIZE)
    got.target.unlink()
    return 8 * SIZE / 1e9 / got.info["time_total"]


ROUND_TRIP = """
import socket, sys, time
for _ in range(50):
    begin = time.perf_counter()
    with socket.create_connection((sys.argv[1], 45679)):
        print(1000 * (time.perf_counter() - begin))
"""


def round_trip(lab) -> float:
    """Milliseconds of a TCP connection to the peer, which is one round trip."""
    done = lab.run(1, sys.executable, "-c", ROUND_TRIP, lab.lan_address(2))
    return median([float(x) for x in done.stdout.split()])


CONNECT = """
import socket, sys, time
target, line, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
for _ in range(count):
    with socket.create_connection(("127.0.0.1", 3128)) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        begin = time.perf_counter()
        s.sendall(f"CONNECT {target} HTTP/1.1\\r\\nHost: {target}\\r\\n"
                  f"PeaPod-Exit: {line}\\r\\n\\r\\n".encode())
        answer = s.recv(4096)
        print(1000 * (time.perf_counter() - begin))
        assert b" 200 " in answer, answer
"""


def connect_time(lab, line: str, count: int = 60) -> float:
    """Milliseconds from a CONNECT to its 200."""
    done = lab.run(1, sys.executable, "-c", CONNECT, f"{NGINX_ADDRESS}:443",
                   line, count)
    return median([float(x) for x in done.stdout.split()])


def unshaped(lab, folder) -> dict:
    starter = form_pod(lab, folder, (1, 2))
    try:
        out = {}
        for name, line in (("peer", starter.exit), ("own", "own")):
            for scheme in ("http", "https"):
                one_tunnel(starter, line, scheme)
                out[f"{name} {scheme}"] = one_tunnel(starter, line, scheme)
            connect_time(lab, line, 5)
            out[f"{name} connect"] = connect_time(lab, line)
        out["lan"] = round_trip(lab)
        return out
    finally:
        starter.stop()


def report(rounds: list) -> None:
    def middle(name):
        return median([each[name] for each in rounds])
    extra = median([x["peer connect"] - x["own connect"] - x["lan"]
                    for x in rounds])
    print(f"eight names over {RATES} Mbit/s: {middle('names'):.3f} of what "
          "they carry")
    for scheme, words in (("http", "as it is"), ("https", "with TLS in it")):
        peer, own = middle(f"peer {scheme}"), middle(f"own {scheme}")
        print(f"one tunnel through a peer, {words}: {peer:.2f} Gbit/s, "
              f"{peer / own:.2f} of one over the own line")
    print(f"congestion control: {congestion_control()}")
    print(f"CONNECT through a peer: {middle('peer connect'):.2f} ms, own line "
          f"{middle('own connect'):.2f} ms; one round trip of the local "
          f"network {middle('lan'):.2f} ms; {extra:.2f} ms beyond both")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=12)
    wanted = parser.parse_args()
    rounds = []
    try:
        for number in range(wanted.rounds):
            result = {}
            for rates in (RATES, None):
                lab = lab_module.Lab(f"bench{os.getpid()}")
                lab.up(rates or [1000, 1000])
                try:
                    if rates is None:
                        for host in (1, 2):
                            lab.unshape(host)
                    with tempfile.TemporaryDirectory() as folder:
                        if rates:
                            result["names"] = many_names(lab, folder,
                                                         wanted.seconds)
                        else:
                            result.update(unshaped(lab, folder))
                finally:
                    lab.down()
            rounds.append(result)
            print(f"round {number + 1}: " + ", ".join(
                f"{key} {value:.3f}" for key, value in result.items()),
                flush=True)
        report(rounds)
    except lab_module.LabError as problem:
        print(f"tunnels.py: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
