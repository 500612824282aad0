"""The Python protocol 1 against the golden data."""

import hashlib
import json
from pathlib import Path

import protocol1
import pytest

DATA = Path(__file__).resolve().parent.parent / "data" / "peapod-v1.json"
GOLDEN = json.loads(DATA.read_text())
BYTES = ("device_id", "public_key", "transfer_id", "hash", "payload")
NUMBERS = ("start", "end")


def from_golden(message: dict) -> dict:
    out = {k: v for k, v in message.items() if k != "payload_len"}
    out.update({k: bytes.fromhex(out[k]) for k in BYTES if k in out})
    out.update({k: int(out[k]) for k in NUMBERS if k in out})
    return out


@pytest.mark.parametrize("entry", GOLDEN["messages"])
def test_messages_encode_and_decode_to_the_golden_bytes(entry):
    message = from_golden(entry["message"])
    frame = bytes.fromhex(entry["frame"])
    assert protocol1.encode(message) == frame
    assert protocol1.decode(frame) == (message, len(frame))
    assert protocol1.decode(frame + b"rest") == (message, len(frame))


def test_bytes_after_the_message_inside_a_frame_are_ignored():
    message = {"type": "Heartbeat", "device_id": bytes(16)}
    longer = protocol1.frame(protocol1.encode(message)[4:] + b"PP2\2")
    assert protocol1.decode(longer) == (message, len(longer))


@pytest.mark.parametrize("entry", GOLDEN["malformed_frames"],
                         ids=lambda entry: entry["name"])
def test_malformed_frames_give_the_golden_kind_of_error(entry):
    kinds = {protocol1.NeedMore: "NeedMore", protocol1.TooLarge: "TooLarge",
             protocol1.Malformed: "Decode"}
    try:
        protocol1.decode(bytes.fromhex(entry["bytes"]))
        result = "ok"
    except tuple(kinds) as problem:
        result = kinds[type(problem)]
    assert result.lower() == entry["decode"]["result"].lower()


@pytest.mark.parametrize("entry", GOLDEN["identities"])
def test_identities_derive_from_their_secret(entry):
    identity = protocol1.Identity(bytes.fromhex(entry["secret"]))
    assert identity.public_key.hex() == entry["public_key"]
    assert identity.device_id.hex() == entry["device_id"]


def test_every_pair_agrees_on_its_session_key():
    identities = [protocol1.Identity(bytes.fromhex(e["secret"]))
                  for e in GOLDEN["identities"]]
    for pair in GOLDEN["pairs"]:
        a, b = identities[pair["a"]], identities[pair["b"]]
        assert a.session_key(b.public_key).hex() == pair["session_key"]
        assert b.session_key(a.public_key).hex() == pair["session_key"]


@pytest.mark.parametrize("entry", GOLDEN["odd_public_keys"],
                         ids=lambda entry: entry["name"])
def test_odd_public_keys_are_taken_as_the_reference_takes_them(entry):
    secret = GOLDEN["identities"][entry["secret_index"]]["secret"]
    key = protocol1.Identity(bytes.fromhex(secret)).session_key(
        bytes.fromhex(entry["public_key"]))
    assert key.hex() == entry["session_key"]


@pytest.mark.parametrize("entry", GOLDEN["handshakes"])
def test_handshakes_have_the_golden_bytes(entry):
    secret = GOLDEN["identities"][entry["identity"]]["secret"]
    identity = protocol1.Identity(bytes.fromhex(secret))
    assert protocol1.handshake(identity).hex() == entry["bytes"]
    assert protocol1.read_handshake(bytes.fromhex(entry["bytes"])) == (
        identity.device_id, identity.public_key)


def test_a_session_has_the_golden_bytes_in_both_directions():
    a, b = (protocol1.Identity(bytes.fromhex(e["secret"]))
            for e in GOLDEN["identities"][:2])
    key = a.session_key(b.public_key)
    for entry in GOLDEN["transport_0_1"]:
        message = protocol1.encode(from_golden(entry["message"]))
        seal = protocol1.Seal(key, int(entry["direction_nonce"]))
        sealed = seal.seal(message)
        assert protocol1.frame(sealed).hex() == entry["on_wire"]


@pytest.mark.parametrize("entry", GOLDEN["aead"],
                         ids=lambda e: f"{e['key'][:4]}-{e['nonce']}")
def test_sealing_gives_the_golden_bytes(entry):
    key = bytes.fromhex(entry["key"])
    sealed = bytes.fromhex(entry["ciphertext_and_tag"])
    plain = bytes.fromhex(entry["plaintext"])
    assert protocol1.Seal(key, int(entry["nonce"])).seal(plain) == sealed
    assert protocol1.Seal(key, int(entry["nonce"])).open(sealed) == plain


@pytest.mark.parametrize("entry", GOLDEN["aead_rejects"],
                         ids=lambda entry: entry["name"])
def test_what_does_not_authenticate_is_refused(entry):
    seal = protocol1.Seal(bytes.fromhex(entry["key"]), int(entry["nonce"]))
    with pytest.raises(protocol1.Malformed):
        seal.open(bytes.fromhex(entry["ciphertext_and_tag"]))


def test_a_large_chunk_has_the_golden_digests():
    golden = GOLDEN["chunkdata_256k"]
    payload = bytes(i % 251 for i in range(262144))
    frames = [
        protocol1.encode(protocol1.chunk_data(
            from_golden(e["message"])["transfer_id"], start, start + 262144,
            payload))
        for e in GOLDEN["messages"] if "transfer_id" in e["message"]
        for start in (0, 262144)
    ]
    matching = [f for f in frames if hashlib.sha256(f).hexdigest()
                == golden["frame_sha256"]]
    assert matching
    sealed = protocol1.Seal(bytes.fromhex(golden["key"]),
                            int(golden["nonce"])).seal(matching[0])
    assert hashlib.sha256(sealed).hexdigest() == golden["ciphertext_sha256"]
