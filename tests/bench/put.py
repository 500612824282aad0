#!/usr/bin/python3
"""How fast `peapod put` is with https: in parts over all lines of a pod, to tus
and to S3, and as one PUT over one line beside curl, in interleaved rounds.
Prints the medians, and the ratios to what the lines can carry and to curl.

    sudo tests/bench/put.py [--rounds 3] [--size 100000000]
                            [--rates 40 40 40]
"""

import argparse
import json
import os
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
from lab_base import HOSTILE_ADDRESS  # noqa: E402
from pods import Starter  # noqa: E402
from upload_servers import KEY_ID, REGION, SECRET  # noqa: E402

#: What uploads; another one than the daemons, to compare builds.
PUT = os.environ.get("PEAPOD_PUT", BINARY)

#: What TCP over Ethernet carries of a line's bits: 1448 bytes of payload in
#: 1514 that the line counts.
PAYLOAD = 1448 / 1514

class UploadServer:
    """The servers of the lab's internet, in a process of their own."""

    origin = f"https://{HOSTILE_ADDRESS}"

    def __init__(self, lab):
        self.process = lab.popen(
            "origin", sys.executable, HERE.parent / "support/serve_uploads.py",
            HOSTILE_ADDRESS, "--cert", lab.folder / "origin.pem", "--key",
            lab.folder / "origin.key", stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()

    def took(self) -> str:
        """The hash of the next file that is there."""
        return self.process.stdout.readline().split()[0]


class Bench:
    def __init__(self, lab, folder: Path, size: int):
        self.lab, self.folder, self.size = lab, folder, size
        self.file = folder / "file"
        with open(self.file, "wb") as out:
            out.writelines(content.pieces("put", 0, size))
        self.digest = content.sha256("put", size)
        self.server = UploadServer(lab)

    def timed(self, *words) -> float:
        """Mbit/s of one command on host 1 that brings the file."""
        env = [f"SSL_CERT_FILE={self.lab.ca_file}",
               f"AWS_ENDPOINT_URL={self.server.origin}",
               f"AWS_ACCESS_KEY_ID={KEY_ID}", f"AWS_SECRET_ACCESS_KEY={SECRET}",
               f"AWS_REGION={REGION}", f"STATE_DIRECTORY={self.folder}"]
        began = time.monotonic()
        self.lab.run(1, "env", *env, *words)
        took = time.monotonic() - began
        assert self.server.took() == self.digest, f"{words[0]}: wrong bytes"
        return self.size * 8 / 1e6 / took

    def put(self, where: str, *words) -> float:
        receipt = self.folder / "receipt"
        out = self.timed(PUT, "put", "-q", "--receipt", receipt, *words,
                         self.file, where)
        it = json.loads(receipt.read_text())["upload"]
        shares = [x["bytes"] // 1000 for x in it["devices"]]
        print(f"    {it['protocol']:4} {out:6.1f} Mbit/s, {it['parts']} parts, kB by "
              f"device {shares}, {it['duplicate_bytes']} bytes twice",
              file=sys.stderr)
        return out

    def over_all(self, where: str) -> float:
        starter = Starter(self.lab, self.folder)
        try:
            daemons = [starter.daemon(host, log_level='"warn"',
                                      share_allow_private='["10.77.0.0/16"]')
                       for host in self.lab.hosts]
            daemons[0].wait_for_peers(len(daemons) - 1, 10)
            return self.put(where, "--socket", daemons[0].socket)
        finally:
            starter.stop()

    def s3(self) -> float:
        return self.over_all("s3://bucket/key")

    def tus(self) -> float:
        return self.over_all(f"{self.server.origin}/files")

    def alone(self) -> float:
        return self.put(f"{self.server.origin}/file", "--direct")

    def curl(self) -> float:
        return self.timed("curl", "-sS", "--cacert", self.lab.ca_file,
                          "-T", self.file,
                          f"{self.server.origin}/file")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, default=100_000_000)
    parser.add_argument("--rates", type=float, nargs="+",
                        default=[40, 40, 40])
    parser.add_argument("--only", nargs="+",
                        choices=["s3", "tus", "alone", "curl"],
                        default=["s3", "tus", "alone", "curl"])
    args = parser.parse_args()
    lab = lab_module.Lab(f"bench{os.getpid()}")
    lab.up(args.rates)
    found = {}
    try:
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(lab, Path(folder), args.size)
            for _ in range(args.rounds):
                for way in args.only:
                    found.setdefault(way, []).append(getattr(bench, way)())
    finally:
        lab.down()
    median = {way: statistics.median(x) for way, x in found.items()}
    for way, speed in median.items():
        print(f"{way:8} {speed:7.1f} Mbit/s   "
              f"{' '.join(f'{x:.1f}' for x in found[way])}")
    everybody = sum(args.rates) * PAYLOAD
    for way in ("s3", "tus"):
        if way in median:
            print(f"{way:5} / all lines  {median[way] / everybody:.3f}")
    if "alone" in median:
        print(f"alone / its line   "
              f"{median['alone'] / (args.rates[0] * PAYLOAD):.3f}")
    if {"alone", "curl"} <= median.keys():
        print(f"alone / curl       {median['alone'] / median['curl']:.3f}")


if __name__ == "__main__":
    main()
