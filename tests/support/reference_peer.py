#!/usr/bin/python3
"""A protocol 1 peer with the habits of the reference daemon (docs/PROTOCOL.md,
"Living with the reference daemon"), and with bad manners on request.

Events are written to standard output and commands read from standard input,
both as one JSON object a line. Commands:

    {"do": "request", "url": U, "start": A, "end": B}   ask every peer
    {"do": "nack" | "heartbeat"}                        send one message
    {"do": "leave"}                                     Leave, then end
"""

import argparse
import asyncio
import json
import os
import signal
import socket
import struct
import sys
import time
from dataclasses import dataclass, field

import protocol1
import reference_manners


def say(event: str, **details) -> None:
    """Writes one event; bytes become hexadecimal text."""
    details = {k: v.hex() if isinstance(v, bytes) else v
               for k, v in details.items()}
    print(json.dumps({"event": event, "time": time.time(), **details}),
          flush=True)


@dataclass
class Session:
    """One completed connection to a peer."""

    peer: bytes
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    sending: protocol1.Seal
    receiving: protocol1.Seal
    heard: float
    requests: asyncio.Queue = field(default_factory=asyncio.Queue)
    tasks: list = field(default_factory=list)

    def send(self, message: dict) -> None:
        self.send_raw(protocol1.encode(message))

    def send_raw(self, plaintext: bytes) -> None:
        """Length and ciphertext in two writes, as the reference does."""
        sealed = self.sending.seal(plaintext)
        self.writer.write(struct.pack("<I", len(sealed)))
        self.writer.write(sealed)


class ReferencePeer:
    """The daemon: discovery, one session a peer, one chunk at a time."""

    def __init__(self, options):
        self.options = options
        secret = bytes.fromhex(options.secret) if options.secret else (
            os.urandom(32))
        self.identity = protocol1.Identity(secret)
        self.claimed_id = (bytes.fromhex(options.claim) if options.claim
                           else self.identity.device_id)
        self.sessions = {}
        self.last_beacon = {}
        self.lost = set()
        self.background = set()

    async def run(self) -> None:
        server = await asyncio.start_server(
            self._accepted, "0.0.0.0", self.options.port)
        self.port = server.sockets[0].getsockname()[1]
        await self._start_discovery()
        self._start(self._read_commands())
        self._start(self._forget_silent_peers())
        self.ended = asyncio.Event()
        for how in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(how, self.leave)
        say("ready", port=self.port, device_id=self.claimed_id)
        await self.ended.wait()
        server.close()

    def _start(self, work) -> asyncio.Task:
        task = asyncio.get_running_loop().create_task(work)
        self.background.add(task)
        task.add_done_callback(self.background.discard)
        return task

    def leave(self) -> None:
        """Says goodbye to every peer and ends."""
        for session in list(self.sessions.values()):
            session.send({"type": "Leave", "device_id": self.claimed_id})
        asyncio.get_running_loop().call_later(0.05, self.ended.set)

    # -- discovery ------------------------------------------------------------

    async def _start_discovery(self) -> None:
        if self.options.no_discovery:
            return
        self.udp = discovery_socket(self.options.interface_address)
        loop = asyncio.get_running_loop()
        loop.add_reader(self.udp.fileno(), self._datagrams)
        self._start(self._beacons())

    def _announcement(self, kind: str) -> bytes:
        return protocol1.encode({
            "type": kind, "protocol_version": protocol1.VERSION,
            "device_id": self.claimed_id,
            "public_key": self.identity.public_key, "listen_port": self.port})

    async def _beacons(self) -> None:
        group = (protocol1.GROUP, protocol1.DISCOVERY_PORT)
        while True:
            try:
                self.udp.sendto(self._announcement("Beacon"), group)
            except OSError as problem:
                say("beacon-failed", why=str(problem))
            await asyncio.sleep(protocol1.BEACON_EVERY)

    def _datagrams(self) -> None:
        while True:
            try:
                data, source = self.udp.recvfrom(65536)
            except BlockingIOError:
                return
            try:
                message, _ = protocol1.decode(data)
            except (protocol1.NeedMore, protocol1.TooLarge,
                    protocol1.Malformed):
                continue
            if message["type"] in ("Beacon", "DiscoveryResponse"):
                self._heard_of(message, source)

    def _heard_of(self, message: dict, source) -> None:
        peer = message["device_id"]
        if peer == self.claimed_id:
            return
        if message["type"] == "Beacon":
            self.udp.sendto(self._announcement("DiscoveryResponse"), source)
        fresh = peer not in self.last_beacon
        self.last_beacon[peer] = time.monotonic()
        if fresh:
            say("discovered", peer=peer, address=source[0],
                port=message["listen_port"])
            if self.options.connect_after is not None:
                self._start(self._connect_later(
                    source[0], message["listen_port"]))

    async def _forget_silent_peers(self) -> None:
        while True:
            await asyncio.sleep(0.5)
            now = time.monotonic()
            for peer, heard in list(self.last_beacon.items()):
                if now - heard > protocol1.PEER_GONE_AFTER:
                    del self.last_beacon[peer]
                    self.lost.discard(peer)
                    say("forgotten", peer=peer)

    # -- sessions -------------------------------------------------------------

    async def _connect_later(self, address: str, port: int) -> None:
        await asyncio.sleep(self.options.connect_after)
        say("connecting", address=address)
        try:
            reader, writer = await asyncio.open_connection(address, port)
            await self._run_session(reader, writer, "out")
        except OSError as problem:
            say("connect-failed", why=str(problem))

    async def _accepted(self, reader, writer) -> None:
        await self._run_session(reader, writer, "in")

    async def _run_session(self, reader, writer, way: str) -> None:
        writer.get_extra_info("socket").setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
        try:
            session = await self._open(reader, writer)
        except (OSError, asyncio.IncompleteReadError, protocol1.Malformed):
            say("handshake-failed", way=way)
            writer.close()
            return
        if not self._install(session, way):
            return
        try:
            await self._receive(session)
        except (OSError, asyncio.IncompleteReadError, protocol1.Malformed
                ) as problem:
            say("session-broke", peer=session.peer, why=repr(problem))
        finally:
            self._close(session)

    async def _open(self, reader, writer) -> Session:
        """Exchanges the 49 bytes; a claimed id is not checked."""
        writer.write(protocol1.handshake(self.identity, self.claimed_id))
        peer, key = protocol1.read_handshake(
            await reader.readexactly(protocol1.HANDSHAKE_SIZE))
        shared = self.identity.session_key(key)
        return Session(peer, reader, writer, protocol1.Seal(shared),
                       protocol1.Seal(shared), time.monotonic())

    def _install(self, session: Session, way: str) -> bool:
        """A second completed connection to a peer is the end of both."""
        if session.peer in self.lost:
            say("refused-lost-peer", peer=session.peer)
            session.writer.close()
            return False
        first = self.sessions.get(session.peer)
        if first:
            say("double-connection", peer=session.peer, way=way)
            self._close(first)
            session.writer.close()
            return False
        self.sessions[session.peer] = session
        session.tasks = [self._start(self._heartbeats(session)),
                         self._start(self._serve(session))]
        say("connected", peer=session.peer, way=way)
        return True

    def _close(self, session: Session) -> None:
        if self.sessions.get(session.peer) is not session:
            return
        del self.sessions[session.peer]
        if session.peer in self.last_beacon:
            self.lost.add(session.peer)
        for task in session.tasks:
            task.cancel()
        session.writer.close()
        say("lost", peer=session.peer)

    async def _heartbeats(self, session: Session) -> None:
        while True:
            session.send({"type": "Heartbeat", "device_id": self.claimed_id})
            await asyncio.sleep(protocol1.HEARTBEAT_EVERY)
            silent = time.monotonic() - session.heard
            if silent > protocol1.SESSION_GONE_AFTER:
                say("timed-out", peer=session.peer)
                session.writer.transport.abort()

    # -- messages -------------------------------------------------------------

    async def _receive(self, session: Session) -> None:
        while True:
            head = await session.reader.readexactly(4)
            size = int.from_bytes(head, "little")
            if size > protocol1.MAX_FRAME:
                raise protocol1.Malformed("frame too large")
            sealed = await session.reader.readexactly(size)
            try:
                message, _ = protocol1.decode(session.receiving.open(sealed))
            except (protocol1.NeedMore, protocol1.TooLarge) as problem:
                raise protocol1.Malformed("bad inner frame") from problem
            if message["type"] == "Leave":
                say("left", peer=session.peer)
                return
            self._handle(session, message)

    def _handle(self, session: Session, message: dict) -> None:
        kind = message["type"]
        if kind == "Heartbeat":
            session.heard = time.monotonic()
        elif kind == "ChunkRequest":
            say("asked", peer=session.peer, url=message["url"],
                start=message["start"], end=message["end"])
            session.requests.put_nowait(message)
        elif kind == "ChunkData":
            say("chunk", peer=session.peer,
                **reference_manners.describe_chunk(message))
        elif kind == "Nack":
            say("nack", peer=session.peer, start=message["start"],
                end=message["end"])

    async def _serve(self, session: Session) -> None:
        """Fetches and answers chunks strictly one after another."""
        while True:
            request = await session.requests.get()
            await reference_manners.answer(session, request, self.options)
            say("served", peer=session.peer, start=request["start"],
                end=request["end"])

    # -- commands -------------------------------------------------------------

    async def _read_commands(self) -> None:
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            command = json.loads(line)
            if command["do"] == "leave":
                self.leave()
            for session in list(self.sessions.values()):
                message = reference_manners.command(command, self.claimed_id)
                if message:
                    session.send(message)


def discovery_socket(interface_address: str) -> socket.socket:
    """A socket on the discovery port that is a member of the group."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    udp.bind(("", protocol1.DISCOVERY_PORT))
    mine = socket.inet_aton(interface_address)
    udp.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, mine)
    udp.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
    udp.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                   socket.inet_aton(protocol1.GROUP) + mine)
    udp.setblocking(False)
    return udp


def parse():
    parser = argparse.ArgumentParser(description="A protocol 1 peer.")
    parser.add_argument("--port", type=int, default=45679)
    parser.add_argument("--interface-address", default="0.0.0.0",
                        help="the address whose LAN is spoken to")
    parser.add_argument("--connect-after", type=float, default=None,
                        help="seconds after which it connects by itself; the "
                        "reference can take 80 (default: never)")
    parser.add_argument("--secret", help="64 hexadecimal digits")
    parser.add_argument("--claim", help="a device id that is not its own")
    parser.add_argument("--no-discovery", action="store_true")
    parser.add_argument("--misbehave", default="none",
                        choices=("none", *reference_manners.MANNERS))
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(ReferencePeer(parse()).run())
