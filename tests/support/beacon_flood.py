#!/usr/bin/env python3
"""Sends beacons of invented devices to the discovery group, from any IPv4
source addresses: for hosts of the lab, where that may be done.

    beacon_flood.py --interface lan0 --from 10.77.0.100 --count 10000
    beacon_flood.py --interface lan0 --network 10.77.0.0/24 --count 10000

Prints how many were sent, and in how many seconds, as JSON."""

import argparse
import ipaddress
import itertools
import json
import os
import socket
import struct
import sys
import time

import protocol1

GROUP = "239.255.60.60"
PORT = 45678
IP_TRANSPARENT = 19  # ip(7)


def beacon(key: bytes, port: int = 45679) -> bytes:
    """The beacon of a device that speaks protocol 2."""
    plain = protocol1.encode({
        "type": "Beacon", "protocol_version": 2, "public_key": key,
        "device_id": protocol1.device_id(key), "listen_port": port})
    return protocol1.frame(plain[4:] + b"PP2\x02\x00\x00\x00")


def sender(address: str, interface: str) -> socket.socket:
    """A socket that sends from an address that need not be ours."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_IP, IP_TRANSPARENT, 1)
    index = socket.if_nametoindex(interface)
    made.setsockopt(socket.SOL_IP, socket.IP_MULTICAST_IF,
                    struct.pack("@4s4si", bytes(4), bytes(4), index))
    made.bind((address, 0))
    return made


def addresses(options) -> list:
    if options.source:
        return options.source
    network = ipaddress.ip_network(options.network)
    own = {f"10.77.0.{host}" for host in range(1, 10)}
    return [str(a) for a in network.hosts() if str(a) not in own]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--interface", required=True)
    parser.add_argument("--from", dest="source", action="append")
    parser.add_argument("--network")
    parser.add_argument("--count", type=int, default=10000)
    parser.add_argument("--rate", type=float, default=5000, help="a second")
    options = parser.parse_args()
    sockets = [sender(a, options.interface) for a in addresses(options)]
    begin = time.monotonic()
    for i, one in zip(range(options.count), itertools.cycle(sockets)):
        one.sendto(beacon(os.urandom(32)), (GROUP, PORT))
        ahead = begin + i / options.rate - time.monotonic()
        if ahead > 0.005:
            time.sleep(ahead)
    took = time.monotonic() - begin
    print(json.dumps({"sent": options.count, "seconds": took}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
