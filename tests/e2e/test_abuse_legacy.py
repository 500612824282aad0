"""Strangers who do things by halves where protocol 1 is allowed."""

import contextlib
import os
import time

import protocol1
from abuse import ADDRESSES, VICTIM
from pods import NGINX, assert_exact
from protocol2_peer import Ended, Session

SIZE = 10_000_000
FIRST_BYTE, HANDSHAKE = 5.0, 5.0


def handshake() -> bytes:
    return protocol1.handshake(protocol1.Identity(os.urandom(32)))


def byte_by_byte(session: Session) -> None:
    with contextlib.suppress(Ended, StopIteration):
        session.send_raw(bytes([next(session.rest)]))


def test_half_of_protocol_1_ends_in_ten_seconds(alone, strangers):
    """Silence, one byte, all but one, a frame that does not come, and a byte
    at a time; who was there before is served meanwhile."""
    victim = alone.daemon(VICTIM, transport_legacy="true")
    friend = alone.daemon(2, transport_legacy="true")
    victim.wait_for_peers(1, 5)
    held = []
    for number, said in enumerate((0, 1, 20, 48, 49)):
        session = Session(strangers.connect(ADDRESSES[number]))
        session.send_raw(handshake()[:said])
        held.append(session)
    slow = Session(strangers.connect(ADDRESSES[6]))
    slow.rest = iter(handshake() + bytes([0, 0, 1, 0]) + bytes(255))
    held.append(slow)
    until = time.monotonic() + FIRST_BYTE + HANDSHAKE + 3

    url = f"{NGINX}/{SIZE}.bin"
    assert_exact(alone.get(url), f"{SIZE}.bin", SIZE)
    assert victim.transfer(url)["bytes"].get(friend.name, 0) > 0
    left = held
    while left and time.monotonic() < until:
        byte_by_byte(slow)
        left = [x for x in left if not x.is_closed_within(0.05)]
    assert not left
    assert [p["name"] for p in victim.connected_peers()] == [friend.name]
    for session in held:
        session.sock.close()
