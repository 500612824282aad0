#!/usr/bin/python3
"""Opens connections to one port as fast as this machine can, from several
addresses, says something on each or nothing, and resets them. Says at the end
how many there were.

    flood.py --to 10.77.0.1:45679 --seconds 3 --from 10.77.0.101 10.77.0.102
"""

import argparse
import collections
import contextlib
import itertools
import json
import socket
import struct
import time

RESET = struct.pack("ii", 1, 0)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--to", required=True, help="ADDRESS:PORT")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--from", nargs="+", dest="sources", required=True)
    parser.add_argument("--say", default="", help="bytes as hexadecimal text")
    parser.add_argument("--open", type=int, default=200,
                        help="how many stay open behind the newest one")
    return parser.parse_args()


def connect(source: str, to: tuple) -> socket.socket:
    """A connection that is being made."""
    made = socket.socket()
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    made.bind((source, 0))
    made.connect_ex(to)
    return made


def main() -> None:
    wanted = arguments()
    address, _, port = wanted.to.rpartition(":")
    to, say = (address, int(port)), bytes.fromhex(wanted.say)
    made, count = collections.deque(), 0
    sources = itertools.cycle(wanted.sources)
    started = time.monotonic()
    while time.monotonic() - started < wanted.seconds:
        try:
            made.append(connect(next(sources), to))
            count += 1
        except OSError:
            time.sleep(0.001)  # out of ports for a moment
        if len(made) > wanted.open // 2:
            # By now it is made, or never will be.
            with contextlib.suppress(OSError):
                made[-wanted.open // 2].send(say)
        if len(made) > wanted.open:
            made.popleft().close()
    for one in made:
        one.close()
    print(json.dumps({"connections": count,
                      "seconds": time.monotonic() - started}))


if __name__ == "__main__":
    main()
