"""Deterministic content: every byte of every body can be told from its seed
and its offset alone, so that a test can check any range without a reference
copy."""

import hashlib

BLOCK = 65536


def _block(seed: str, index: int) -> bytes:
    name = f"peapod:{seed}:{index}".encode()
    return hashlib.shake_128(name).digest(BLOCK)


def content(seed: str, start: int, end: int) -> bytes:
    """Bytes [start, end) of the endless body named `seed`."""
    if end <= start:
        return b""
    first, last = start // BLOCK, (end - 1) // BLOCK
    blocks = b"".join(_block(seed, i) for i in range(first, last + 1))
    return blocks[start - first * BLOCK : end - first * BLOCK]


def pieces(seed: str, start: int, end: int, step: int = BLOCK):
    """The same bytes as `content`, in pieces that end on block borders."""
    while start < end:
        stop = min(end, (start // step + 1) * step)
        yield content(seed, start, stop)
        start = stop


def sha256(seed: str, size: int, start: int = 0) -> str:
    """Hexadecimal SHA-256 of bytes [start, start + size) of body `seed`."""
    digest = hashlib.sha256()
    for piece in pieces(seed, start, start + size):
        digest.update(piece)
    return digest.hexdigest()


def is_prefix(data: bytes, seed: str) -> bool:
    """Whether `data` is exactly how the body named `seed` begins."""
    return data == content(seed, 0, len(data))
