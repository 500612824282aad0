#!/usr/bin/env python3
"""A STUN server (RFC 8489) for the lab: tells whoever asks where its question
came from, or with --say ADDRESS always the same."""

import argparse
import socket
import struct

COOKIE = 0x2112A442
BINDING_REQUEST, BINDING_SUCCESS = 0x0001, 0x0101
XOR_MAPPED_ADDRESS, IPV4 = 0x0020, 1


def answer(question: bytes, address: str, port: int):
    """The answer to a question from there; None when it is none."""
    if len(question) < 20:
        return None
    kind, length, cookie = struct.unpack_from(">HHI", question)
    if (kind, length, cookie) != (BINDING_REQUEST, len(question) - 20, COOKIE):
        return None
    number = struct.unpack(">I", socket.inet_aton(address))[0]
    value = struct.pack(">xBHI", IPV4, port ^ COOKIE >> 16, number ^ COOKIE)
    body = struct.pack(">HH", XOR_MAPPED_ADDRESS, len(value)) + value
    return (struct.pack(">HHI", BINDING_SUCCESS, len(body), COOKIE)
            + question[8:20] + body)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", default="0.0.0.0:3478")
    parser.add_argument("--say", help="this address instead of the true one")
    parser.add_argument("--from", dest="source", help="answers come from this "
                        "address, which nobody has asked")
    options = parser.parse_args()
    host, _, port = options.listen.rpartition(":")
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((host, int(port)))
    sender = server
    if options.source:
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sender.bind((options.source, int(port)))
    print("ready", flush=True)
    while True:
        question, (address, port) = server.recvfrom(2048)
        said = answer(question, options.say or address, port)
        if said:
            sender.sendto(said, (address, port))


if __name__ == "__main__":
    main()
