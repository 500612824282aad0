"""Beacons that lie."""

import struct

import protocol1


def beacon(key: bytes, port: int, claimed_id=None, protocol: int = 2) -> bytes:
    """A beacon that says that the owner of `key` listens on `port` of wherever
    it comes from and speaks up to `protocol`: with PP2, or without it for
    protocol 1."""
    frame = protocol1.encode({
        "type": "Beacon", "protocol_version": protocol,
        "device_id": claimed_id or protocol1.device_id(key),
        "public_key": key, "listen_port": port})
    more = b"PP2" + struct.pack("<BHB", protocol, 0, 0) if protocol > 1 else b""
    return protocol1.frame(frame[4:] + more)
