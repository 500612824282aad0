"""The reference peer over loopback: its habits and its bad manners."""

import asyncio
import contextlib
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import content
import harness
import protocol1
import pytest

HERE = Path(__file__).resolve().parent


class Dialler:
    """A minimal peer of our own that talks to the reference peer."""

    def __init__(self, reader, writer, identity, seals):
        self.reader, self.writer = reader, writer
        self.identity = identity
        self.sending, self.receiving = seals

    @staticmethod
    async def open(port: int, secret=bytes(31) + b"\x01") -> "Dialler":
        identity = protocol1.Identity(secret)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(protocol1.handshake(identity))
        _, key = protocol1.read_handshake(
            await reader.readexactly(protocol1.HANDSHAKE_SIZE))
        shared = identity.session_key(key)
        return Dialler(reader, writer, identity,
                       (protocol1.Seal(shared), protocol1.Seal(shared)))

    def send(self, message: dict) -> None:
        sealed = self.sending.seal(protocol1.encode(message))
        self.writer.write(protocol1.frame(sealed))

    async def next(self, *kinds) -> dict:
        """The next message of one of these types."""
        while True:
            size = int.from_bytes(await self.reader.readexactly(4), "little")
            if size > protocol1.MAX_FRAME:
                raise protocol1.TooLarge()
            sealed = await self.reader.readexactly(size)
            message, _ = protocol1.decode(self.receiving.open(sealed))
            if message["type"] in kinds:
                return message

    def ask(self, url: str, start: int, end: int) -> None:
        self.send({"type": "ChunkRequest", "transfer_id": bytes(16),
                   "start": start, "end": end, "url": url})


@contextlib.contextmanager
def running(*options):
    """A reference peer without discovery; gives its port and process."""
    process = subprocess.Popen(
        [sys.executable, HERE / "reference_peer.py", "--no-discovery",
         "--port", "0", *options], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True)
    try:
        yield json.loads(process.stdout.readline())["port"], process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def hostile():
    """The base URL of a hostile origin."""
    with harness.hostile_origin() as port:
        yield f"http://127.0.0.1:{port}"


def ask(hostile_url, *options, kinds=("ChunkData", "Nack")):
    """Asks a reference peer for bytes [10, 1010) and gives its answer."""
    async def talk(port):
        peer = await Dialler.open(port)
        peer.ask(f"{hostile_url}/range/5000/x", 10, 1010)
        return await asyncio.wait_for(peer.next(*kinds), 5)
    with running(*options) as (port, _):
        return asyncio.run(talk(port))


def test_it_serves_a_range_with_its_hash(hostile):
    answer = ask(hostile)
    assert answer["payload"] == content.content("x", 10, 1010)
    assert answer["hash"] == hashlib.sha256(answer["payload"]).digest()


def test_it_serves_chunks_one_after_another_in_order(hostile):
    async def talk(port):
        peer = await Dialler.open(port)
        for at in range(0, 5000, 1000):
            peer.ask(f"{hostile}/range/5000/x", at, at + 1000)
        return [(await peer.next("ChunkData"))["start"] for _ in range(5)]
    with running() as (port, _):
        assert asyncio.run(talk(port)) == [0, 1000, 2000, 3000, 4000]


def test_an_error_page_comes_back_as_chunk_data(hostile):
    async def talk(port):
        peer = await Dialler.open(port)
        peer.ask(f"{hostile}/status,code=404/0/x", 0, 1000)
        return await peer.next("ChunkData")
    with running() as (port, _):
        assert asyncio.run(talk(port))["payload"] == b"as you wish\n"


def test_heartbeats_carry_its_identity():
    secret = os.urandom(32)

    async def talk(port):
        peer = await Dialler.open(port)
        return (await peer.next("Heartbeat"))["device_id"]
    with running("--secret", secret.hex()) as (port, _):
        mine = asyncio.run(talk(port))
    assert mine == protocol1.Identity(secret).device_id


def test_a_second_completed_connection_ends_both():
    async def talk(port):
        first = await Dialler.open(port)
        await first.next("Heartbeat")
        second = await Dialler.open(port)
        for peer in (first, second):
            with pytest.raises((asyncio.IncompleteReadError, OSError)):
                await asyncio.wait_for(peer.next("Nack"), 3)
    with running() as (port, _):
        asyncio.run(talk(port))


def test_sigterm_says_leave():
    async def talk(port, process):
        peer = await Dialler.open(port)
        await peer.next("Heartbeat")
        process.terminate()
        return await asyncio.wait_for(peer.next("Leave"), 3)
    with running() as (port, process):
        assert asyncio.run(talk(port, process))["type"] == "Leave"
        assert process.wait(timeout=3) == 0


def test_a_command_makes_it_ask():
    async def talk(port, process):
        peer = await Dialler.open(port)
        await peer.next("Heartbeat")
        process.stdin.write(json.dumps(
            {"do": "request", "url": "http://h/", "start": 1, "end": 9}
        ) + "\n")
        process.stdin.flush()
        return await asyncio.wait_for(peer.next("ChunkRequest"), 3)
    with running() as (port, process):
        request = asyncio.run(talk(port, process))
    assert (request["url"], request["start"], request["end"]) == (
        "http://h/", 1, 9)


@pytest.mark.parametrize("manner", ["wrong-hash", "wrong-bytes"])
def test_bytes_and_hash_do_not_fit(hostile, manner):
    answer = ask(hostile, "--misbehave", manner)
    assert answer["hash"] != hashlib.sha256(answer["payload"]).digest()


def test_a_liar_hashes_its_lie(hostile):
    answer = ask(hostile, "--misbehave", "liar")
    assert answer["hash"] == hashlib.sha256(answer["payload"]).digest()
    assert answer["payload"] != content.content("x", 10, 1010)


def test_a_short_answer_is_half(hostile):
    assert len(ask(hostile, "--misbehave", "short")["payload"]) == 500


def test_a_refusal_is_a_nack(hostile):
    assert ask(hostile, "--misbehave", "nack")["type"] == "Nack"


@pytest.mark.parametrize("manner, problem", [
    ("oversized", protocol1.TooLarge),
    ("garbage", protocol1.Malformed),
    ("nonsense", protocol1.Malformed),
    ("hangs-up", asyncio.IncompleteReadError),
    ("silent", asyncio.TimeoutError),
])
def test_worse_manners_break_the_session(hostile, manner, problem):
    async def talk(port):
        peer = await Dialler.open(port)
        peer.ask(f"{hostile}/range/5000/x", 10, 1010)
        with pytest.raises(problem):
            await asyncio.wait_for(peer.next("ChunkData", "Nack"), 1.5)
    with running("--misbehave", manner) as (port, _):
        asyncio.run(talk(port))
