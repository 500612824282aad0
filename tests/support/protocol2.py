"""Protocol 2 (docs/PROTOCOL.md) written down a second time, in Python: bytes
only. protocol2_peer.py speaks it over sockets, politely or not."""

import hashlib
import re
import struct
from pathlib import Path

import noise

VERSION, KEY_QUESTION = 2, b"?"
PROLOGUE = b"peapod/2"
NO_PSK = bytes(32)
MAX_RECORD_TEXT = 65519
REKEY_INTERVAL = 65536
FIRST_TAG = 16

WORDS = re.findall(r'"([a-z]+)"', (
    Path(__file__).resolve().parents[2] / "core/pairing_words.cpp").read_text(
    ).partition("{")[2].partition("pairing_words = {")[2])


class Malformed(Exception):
    """A record that holds no message."""


# -- fields -------------------------------------------------------------------


class _Number:
    def __init__(self, size: int):
        self.size = size

    def write(self, value: int) -> bytes:
        return value.to_bytes(self.size, "little")

    def read(self, data: bytes):
        if len(data) < self.size:
            raise Malformed("the message ends early")
        return int.from_bytes(data[:self.size], "little"), data[self.size:]


class _Raw:
    """So many bytes, without a length."""

    def __init__(self, size: int):
        self.size = size

    def write(self, value: bytes) -> bytes:
        return value

    def read(self, data: bytes):
        if len(data) < self.size:
            raise Malformed("the message ends early")
        return data[:self.size], data[self.size:]


class _Counted:
    """A payload: u64 length and the bytes."""

    @staticmethod
    def write(value: bytes) -> bytes:
        return struct.pack("<Q", len(value)) + value

    @staticmethod
    def read(data: bytes):
        size, data = U64.read(data)
        if size > len(data):
            raise Malformed("a length exceeds the bytes that are there")
        return data[:size], data[size:]


class _Text(_Counted):
    """UTF-8 text. Bytes may be given instead, to write what is none."""

    @staticmethod
    def write(value) -> bytes:
        return _Counted.write(
            value if isinstance(value, bytes) else value.encode())

    @staticmethod
    def read(data: bytes):
        raw, data = _Counted.read(data)
        return raw.decode(), data


class _Option:
    def __init__(self, inner):
        self.inner = inner

    def write(self, value) -> bytes:
        return b"\0" if value is None else b"\1" + self.inner.write(value)

    def read(self, data: bytes):
        there, data = U8.read(data)
        if there > 1:
            raise Malformed("an option that is neither 0 nor 1")
        return self.inner.read(data) if there else (None, data)


class _Group:
    """Fields one behind the other; a tuple."""

    def __init__(self, *fields):
        self.fields = fields

    def write(self, values) -> bytes:
        return b"".join(f.write(v) for f, v in zip(self.fields, values))

    def read(self, data: bytes):
        out = []
        for field in self.fields:
            value, data = field.read(data)
            out.append(value)
        return tuple(out), data


class _List:
    def __init__(self, inner):
        self.inner = inner

    def write(self, values) -> bytes:
        return U64.write(len(values)) + b"".join(map(self.inner.write, values))

    def read(self, data: bytes):
        count, data = U64.read(data)
        out = []
        for _ in range(count):
            value, data = self.inner.read(data)
            out.append(value)
        return out, data


U8, U16, U32, U64 = map(_Number, (1, 2, 4, 8))
TEXT, BYTES = _Text(), _Counted()
RANGE = _Group(U64, U64)
#: ETag, Last-Modified, total length
REPRESENTATION = _Group(_Option(TEXT), _Option(TEXT), _Option(U64))
#: on, bytes per second, bytes left today, metered, battery
SHARING = _Group(U8, _Option(U64), _Option(U64), U8, _Option(U8))
SHARES = (1, None, None, 0, None)
ANYTHING = (None, None, None)

# -- messages -----------------------------------------------------------------

#: The messages in the order of their tags, with their fields.
MESSAGES = {
    "Ping": {"token": U64},
    "Pong": {"token": U64},
    "Fetch": {"id": U32, "url": TEXT, "range": RANGE,
              "expected": REPRESENTATION, "fields": _List(_Group(TEXT, TEXT)),
              "deadline": U32, "urgency": U8},
    "FetchHead": {"id": U32, "status": U16, "found": REPRESENTATION,
                  "range": RANGE},
    "Part": {"id": U32, "offset": U64, "payload": BYTES},
    "FetchDone": {"id": U32, "hash": _Raw(32)},
    "FetchFailed": {"id": U32, "code": U16, "wait": _Option(U32),
                    "detail": TEXT},
    "Cancel": {"id": U32},
    "Credit": {"id": U32, "bytes": U32},
    "OpenTunnel": {"id": U32, "host": TEXT, "port": U16},
    "TunnelOpened": {"id": U32},
    "TunnelData": {"id": U32, "payload": BYTES},
    "CloseTunnel": {"id": U32, "code": U16, "detail": TEXT},
    "Sharing": {"what": SHARING},
    "Goodbye": {"code": U16, "detail": TEXT},
    "PairingCommit": {"commitment": _Raw(32)},
    "PairingReveal": {"nonce": _Raw(32)},
    "Welcome": {},
    "ViewQuestion": {},
    "ViewPiece": {"payload": BYTES, "last": U8},
    "Egress": {"lines": _List(_Group(*[_Option(_Raw(16))] * 3))},
}
TAGS = {name: FIRST_TAG + i for i, name in enumerate(MESSAGES)}
NAMES = {tag: name for name, tag in TAGS.items()}

FAILURES = ("internal", "policy refused", "origin refused", "mismatch",
            "throttled", "quota", "not now")
GOODBYES = ("unspecified", "leaving", "duplicate", "refused", "misbehaved")


def encode(message: dict) -> bytes:
    """The text of a record: u32 tag and the fields."""
    fields = MESSAGES[message["type"]]
    return U32.write(TAGS[message["type"]]) + b"".join(
        codec.write(message[name]) for name, codec in fields.items())


def decode(text: bytes) -> dict:
    """The message of a record; Malformed when there is none."""
    tag, text = U32.read(text)
    if tag not in NAMES:
        raise Malformed(f"message type {tag}")
    out = {"type": NAMES[tag]}
    for name, codec in MESSAGES[NAMES[tag]].items():
        out[name], text = codec.read(text)
    if text:
        raise Malformed("there are bytes behind it")
    return out


def fetch(number: int, url, start: int, end: int, expected=ANYTHING,
          **others) -> dict:
    """A Fetch with everything that one seldom wants to say."""
    return {"type": "Fetch", "id": number, "url": url, "range": (start, end),
            "expected": expected, "fields": [], "deadline": 0, "urgency": 3,
            **others}


# -- handshake ----------------------------------------------------------------

_INTRODUCTION = _Group(TEXT, TEXT, U32, BYTES, SHARING)


def introduction(name: str = "python", agent="test", capabilities: int = 0,
                 versions=bytes([VERSION]), sharing=SHARES) -> bytes:
    """The payload of a handshake's message."""
    return _INTRODUCTION.write((agent, name, capabilities, versions, sharing))


def read_introduction(data: bytes) -> dict:
    values, _ = _INTRODUCTION.read(data)
    names = ("agent", "name", "capabilities", "versions", "sharing")
    return dict(zip(names, values))


def initiator(keys, responder_key: bytes, psk: bytes = NO_PSK, e=None):
    """The handshake of who connects."""
    return noise.HandshakeState("IKpsk2", True, PROLOGUE, keys,
                                rs=responder_key, psks=[psk], e=e)


def responder(keys, psk: bytes = NO_PSK):
    """The handshake of who was connected to."""
    return noise.HandshakeState("IKpsk2", False, PROLOGUE, keys, psks=[psk])


def frame(message: bytes) -> bytes:
    """u16 length and a message of the handshake."""
    return struct.pack("<H", len(message)) + message


def psk_of(secret: bytes) -> bytes:
    """The pre-shared key of the devices that have a pod secret."""
    return noise.hkdf(secret, b"peapod/2 psk", 2)[0]


def device_id(public_key: bytes) -> str:
    """A device's id as it is shown."""
    return hashlib.sha256(public_key).digest()[:16].hex()


# -- records ------------------------------------------------------------------


class Records:
    """One direction of a session: the cipher, and its keys that change."""

    def __init__(self, cipher: noise.CipherState):
        self.cipher = cipher

    def _rekey_when_due(self) -> None:
        if self.cipher.nonce % REKEY_INTERVAL == 0:
            self.cipher.rekey()

    def seal(self, text: bytes) -> bytes:
        """u32 length, ciphertext and tag."""
        sealed = self.cipher.encrypt(text)
        self._rekey_when_due()
        return struct.pack("<I", len(sealed)) + sealed

    def open(self, sealed: bytes) -> bytes:
        """The text of a record without its length; noise.Refused."""
        text = self.cipher.decrypt(sealed)
        self._rekey_when_due()
        return text


# -- pairing ------------------------------------------------------------------


def commitment(is_initiator: bool, handshake_hash: bytes,
               nonce: bytes) -> bytes:
    return hashlib.sha256(
        b"peapod/2 pairing" + (b"\0" if is_initiator else b"\1")
        + handshake_hash + nonce).digest()


def pairing_words(handshake_hash: bytes, initiator_nonce: bytes,
                  responder_nonce: bytes) -> list:
    """The four words that people compare."""
    key = noise.hkdf(handshake_hash, initiator_nonce + responder_nonce, 2)[0]
    bits = int.from_bytes(key[:5], "big")
    return [WORDS[bits >> shift & 1023] for shift in (30, 20, 10, 0)]
