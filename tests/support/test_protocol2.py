"""The Python protocol 2 against published vectors and golden bytes."""

import hashlib
import json
from pathlib import Path

import noise
import protocol2
import pytest
from protocol2 import ANYTHING, SHARES

DATA = Path(__file__).resolve().parent.parent / "data" / "noise.json"
VECTORS = json.loads(DATA.read_text())["vectors"]
ETAG = "01" "0300000000000000" "226122"
SOME = ('"a"', None, 256)

# -- Noise --------------------------------------------------------------------


def side_of(vector: dict, is_initiator: bool) -> noise.HandshakeState:
    def field(name):
        return vector.get(("init_" if is_initiator else "resp_") + name, "")
    return noise.HandshakeState(
        vector["protocol_name"].split("_")[1], is_initiator,
        bytes.fromhex(field("prologue")),
        noise.KeyPair(bytes.fromhex(field("static"))),
        rs=bytes.fromhex(field("remote_static")),
        psks=[bytes.fromhex(psk) for psk in field("psks") or []],
        e=noise.KeyPair(bytes.fromhex(field("ephemeral"))))


@pytest.mark.parametrize("vector", VECTORS,
                         ids=lambda vector: vector["protocol_name"])
def test_published_vectors_give_their_bytes(vector):
    sides = [side_of(vector, True), side_of(vector, False)]
    ciphers = None
    for number, message in enumerate(vector["messages"]):
        payload = bytes.fromhex(message["payload"])
        writer, reader = number % 2, 1 - number % 2
        if ciphers is None:
            sent = sides[writer].write_message(payload)
            assert sides[reader].read_message(sent) == payload
        else:
            sent = ciphers[writer][0].encrypt(payload)
            assert ciphers[reader][1].decrypt(sent) == payload
        assert sent.hex() == message["ciphertext"]
        if ciphers is None and sides[0].is_finished:
            assert {x.hash.hex() for x in sides} == {vector["handshake_hash"]}
            ciphers = [x.split() for x in sides]


def handshake(psk=protocol2.NO_PSK, other_psk=None, key=None):
    """Both sides after a handshake."""
    alice, bob = noise.KeyPair(), noise.KeyPair()
    first = protocol2.initiator(alice, key or bob.public, psk)
    second = protocol2.responder(bob, other_psk or psk)
    hello = protocol2.introduction("alice")
    assert second.read_message(first.write_message(hello)) == hello
    assert second.rs == alice.public
    first.read_message(second.write_message(protocol2.introduction("bob")))
    return first, second


def test_both_sides_agree_on_keys_and_hash():
    first, second = handshake()
    assert first.hash == second.hash
    sends, _ = first.split()
    _, opens = second.split()
    assert opens.decrypt(sends.encrypt(b"hello")) == b"hello"


@pytest.mark.parametrize("wrong", [
    {"other_psk": bytes(31) + b"\1"}, {"key": noise.KeyPair().public}])
def test_another_secret_or_key_is_refused(wrong):
    with pytest.raises(noise.Refused):
        handshake(**wrong)


def test_a_key_of_low_order_is_noticed():
    with pytest.raises(noise.Refused):
        noise.KeyPair().dh(bytes(32))


class Blind(noise.KeyPair):
    """Does not mind keys of low order."""

    def dh(self, other: bytes) -> bytes:
        try:
            return super().dh(other)
        except noise.Refused:
            return bytes(32)


def test_who_does_not_look_is_spoken_to_without_any_secret():
    """The attack that the check is there for is one."""
    victim, zero = Blind(), noise.ZeroKeyPair()
    first = protocol2.initiator(zero, victim.public, e=zero)
    second = protocol2.responder(victim)
    second.e = Blind()
    hello = protocol2.introduction()
    assert second.read_message(first.write_message(hello)) == hello
    first.read_message(second.write_message(hello))
    assert first.hash == second.hash


# -- messages -----------------------------------------------------------------

GOLDEN = [
    ({"type": "Ping", "token": 0x0102030405060708},
     "10000000" "0807060504030201"),
    ({**protocol2.fetch(7, "http://a/b", 16, 32, SOME),
      "fields": [("Accept", "*/*")], "deadline": 1500, "urgency": 1},
     "12000000" "07000000" "0a00000000000000" "687474703a2f2f612f62"
     "1000000000000000" "2000000000000000" + ETAG + "00" "01"
     "0001000000000000" "0100000000000000" "0600000000000000" "416363657074"
     "0300000000000000" "2a2f2a" "dc050000" "01"),
    ({"type": "FetchHead", "id": 7, "status": 206, "found": SOME,
      "range": (16, 32)},
     "13000000" "07000000" "ce00" + ETAG + "00" "01" "0001000000000000"
     "1000000000000000" "2000000000000000"),
    ({"type": "Part", "id": 7, "offset": 16, "payload": b"xyz"},
     "14000000" "07000000" "1000000000000000" "0300000000000000" "78797a"),
    ({"type": "FetchDone", "id": 7, "hash": b"\xab" * 32},
     "15000000" "07000000" + "ab" * 32),
    ({"type": "FetchFailed", "id": 7, "code": 4, "wait": 30,
      "detail": "later"},
     "16000000" "07000000" "0400" "01" "1e000000" "0500000000000000"
     "6c61746572"),
    ({"type": "OpenTunnel", "id": 7, "host": "a.b", "port": 443},
     "19000000" "07000000" "0300000000000000" "612e62" "bb01"),
    ({"type": "Sharing", "what": (1, 1000, None, 1, 80)},
     "1d000000" "01" "01" "e803000000000000" "00" "01" "01" "50"),
    ({"type": "Goodbye", "code": 2, "detail": ""},
     "1e000000" "0200" "0000000000000000"),
    ({"type": "PairingReveal", "nonce": b"\xef" * 32},
     "20000000" + "ef" * 32),
    ({"type": "Welcome"}, "21000000"),
    ({"type": "ViewPiece", "payload": b"[]", "last": 1},
     "23000000" "0200000000000000" "5b5d" "01"),
]


@pytest.mark.parametrize("message, golden", GOLDEN,
                         ids=lambda x: x["type"] if "type" in x else "")
def test_messages_have_the_bytes_that_tests_core_has(message, golden):
    assert protocol2.encode(message).hex() == golden
    assert protocol2.decode(bytes.fromhex(golden)) == message


@pytest.mark.parametrize("text", ["", "100000", "24000000", "0f000000",
                                  "2100000000", "14000000" "07000000"
                                  "1000000000000000" "0400000000000000" "78"])
def test_what_is_no_message_is_refused(text):
    with pytest.raises(protocol2.Malformed):
        protocol2.decode(bytes.fromhex(text))


def test_introductions_are_read_as_they_are_written():
    said = protocol2.read_introduction(
        protocol2.introduction("a", "b", 1, b"\2\3", SHARES))
    assert said == {"agent": "b", "name": "a", "capabilities": 1,
                    "versions": b"\2\3", "sharing": SHARES}
    assert protocol2.fetch(1, "x", 0, 1)["expected"] == ANYTHING


# -- records, secrets, words --------------------------------------------------


def test_keys_of_records_change_after_65536():
    sealer = protocol2.Records(noise.CipherState(bytes(32), 65534))
    opener = protocol2.Records(noise.CipherState(bytes(32), 65534))
    keys = set()
    for _ in range(4):
        keys.add(sealer.cipher.key)
        record = sealer.seal(b"text")
        assert record[:4].hex() == "14000000"
        assert opener.open(record[4:]) == b"text"
    assert len(keys) == 2 and sealer.cipher.nonce == 65538


def test_the_key_of_handshakes_follows_from_the_secret():
    assert protocol2.psk_of(bytes(range(32))).hex() == (
        "88c2af8483bfa8850d90dd3759eebe23435f00340a68a9a41ac140c51f733550")


def test_words_are_those_of_tests_core():
    assert len(set(protocol2.WORDS)) == 1024
    hashed = hashlib.sha256(b"\1").digest()
    assert protocol2.pairing_words(hashed, b"\1" * 32, b"\2" * 32) == [
        "arch", "writer", "almond", "fudge"]
