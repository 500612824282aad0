#!/usr/bin/python3
"""How fast `peapod get` is with https: over all lines of a pod, and over one
line beside curl and aria2, in interleaved rounds. Prints the medians, and the
ratios to what the lines can carry and to the others.

    sudo tests/bench/get.py [--rounds 3] [--size 100000000]
                            [--rates 40 40 40] [--no-aria2]
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE.parent / "support"), str(HERE.parent / "e2e")]

import lab as lab_module  # noqa: E402
import content  # noqa: E402
from harness import BINARY  # noqa: E402
from lab_base import NGINX_ADDRESS  # noqa: E402
from lab_servers import SIZES  # noqa: E402
from loopback import congestion_control  # noqa: E402
from pods import Starter  # noqa: E402

#: What downloads; another one than the daemons, to compare builds.
GET = os.environ.get("PEAPOD_GET", BINARY)

#: What TCP over Ethernet carries of a line's bits: 1448 bytes of payload in
#: 1514 that the line counts.
PAYLOAD = 1448 / 1514


class Bench:
    def __init__(self, lab, folder: Path, size: int):
        self.lab, self.folder, self.size = lab, folder, size
        self.url = f"https://{NGINX_ADDRESS}/{size}.bin"
        self.digest = content.sha256(f"{size}.bin", size)

    def timed(self, *words) -> float:
        """Mbit/s of one command on host 1 that makes the file `got`."""
        got = self.folder / "got"
        got.unlink(missing_ok=True)
        env = [f"SSL_CERT_FILE={self.lab.ca_file}",
               f"STATE_DIRECTORY={self.folder / 'state'}"]
        began = time.monotonic()
        self.lab.run(1, "env", *env, *words)
        took = time.monotonic() - began
        found = subprocess.run(["sha256sum", got], check=True, text=True,
                               capture_output=True).stdout.split()[0]
        assert found == self.digest, f"{words[0]}: wrong bytes"
        return self.size * 8 / 1e6 / took

    def get(self, *words) -> float:
        return self.timed(GET, "get", "-q", "-P", self.folder, "-o", "got",
                          *words, self.url)

    def pod(self) -> float:
        starter = Starter(self.lab, self.folder)
        try:
            daemons = [starter.daemon(host, log_level='"warn"',
                                      share_allow_private='["10.77.0.0/16"]')
                       for host in self.lab.hosts]
            daemons[0].wait_for_peers(len(daemons) - 1, 10)
            receipt = self.folder / "receipt"
            out = self.get("--socket", daemons[0].socket, "--receipt", receipt)
            print("   ", receipt.read_text().split('"devices":')[1]
                  .split("]")[0], file=sys.stderr)
            return out
        finally:
            starter.stop()

    def alone(self) -> float:
        return self.get("--direct")

    def curl(self) -> float:
        return self.timed("curl", "-sS", "--cacert", self.lab.ca_file, "-o",
                          self.folder / "got", self.url)

    def aria2(self) -> float:
        return self.timed("aria2c", "-q", "-x1", "--ca-certificate",
                          self.lab.ca_file, "--file-allocation=none", "-d",
                          self.folder, "-o", "got", self.url)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, default=100_000_000,
                        choices=SIZES)
    parser.add_argument("--rates", type=float, nargs="+",
                        default=[40, 40, 40])
    parser.add_argument("--no-aria2", action="store_true")
    args = parser.parse_args()
    if not args.no_aria2 and not shutil.which("aria2c"):
        sys.exit("aria2c is missing: tools/setup --rivals, or --no-aria2")
    lab = lab_module.Lab(f"bench{os.getpid()}")
    lab.up(args.rates)
    found = {}
    try:
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(lab, Path(folder), args.size)
            ways = ["pod", "alone", "curl"]
            ways += [] if args.no_aria2 else ["aria2"]
            for _ in range(args.rounds):
                for way in ways:
                    found.setdefault(way, []).append(getattr(bench, way)())
    finally:
        lab.down()
    median = {way: statistics.median(x) for way, x in found.items()}
    for way, speed in median.items():
        print(f"{way:8} {speed:7.1f} Mbit/s   "
              f"{' '.join(f'{x:.1f}' for x in found[way])}")
    everybody = sum(args.rates) * PAYLOAD
    print(f"congestion control: {congestion_control()}")
    print(f"pod / all lines     {median['pod'] / everybody:.3f}")
    print(f"alone / its line    "
          f"{median['alone'] / (args.rates[0] * PAYLOAD):.3f}")
    for way in ways[2:]:
        print(f"alone / {way:11} {median['alone'] / median[way]:.3f}")


if __name__ == "__main__":
    main()
