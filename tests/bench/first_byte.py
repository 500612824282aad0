#!/usr/bin/python3
"""How much later the first byte of a body comes through the daemon than
directly from nginx, on loopback, each over a connection of its own; direct
and proxied requests take turns. Prints medians and 95th percentiles.

    tests/bench/first_byte.py [--rounds 300]

The small file passes through; the large one is pooled, though there is no
peer.
"""

import argparse
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path

from loopback import congestion_control, daemon, median, nginx

SMALL, LARGE = 1000, 2_000_000


def first_byte(port: int, target: str, host: str) -> float:
    """Milliseconds from the beginning of the connection to the first byte
    of the body."""
    begin = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n"
                           "Connection: close\r\n\r\n".encode())
        got = b""
        while b"\r\n\r\n" not in got or got.endswith(b"\r\n\r\n"):
            more = connection.recv(65536)
            if not more:
                raise RuntimeError(f"no body: {got[:200]!r}")
            got += more
        took = time.perf_counter() - begin
        # An origin that still sends would be late for the next request.
        while connection.recv(65536):
            pass
    if not got.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"refused: {got[:200]!r}")
    return took * 1000


def measure(rounds: int) -> dict:
    """Milliseconds by (size, way)."""
    out = {(size, way): [] for size in (SMALL, LARGE)
           for way in ("direct", "proxied")}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        with nginx(folder, (SMALL, LARGE)) as origin, \
                daemon(folder) as (_, proxy):
            host = f"127.0.0.1:{origin}"
            for size in (SMALL, LARGE):
                path = f"/{size}.bin"
                for _ in range(rounds):
                    out[size, "direct"].append(
                        first_byte(origin, path, host))
                    out[size, "proxied"].append(
                        first_byte(proxy, f"http://{host}{path}", host))
    return out


def report(results: dict) -> None:
    for (size, way), times in results.items():
        print(f"{size:>9} bytes, {way:<8} median {median(times):6.3f} ms  "
              f"95% below {statistics.quantiles(times, n=20)[-1]:6.3f} ms")
    for size in (SMALL, LARGE):
        later = [p - d for d, p in zip(results[size, "direct"],
                                       results[size, "proxied"])]
        print(f"{size:>9} bytes: {median(later):.3f} ms later")
    print(f"congestion control: {congestion_control()}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=300)
    report(measure(parser.parse_args().rounds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
