"""How the reference peer answers a ChunkRequest: as the reference daemon does,
or in one of the bad ways that a hostile or broken peer could."""

import asyncio
import hashlib
import os
import struct
import urllib.error
import urllib.request

import protocol1

#: Bad manners by name; each gets the session, the request and the fetched
#: bytes and sends what it likes.
MANNERS = {}

#: For each byte another one.
OTHER_BYTES = bytes(255 - byte for byte in range(256))


def manner(function):
    MANNERS[function.__name__.replace("_", "-")] = function
    return function


def fetch(url: str, start: int, end: int) -> bytes:
    """GETs a range on a new connection. Whatever status comes back, its body
    is the chunk, and the length is not checked: so does the reference."""
    request = urllib.request.Request(
        url, headers={"Range": f"bytes={start}-{end - 1}"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=20) as answer:
            return answer.read()
    except urllib.error.HTTPError as answer:
        return answer.read()


async def answer(session, request: dict, options) -> None:
    """Answers one request, politely or not."""
    if options.misbehave == "silent":
        return
    try:
        payload = await asyncio.get_running_loop().run_in_executor(
            None, fetch, request["url"] or "", request["start"],
            request["end"])
    except (OSError, ValueError, EOFError):
        session.send({"type": "Nack", **_place(request)})
        return
    MANNERS.get(options.misbehave, polite)(session, request, payload)


def _place(request: dict) -> dict:
    return {key: request[key] for key in ("transfer_id", "start", "end")}


def _chunk(request: dict, payload: bytes, digest=None) -> dict:
    return protocol1.chunk_data(request["transfer_id"], request["start"],
                                request["end"], payload, digest)


def _flipped(payload: bytes) -> bytes:
    if not payload:
        return b"!"
    middle = len(payload) // 2
    return (payload[:middle] + bytes([payload[middle] ^ 1])
            + payload[middle + 1 :])


def polite(session, request, payload):
    session.send(_chunk(request, payload))


@manner
def silent(session, request, payload):
    """Never answers; it does not even fetch."""


@manner
def wrong_hash(session, request, payload):
    """Good bytes under a hash that is not theirs."""
    session.send(_chunk(request, payload, os.urandom(32)))


@manner
def wrong_bytes(session, request, payload):
    """Flipped bytes under the hash of the good ones."""
    digest = hashlib.sha256(payload).digest()
    session.send(_chunk(request, _flipped(payload), digest))


@manner
def liar(session, request, payload):
    """Nothing but wrong bytes under a hash that fits them: no hash can
    tell."""
    session.send(_chunk(request, payload.translate(OTHER_BYTES) or b"!"))


@manner
def short(session, request, payload):
    """Half of the bytes, honestly hashed."""
    session.send(_chunk(request, payload[: len(payload) // 2]))


@manner
def elsewhere(session, request, payload):
    """Data for a range that nobody asked for."""
    moved = {**request, "start": request["start"] + 1,
             "end": request["end"] + 1}
    session.send(_chunk(moved, payload))


@manner
def stranger(session, request, payload):
    """Data for a transfer that does not exist."""
    session.send(_chunk({**request, "transfer_id": os.urandom(16)}, payload))


@manner
def nack(session, request, payload):
    """Refuses everything."""
    session.send({"type": "Nack", **_place(request)})


@manner
def oversized(session, request, payload):
    """A length beyond 16 MiB, then nothing."""
    session.writer.write(struct.pack("<I", protocol1.MAX_FRAME + 1))


@manner
def garbage(session, request, payload):
    """Bytes that do not authenticate."""
    session.writer.write(protocol1.frame(os.urandom(1000)))


@manner
def nonsense(session, request, payload):
    """An authentic frame that holds no message."""
    session.send_raw(protocol1.frame(os.urandom(40)))


@manner
def hangs_up(session, request, payload):
    """Closes instead of answering."""
    session.writer.close()


def command(wanted: dict, device_id: bytes):
    """The message that a command on standard input asks for, or None."""
    if wanted["do"] == "request":
        return {"type": "ChunkRequest", "transfer_id": os.urandom(16),
                "start": wanted["start"], "end": wanted["end"],
                "url": wanted["url"]}
    if wanted["do"] == "heartbeat":
        return {"type": "Heartbeat", "device_id": device_id}
    if wanted["do"] == "nack":
        return {"type": "Nack", "transfer_id": bytes(16), "start": 0,
                "end": 1}
    return None


def describe_chunk(message: dict) -> dict:
    """What tests want to know about received ChunkData."""
    payload = message["payload"]
    digest = hashlib.sha256(payload).digest()
    return {"start": message["start"], "end": message["end"],
            "size": len(payload), "sha256": digest,
            "hash_fits": digest == message["hash"]}
