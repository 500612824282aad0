"""Protocol 1 (docs/PROTOCOL.md) written down a second time, in Python, so
that the C++ one is checked against something that shares no code with it."""

import hashlib
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

VERSION = 1
GROUP, DISCOVERY_PORT = "239.255.60.60", 45678
MAX_FRAME = 16 * 1024 * 1024
HANDSHAKE_SIZE = 49
BEACON_EVERY, PEER_GONE_AFTER = 4.0, 16.0
HEARTBEAT_EVERY, SESSION_GONE_AFTER = 1.0, 6.0

TYPES = ("Beacon", "DiscoveryResponse", "Join", "Leave", "Heartbeat",
         "ChunkRequest", "ChunkData", "Nack")


class NeedMore(Exception):
    """The bytes end before the frame does."""


class TooLarge(Exception):
    """A frame longer than 16 MiB."""


class Malformed(Exception):
    """A frame that holds no message."""


# -- messages -----------------------------------------------------------------


class _Reader:
    """Takes bincode fields off the front of some bytes."""

    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def raw(self, count: int) -> bytes:
        if len(self.data) - self.at < count:
            raise Malformed("the message ends early")
        self.at += count
        return self.data[self.at - count : self.at]

    def u8(self) -> int:
        return self.raw(1)[0]

    def u16(self) -> int:
        return int.from_bytes(self.raw(2), "little")

    def u32(self) -> int:
        return int.from_bytes(self.raw(4), "little")

    def u64(self) -> int:
        return int.from_bytes(self.raw(8), "little")

    def counted(self, expected=None) -> bytes:
        count = self.u64()
        if expected is not None and count != expected:
            raise Malformed(f"{count} bytes where {expected} belong")
        return self.raw(count)

    def text(self):
        tag = self.u8()
        if tag > 1:
            raise Malformed("an option that is neither 0 nor 1")
        if tag == 0:
            return None
        try:
            return self.counted().decode("utf-8")
        except UnicodeDecodeError:
            raise Malformed("text that is not UTF-8") from None


def _counted(data: bytes) -> bytes:
    return struct.pack("<Q", len(data)) + data


def encode(message: dict) -> bytes:
    """A message as a frame: u32 length, then bincode."""
    kind = message["type"]
    out = struct.pack("<I", TYPES.index(kind))
    if kind in ("Beacon", "DiscoveryResponse"):
        out += bytes([message["protocol_version"]])
        out += _counted(message["device_id"]) + _counted(message["public_key"])
        out += struct.pack("<H", message["listen_port"])
    elif kind in ("Join", "Leave", "Heartbeat"):
        out += _counted(message["device_id"])
    else:
        out += message["transfer_id"]
        out += struct.pack("<QQ", message["start"], message["end"])
    if kind == "ChunkRequest":
        url = message["url"]
        out += b"\0" if url is None else b"\1" + _counted(url.encode())
    elif kind == "ChunkData":
        out += message["hash"] + _counted(message["payload"])
    return frame(out)


def frame(payload: bytes) -> bytes:
    """u32 LE length and payload."""
    return struct.pack("<I", len(payload)) + payload


def decode(data: bytes):
    """The message at the front of `data` and the bytes it took."""
    if len(data) < 4:
        raise NeedMore()
    size = int.from_bytes(data[:4], "little")
    if size > MAX_FRAME:
        raise TooLarge()
    if len(data) < 4 + size:
        raise NeedMore()
    return _decode_payload(data[4 : 4 + size]), 4 + size


def _decode_payload(data: bytes) -> dict:
    reader = _Reader(data)
    tag = reader.u32()
    if tag >= len(TYPES):
        raise Malformed(f"message type {tag}")
    message = {"type": TYPES[tag]}
    if tag <= 1:
        message["protocol_version"] = reader.u8()
        message["device_id"] = reader.counted(16)
        message["public_key"] = reader.counted(32)
        message["listen_port"] = reader.u16()
    elif tag <= 4:
        message["device_id"] = reader.counted(16)
    else:
        message["transfer_id"] = reader.raw(16)
        message["start"], message["end"] = reader.u64(), reader.u64()
    if tag == 5:
        message["url"] = reader.text()
    elif tag == 6:
        message["hash"] = reader.raw(32)
        message["payload"] = reader.counted()
    return message


# -- identity -----------------------------------------------------------------


class Identity:
    """A key pair and the device id that follows from it."""

    def __init__(self, secret: bytes):
        self._key = x25519.X25519PrivateKey.from_private_bytes(secret)
        self.public_key = self._key.public_key().public_bytes(
            Encoding.Raw, PublicFormat.Raw)
        self.device_id = device_id(self.public_key)

    def session_key(self, peer: bytes) -> bytes:
        """The key of all sessions with the owner of public key `peer`; like
        the reference it does not mind a point of low order."""
        public = x25519.X25519PublicKey.from_public_bytes(peer)
        try:
            shared = self._key.exchange(public)
        except ValueError:
            shared = bytes(32)
        return hashlib.sha256(b"peapod-session-v1" + shared).digest()


def device_id(public_key: bytes) -> bytes:
    return hashlib.sha256(public_key).digest()[:16]


def handshake(identity: Identity, claimed_id=None) -> bytes:
    """The 49 bytes that open a session."""
    return (bytes([VERSION]) + (claimed_id or identity.device_id)
            + identity.public_key)


def read_handshake(data: bytes):
    """(device id, public key) of a peer's 49 bytes."""
    if len(data) != HANDSHAKE_SIZE or data[0] != VERSION:
        raise Malformed("not a protocol 1 handshake")
    return data[1:17], data[17:49]


# -- sealing ------------------------------------------------------------------


class Seal:
    """One direction of a session: ChaCha20-Poly1305 under a counter."""

    def __init__(self, key: bytes, counter: int = 0):
        self._cipher = ChaCha20Poly1305(key)
        self._counter = counter

    def _nonce(self) -> bytes:
        nonce = bytes(4) + struct.pack("<Q", self._counter)
        self._counter += 1
        return nonce

    def seal(self, plaintext: bytes) -> bytes:
        """Ciphertext and tag."""
        return self._cipher.encrypt(self._nonce(), plaintext, None)

    def open(self, ciphertext: bytes) -> bytes:
        """The plaintext; Malformed when it does not authenticate."""
        if len(ciphertext) < 16:
            raise Malformed("shorter than a tag")
        try:
            return self._cipher.decrypt(self._nonce(), ciphertext, None)
        except InvalidTag:
            raise Malformed("does not authenticate") from None


def chunk_data(transfer_id: bytes, start: int, end: int, payload: bytes,
               digest=None) -> dict:
    """A ChunkData message with the payload's own hash, or a given one."""
    return {"type": "ChunkData", "transfer_id": transfer_id, "start": start,
            "end": end, "payload": payload,
            "hash": digest or hashlib.sha256(payload).digest()}
