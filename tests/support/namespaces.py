"""Sockets of this process inside a host of the lab: a socket belongs to the
network namespace that its thread was in when it was made."""

import contextlib
import ctypes
import os
import socket
import subprocess

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _enter(descriptor: int) -> None:
    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


@contextlib.contextmanager
def inside(lab, host):
    """This thread makes its sockets inside a host."""
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        there = os.open(f"/run/netns/{lab.namespace(host)}", os.O_RDONLY)
        try:
            _enter(there)
        finally:
            os.close(there)
        try:
            yield
        finally:
            _enter(own)
    finally:
        os.close(own)


def connect(lab, host, to, source: str = "", seconds: float = 5.0):
    """A TCP connection from a host to (address, port), from the address
    `source` if one is given."""
    with inside(lab, host):
        return socket.create_connection(
            to, seconds, (source, 0) if source else None)


def listen(lab, host, address: str, port: int = 0):
    """A socket that listens inside a host."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with inside(lab, host):
        made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    made.bind((address, port))
    made.listen(128)
    return made


def datagrams(lab, host, address: str = "", port: int = 0):
    """A UDP socket inside a host."""
    with inside(lab, host):
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((address, port))
    return made


@contextlib.contextmanager
def more_addresses(lab, host, link: str, addresses):
    """A host has more addresses for a while, as in "10.77.0.101/24"."""
    def change(verb):
        flags = {x: " nodad" if ":" in x and verb == "add" else ""
                 for x in addresses}
        lines = [f"addr {verb} {x} dev {link}{flags[x]}\n" for x in addresses]
        with lab.popen(host, "ip", "-batch", "-", stdin=subprocess.PIPE,
                       text=True) as process:
            process.communicate("".join(lines))
        return process.returncode == 0
    assert change("add")
    try:
        yield
    finally:
        change("del")
