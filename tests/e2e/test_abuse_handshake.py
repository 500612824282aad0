"""Strangers on the local network whose handshakes are not what they seem:
replayed, forged, malformed, without the secret."""

import base64
import os
import struct

import namespaces
import noise
import protocol1
import protocol2
import pytest
from abuse import STRANGERS, VICTIM, costs, ids, peers, served
from abuse_beacons import beacon
from protocol2_peer import Ended, Session


# -- handshakes that are not what they seem -----------------------------------


def test_a_replayed_first_message_is_no_session(alone, strangers):
    """Recorded from a session, sent again beside it and after it."""
    victim = alone.daemon(VICTIM)
    session = Session(strangers.connect())
    recorded = session.first_message(strangers.key())
    session.send_raw(recorded)
    session.read_answer()
    session.send("Ping", token=0)
    session.join()
    for _ in range(2):
        with Session(strangers.connect()) as again:
            again.send_raw(recorded)
            # The answer is sealed with an ephemeral key that is not known here.
            size, = struct.unpack("<H", again.read_raw(2))
            again.read_raw(size)
            assert ids(victim).count(session.device_id) <= 1
            again.send_raw(session.sent[0])  # its first record, too
            assert again.is_closed_within(2)
        assert session.is_alive() and served(session)
    assert ids(victim, "connected") == [session.device_id]
    session.sock.close()
    victim.wait_for_peers(0)
    with Session(strangers.connect()) as again:
        again.send_raw(recorded + b"")
        again.read_raw(2)
        assert not victim.connected_peers()
        again.send_raw(session.sent[0])
        assert again.is_closed_within(2)
    assert not victim.connected_peers()


def raw(data: bytes):
    return lambda session, key: data


def built(**options):
    """A first message; what differs is in `options`."""
    def make(session, key):
        session.keys = options.get("keys", session.keys)
        if "introduction" in options:
            session.introduction = options["introduction"]
        return session.first_message(options.get("to", key),
                                     options.get("e"))
    return make


def shows_the_victims_key(session, key):
    session.keys = noise.CounterfeitKeyPair(key)
    return session.first_message(key)


def more_than_a_message(session, key):
    return session.first_message(key) + b"\0"


def flipped_at(place: int):
    def make(session, key):
        out = bytearray(session.first_message(key))
        out[place] ^= 1
        return bytes(out)
    return make


ZERO = noise.ZeroKeyPair()
INTRODUCTION = protocol2.introduction
BAD_FIRST = {
    "protocol-3": raw(b"\3" + bytes(200)),
    "http": raw(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    "tls": raw(bytes.fromhex("1603010200010001fc0303") + bytes(200)),
    "protocol-1": raw(protocol1.handshake(protocol1.Identity(bytes(32)))),
    "two-questions": raw(b"??"),
    "length-0": raw(b"\2\0\0"),
    "length-95": raw(b"\2" + struct.pack("<H", 95) + bytes(95)),
    "length-1025": raw(b"\2" + struct.pack("<H", 1025) + bytes(1025)),
    "length-65535": raw(b"\2\xff\xff"),
    "zeros": raw(b"\2" + struct.pack("<H", 200) + bytes(200)),
    "for-another-key": built(to=noise.KeyPair().public),
    "ephemeral-key-of-low-order": built(e=ZERO),
    "all-keys-of-low-order": built(e=ZERO, keys=ZERO),
    "static-key-of-low-order": built(keys=ZERO),
    "somebody-elses-key": built(
        keys=noise.CounterfeitKeyPair(noise.KeyPair().public)),
    "victims-own-key": shows_the_victims_key,
    "more-than-a-message": more_than_a_message,
    "ephemeral-key-flipped": flipped_at(3),
    "static-key-flipped": flipped_at(3 + 32),
    "payload-flipped": flipped_at(-20),
    "tag-flipped": flipped_at(-1),
    "no-introduction": built(introduction=b""),
    "introduction-cut": built(introduction=INTRODUCTION()[:-3]),
    "agent-with-escapes": built(introduction=INTRODUCTION(agent="\x1b[2J")),
    "agent-too-long": built(introduction=INTRODUCTION(agent="a" * 65)),
    "name-too-long": built(introduction=INTRODUCTION(name="a" * 33)),
    "name-of-2-to-the-63": built(introduction=(
        protocol2.TEXT.write("a") + struct.pack("<Q", 2**63))),
    "name-that-is-no-text": built(introduction=INTRODUCTION(name=b"\xff")),
    "speaks-1-only": built(introduction=INTRODUCTION(versions=b"\1")),
    "nine-versions": built(introduction=INTRODUCTION(versions=b"\2" * 9)),
    "battery-of-101": built(introduction=INTRODUCTION(
        sharing=(1, None, None, 0, 101))),
}


def test_first_messages_that_are_wrong_get_no_answer(alone, strangers):
    """One row each; nothing is answered, nobody is shown, all are closed before
    the deadline of a handshake."""
    victim = alone.daemon(VICTIM)
    key = strangers.key()
    with strangers.member() as other, costs(victim, mib=8):
        for name, make in BAD_FIRST.items():
            with Session(strangers.connect()) as session:
                asked = name == "two-questions"
                session.send_raw(make(session, key))
                try:
                    answer = session.read_raw(33 if asked else 1, 3)
                except Ended:
                    answer = b""
                assert answer == b"", name
        assert served(other)
        assert ids(victim) == [other.device_id]
    assert "\x1b" not in victim.output()


def test_names_cannot_colour_what_people_see(alone, strangers):
    victim = alone.daemon(VICTIM)
    with strangers.member(name="\x1b[31m\r\nroot\x7f\x9b1m") as session:
        assert [p["name"] for p in peers(victim)] == [" [31m  root  1m"]
        assert served(session)
    assert not {"\x1b", "\x9b"} & set(victim.output())


# -- without the secret -------------------------------------------------------

RIGHT, WRONG = bytes(range(32)), bytes(range(1, 33))


def secret_file(alone, secret: bytes) -> str:
    target = alone.folder / "abuse-secret"
    target.touch(0o600)
    target.write_text(base64.b64encode(secret).decode() + "\n")
    return f'"{target}"'


def test_without_the_secret_there_is_no_session(alone, strangers):
    """What a stranger gets is the answer to a handshake that it cannot open."""
    victim = alone.daemon(VICTIM, trust_mode='"secret"',
                          **{"trust_secret-file": secret_file(alone, RIGHT)})
    with strangers.member(psk=protocol2.psk_of(RIGHT)) as member:
        assert served(member)
        for psk in (protocol2.NO_PSK, protocol2.psk_of(WRONG), RIGHT):
            with Session(strangers.connect(), psk=psk) as session:
                session.send_raw(session.first_message(strangers.key()))
                with pytest.raises(noise.Refused):
                    session.read_answer()
                # Whatever it goes on with, the victim cannot open it.
                session.handshake.symmetric.mix_key(bytes(32))
                sends, opens = session.handshake.split()
                session.sealer = protocol2.Records(sends)
                session.opener = protocol2.Records(opens)
                session.send("Ping", token=0)
                session.send("Welcome")
                assert session.is_closed_within(3)
        assert ids(victim) == [member.device_id]
        assert served(member)


# -- beacons that lie about others --------------------------------------------


def test_a_beacon_with_somebody_elses_key_leads_to_nobody(lab, alone,
                                                          strangers):
    """The victim dials where the beacon says, and whoever is there cannot
    answer for the key; the one whose key it is gets in as before."""
    victim = alone.daemon(VICTIM)
    honest, mine = noise.KeyPair(), noise.KeyPair()
    listener = namespaces.listen(lab, STRANGERS, lab.lan_address(STRANGERS))
    port = listener.getsockname()[1]
    listener.settimeout(5)
    udp = namespaces.datagrams(lab, STRANGERS, lab.lan_address(STRANGERS))
    to = (lab.lan_address(VICTIM), protocol1.DISCOVERY_PORT)
    # An id that is not of the key is not even dialled.
    udp.sendto(beacon(mine.public, port,
                      protocol1.device_id(honest.public)), to)
    udp.sendto(beacon(honest.public, port), to)
    taken, _ = listener.accept()
    with Session(taken, mine) as session:
        with pytest.raises(noise.Refused):
            session.accept()
        # A made-up answer of the right length.
        session.send_raw(protocol2.frame(os.urandom(120)))
        assert session.is_closed_within(3)
    assert not victim.connected_peers()
    with strangers.member(honest) as session:
        assert served(session)
        assert ids(victim, "connected") == [session.device_id]
    listener.close()
    udp.close()
