"""The Noise Protocol Framework (revision 34) written down a second time: as
much of it as protocol 2 needs, and the patterns of the published vectors."""

import hashlib
import hmac
import os
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

#: Fundamental patterns (7.5): messages, and whether the responder's static key
#: is known beforehand.
PATTERNS = {
    "IK": ((("e", "es", "s", "ss"), ("e", "ee", "se")), True),
    "XX": ((("e",), ("e", "ee", "s", "es"), ("s", "se")), False),
}


class Refused(Exception):
    """Bytes that do not authenticate, or a key that shares no secret."""


# -- keys ---------------------------------------------------------------------


class KeyPair:
    """An X25519 key pair."""

    def __init__(self, secret: bytes = b""):
        self.secret = secret or os.urandom(32)
        self._key = x25519.X25519PrivateKey.from_private_bytes(self.secret)
        self.public = self._key.public_key().public_bytes(
            Encoding.Raw, PublicFormat.Raw)

    def dh(self, other: bytes) -> bytes:
        """X25519; Refused when the result is zero (RFC 7748, 6.1)."""
        try:
            return self._key.exchange(
                x25519.X25519PublicKey.from_public_bytes(other))
        except ValueError:
            raise Refused("a key of low order") from None


class ZeroKeyPair:
    """A public key of low order, which has the same shared secret with every
    key: whoever does not look can be spoken to without any secret."""

    public = bytes(32)

    @staticmethod
    def dh(_: bytes) -> bytes:
        return bytes(32)


class CounterfeitKeyPair(KeyPair):
    """Shows the public key of somebody else, whose secret it does not have."""

    def __init__(self, public: bytes):
        super().__init__()
        self.public = public


# -- cipher state (5.1) -------------------------------------------------------


class CipherState:
    """ChaCha20-Poly1305 under one key and a counter; nothing without a key."""

    def __init__(self, key=None, nonce: int = 0):
        self.key, self.nonce = key, nonce

    def _take_nonce(self) -> bytes:
        self.nonce += 1
        return self.nonce_bytes(self.nonce - 1)

    @staticmethod
    def nonce_bytes(number: int) -> bytes:
        """A nonce (12.3): 32 bits of zeros and the number."""
        return bytes(4) + struct.pack("<Q", number)

    def encrypt(self, plain: bytes, ad: bytes = b"") -> bytes:
        if self.key is None:
            return plain
        return ChaCha20Poly1305(self.key).encrypt(self._take_nonce(), plain, ad)

    def decrypt(self, sealed: bytes, ad: bytes = b"") -> bytes:
        if self.key is None:
            return sealed
        try:
            return ChaCha20Poly1305(self.key).decrypt(
                self._take_nonce(), sealed, ad)
        except InvalidTag:
            raise Refused("does not authenticate") from None

    def rekey(self) -> None:
        """REKEY (4.2): the first 32 bytes of zeros, sealed under 2^64 - 1."""
        self.key = ChaCha20Poly1305(self.key).encrypt(
            self.nonce_bytes(2**64 - 1), bytes(32), b"")[:32]


def hkdf(chaining_key: bytes, material: bytes, count: int) -> list:
    """HKDF (4.3): two or three outputs."""
    temp = hmac.digest(chaining_key, material, "sha256")
    out, last = [], b""
    for number in range(1, count + 1):
        last = hmac.digest(temp, last + bytes([number]), "sha256")
        out.append(last)
    return out


# -- symmetric state (5.2) ----------------------------------------------------


class SymmetricState:
    def __init__(self, name: str):
        raw = name.encode()
        self.hash = (raw.ljust(32, b"\0") if len(raw) <= 32
                     else hashlib.sha256(raw).digest())
        self.chaining_key = self.hash
        self.cipher = CipherState()

    def mix_key(self, material: bytes) -> None:
        self.chaining_key, key = hkdf(self.chaining_key, material, 2)
        self.cipher = CipherState(key)

    def mix_hash(self, data: bytes) -> None:
        self.hash = hashlib.sha256(self.hash + data).digest()

    def mix_key_and_hash(self, material: bytes) -> None:
        self.chaining_key, more, key = hkdf(self.chaining_key, material, 3)
        self.mix_hash(more)
        self.cipher = CipherState(key)

    def encrypt_and_hash(self, plain: bytes) -> bytes:
        out = self.cipher.encrypt(plain, self.hash)
        self.mix_hash(out)
        return out

    def decrypt_and_hash(self, sealed: bytes) -> bytes:
        out = self.cipher.decrypt(sealed, self.hash)
        self.mix_hash(sealed)
        return out

    def split(self) -> tuple:
        """The initiator's direction and the responder's."""
        first, second = hkdf(self.chaining_key, b"", 2)
        return CipherState(first), CipherState(second)


# -- handshake state (5.3) ----------------------------------------------------


class HandshakeState:
    """One side of a handshake. `pattern` is a name such as "IKpsk2"; `e` is the
    ephemeral key pair, drawn at random unless given."""

    def __init__(self, pattern: str, initiator: bool, prologue: bytes, s, *,
                 rs: bytes = b"", psks=(), e=None):
        base, *modifiers = pattern.replace("psk", "+psk").split("+")
        messages, knows_responder = PATTERNS[base]
        self.messages = [list(tokens) for tokens in messages]
        for word in modifiers:
            self._add_psk(int(word[3:]))
        self.initiator, self.s, self.rs, self.re = initiator, s, rs, b""
        self.e, self.psks = e or KeyPair(), list(psks)
        self.uses_psk = bool(modifiers)
        self.symmetric = SymmetricState(
            f"Noise_{pattern}_25519_ChaChaPoly_SHA256")
        self.symmetric.mix_hash(prologue)
        if knows_responder:
            self.symmetric.mix_hash(rs if initiator else s.public)

    def _add_psk(self, position: int) -> None:
        if position == 0:
            self.messages[0].insert(0, "psk")
        else:
            self.messages[position - 1].append("psk")

    @property
    def hash(self) -> bytes:
        return self.symmetric.hash

    @property
    def is_finished(self) -> bool:
        return not self.messages

    def _dh(self, token: str) -> None:
        mine, theirs = token if self.initiator else token[::-1]
        own = {"e": self.e, "s": self.s}[mine]
        self.symmetric.mix_key(own.dh({"e": self.re, "s": self.rs}[theirs]))

    def _mix_ephemeral(self, key: bytes) -> None:
        self.symmetric.mix_hash(key)
        if self.uses_psk:
            self.symmetric.mix_key(key)

    def write_message(self, payload: bytes) -> bytes:
        out = b""
        for token in self.messages.pop(0):
            if token == "e":
                out += self.e.public
                self._mix_ephemeral(self.e.public)
            elif token == "s":
                out += self.symmetric.encrypt_and_hash(self.s.public)
            elif token == "psk":
                self.symmetric.mix_key_and_hash(self.psks.pop(0))
            else:
                self._dh(token)
        return out + self.symmetric.encrypt_and_hash(payload)

    def read_message(self, message: bytes) -> bytes:
        """The payload; Refused when it is not of who it should be of."""
        for token in self.messages.pop(0):
            if token == "e":
                self.re, message = message[:32], message[32:]
                self._mix_ephemeral(self.re)
            elif token == "s":
                size = 32 if self.symmetric.cipher.key is None else 48
                self.rs = self.symmetric.decrypt_and_hash(message[:size])
                message = message[size:]
            elif token == "psk":
                self.symmetric.mix_key_and_hash(self.psks.pop(0))
            else:
                self._dh(token)
        return self.symmetric.decrypt_and_hash(message)

    def split(self) -> tuple:
        """(what this side seals with, what it opens with)."""
        first, second = self.symmetric.split()
        return (first, second) if self.initiator else (second, first)
