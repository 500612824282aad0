"""A member of the pod that breaks the rules of records: its session ends, the
daemon and its other sessions do not."""

import contextlib
import os
import struct

import noise
import protocol1
import protocol2
import pytest
from abuse import costs, served
from protocol2_peer import Ended, Session

SETTINGS = {"transport.legacy": "true"}
UNKNOWN = struct.pack("<I", 4711)  # a tag of the future: skipped


@pytest.fixture
def member(victim, strangers):
    with strangers.member() as session:
        yield session


def test_a_whole_session_opens_and_brings_a_range(victim, member):
    assert member.peer["name"] == victim.name
    assert member.peer["versions"] == b"\2"
    assert served(member)
    assert member.is_alive()
    assert member.device_id in [p["id"] for p in victim.connected_peers()]


# -- records that do not open -------------------------------------------------


def flipped(record: bytes, at: int) -> bytes:
    return record[:at] + bytes([record[at] ^ 1]) + record[at + 1:]


def replayed(session):
    """the same record twice"""
    record = session.seal(UNKNOWN)
    session.send_raw(record + record)


def replayed_from_the_beginning(session):
    """the very first record once more"""
    session.send_raw(session.sent[0])


def reordered(session):
    """the second before the first"""
    first, second = session.seal(UNKNOWN), session.seal(UNKNOWN)
    session.send_raw(second + first)


def left_out(session):
    """the second without the first"""
    session.seal(UNKNOWN)
    session.send("Ping", token=1)


def reflected(session):
    """the victim's own record back to it"""
    record = session.read_record()
    session.opener.open(record[4:])  # others may follow it
    session.send_raw(record)


def sealed_with_the_other_direction(session):
    """a record under the key that the victim seals with"""
    other = noise.CipherState(session.opener.cipher.key,
                              session.sealer.cipher.nonce)
    session.send_raw(protocol2.Records(other).seal(UNKNOWN))


def another_session(session):
    """a record that was sealed for nobody"""
    session.send_raw(protocol2.Records(
        noise.CipherState(os.urandom(32))).seal(UNKNOWN))


def counter_from_0(session):
    """a counter that begins anew"""
    session.sealer.cipher.nonce = 0
    session.send("Ping", token=1)


def counter_at_its_end(session):
    """the last counter that Noise allows"""
    session.sealer.cipher.nonce = 2**64 - 2
    session.send_raw(session.sealer.seal(UNKNOWN))


def first_bit_flipped(session):
    session.send_raw(flipped(session.seal(UNKNOWN), 4))


def tag_flipped(session):
    session.send_raw(flipped(session.seal(UNKNOWN), -1))


def shorter(session):
    """one byte less than was sealed, and a length that says so"""
    sealed = session.seal(UNKNOWN)[4:-1]
    session.send_raw(struct.pack("<I", len(sealed)) + sealed)


def rekeyed_too_early(session):
    session.sealer.cipher.rekey()
    session.send("Ping", token=1)


# -- lengths ------------------------------------------------------------------


def length(value: int, rest: bytes = b""):
    def attack(session):
        session.send_raw(struct.pack("<I", value) + rest)
    attack.__name__ = f"length_of_{value}"
    return attack


LENGTHS = [length(x) for x in (0, 1, 15, 65536, 1 << 24, 2**31, 2**32 - 1)]


def only_a_tag(session):
    """a record without text"""
    session.send_raw(session.seal(b""))


# -- what is no message -------------------------------------------------------


def text(name: str, data: bytes):
    def attack(session):
        session.send(data)
    attack.__name__ = name
    return attack


TEXTS = [
    text("half_a_tag", b"\x10\0"),
    text("a_message_of_protocol_1", struct.pack("<I", 4) + bytes(24)),
    text("bytes_behind_it", protocol2.encode({"type": "Welcome"}) + b"\0"),
    text("a_field_that_ends_early", struct.pack("<IH", 16, 1)),
    text("a_payload_of_2_to_the_64", struct.pack("<IIQQ", 20, 1, 0, 2**64 - 1)),
    text("a_flag_of_2", struct.pack("<IB", 29, 2) + bytes(3)),
    text("fields_without_end", struct.pack("<II", 18, 1) + protocol2.TEXT.write(
        "http://a/") + struct.pack("<QQ", 0, 1) + bytes(3)
        + struct.pack("<Q", 2**63)),
]


@pytest.mark.parametrize("attack", [
    replayed, replayed_from_the_beginning, reordered, left_out, reflected,
    sealed_with_the_other_direction, another_session, counter_from_0,
    counter_at_its_end, first_bit_flipped, tag_flipped, shorter,
    rekeyed_too_early, only_a_tag, *LENGTHS, *TEXTS,
], ids=lambda attack: attack.__name__.replace("_", "-"))
def test_what_breaks_a_record_ends_its_session_alone(victim, strangers,
                                                     attack):
    with strangers.member() as other, strangers.member() as session:
        with costs(victim, mib=4):
            attack(session)
            assert session.is_closed_within(3)
        assert served(other)


def test_half_a_record_and_an_end_is_no_message(victim, strangers):
    with strangers.member() as other:
        with strangers.member() as session:
            record = session.seal(protocol2.encode({"type": "Welcome"}))
            session.send_raw(record[:-1])
        assert served(other)


def test_tags_of_the_future_are_skipped(member):
    for _ in range(100):
        member.send(UNKNOWN + os.urandom(50))
    assert served(member)


def test_keys_change_after_65536_records_and_not_otherwise(strangers):
    """Who goes on with the old key does not get through with it."""
    with strangers.member() as good, strangers.member() as bad:
        bad.sealer._rekey_when_due = lambda: None
        for _ in range(63):
            for session in (good, bad):
                session.send_raw(b"".join(
                    session.seal(UNKNOWN) for _ in range(1024)))
        assert bad.is_alive()
        for session in (good, bad):
            with contextlib.suppress(Ended):
                while session.sealer.cipher.nonce <= 65536:
                    session.send(UNKNOWN)
        assert good.is_alive() and served(good)
        assert bad.is_closed_within(3)


def test_lengths_cost_no_memory_before_their_bytes_come(victim, strangers):
    """64 sessions that each announce the longest record there is."""
    sessions = [strangers.member(seconds=20) for _ in range(40)]
    with costs(victim, mib=8):
        for session in sessions:
            session.send_raw(struct.pack("<I", 65535) + bytes(100))
        with strangers.member() as other:
            assert served(other)
        for session in sessions:
            session.sock.close()


# -- protocol 1 ---------------------------------------------------------------


def legacy(strangers, *records: bytes) -> Session:
    """A session of protocol 1, and what is sent in it after a Heartbeat."""
    identity = protocol1.Identity(os.urandom(32))
    session = Session(strangers.connect())
    session.send_raw(protocol1.handshake(identity))
    _, key = protocol1.read_handshake(session.read_raw(49))
    seal = protocol1.Seal(identity.session_key(key))
    beat = protocol1.encode(
        {"type": "Heartbeat", "device_id": identity.device_id})
    session.send_raw(protocol1.frame(seal.seal(beat)))
    for record in records:
        session.send_raw(
            record(seal) if callable(record) else record)
    return session


def frame_that_claims(size: int):
    """A record whose frame says that it is longer than it is."""
    return lambda seal: protocol1.frame(
        seal.seal(struct.pack("<I", size) + bytes(60)))


@pytest.mark.parametrize("bomb", [
    *(struct.pack("<I", size) for size in (
        1 << 17, (16 << 20) - 1, 16 << 20, (16 << 20) + 1, 2**32 - 1)),
    *map(frame_that_claims, (61, 16 << 20, (16 << 20) + 1, 2**32 - 1)),
], ids=["record-128KiB", "record-almost-16MiB", "record-16MiB",
        "record-above-16MiB", "record-4GiB", "frame-one-more", "frame-16MiB",
        "frame-above-16MiB", "frame-4GiB"])
def test_frames_of_protocol_1_that_are_too_long_end_it(victim, strangers,
                                                       bomb):
    """Nobody is waiting for a chunk, so a frame of 16 MiB is none either."""
    with strangers.member() as other:
        with costs(victim, mib=4), legacy(strangers, bomb) as session:
            assert session.is_closed_within(3)
        assert served(other)


def test_many_frames_of_16_mib_at_a_time_cost_little(victim, strangers):
    """Bytes of a frame that is too long are not collected."""
    bomb = struct.pack("<I", 16 << 20) + bytes(1 << 20)
    with costs(victim, mib=16):
        for _ in range(20):
            try:
                with legacy(strangers, bomb) as session:
                    assert session.is_closed_within(3)
            except Ended:
                pass  # while it was still sending
    with strangers.member(seconds=10) as other:
        assert served(other)
