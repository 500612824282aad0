"""A peer of protocol 2 on a socket. It does what it is told and nothing by
itself, so that a test can break every rule at every step; only `wait_for` and
what stands on it answers Pings, as a peer has to."""

import hashlib
import socket
import struct
import time

import noise
import protocol2


class Ended(Exception):
    """The other side has closed the connection."""


class FetchFailed(Exception):
    """The other side does not bring a range; has its message."""

    def __init__(self, message: dict):
        self.code = message["code"]
        self.reason = (protocol2.FAILURES[self.code]
                       if self.code < len(protocol2.FAILURES) else "?")
        super().__init__(f"{self.reason}: {message['detail']}")


class Session:
    """One side of a connection."""

    def __init__(self, sock: socket.socket, keys=None,
                 psk: bytes = protocol2.NO_PSK):
        self.sock, self.keys, self.psk = sock, keys or noise.KeyPair(), psk
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.handshake = None
        self.introduction = protocol2.introduction()
        self.peer = None   # what the other side says of itself
        self.seen = []     # the messages that came, but for Pings and Pongs
        self.sent = []     # the records that went
        self.next_id = 0
        self._unread = b""

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_) -> None:
        self.sock.close()

    @property
    def device_id(self) -> str:
        return protocol2.device_id(self.keys.public)

    # -- bytes ----------------------------------------------------------------

    def send_raw(self, data: bytes) -> None:
        try:
            self.sock.sendall(data)
        except (ConnectionError, BrokenPipeError) as problem:
            raise Ended(str(problem)) from None

    def _receive(self, until: float) -> None:
        self.sock.settimeout(max(0.001, until - time.monotonic()))
        try:
            got = self.sock.recv(1 << 18)
        except ConnectionError as problem:
            raise Ended(str(problem)) from None
        if not got:
            raise Ended("closed")
        self._unread += got

    def read_raw(self, count: int, seconds: float = 5.0) -> bytes:
        """So many bytes; Ended, or TimeoutError."""
        until = time.monotonic() + seconds
        while len(self._unread) < count:
            self._receive(until)
        out, self._unread = self._unread[:count], self._unread[count:]
        return out

    def is_closed_within(self, seconds: float) -> bool:
        """Reads until the other side closes; whether it does. What it still
        says is in `seen` if there is a session, and dropped otherwise."""
        until = time.monotonic() + seconds
        try:
            while time.monotonic() < until:
                if self.handshake is None or not self.handshake.is_finished:
                    self._unread = b""
                    self._receive(until)
                else:
                    self._take(until)
        except Ended:
            return True
        except TimeoutError:
            pass
        return False

    # -- handshake ------------------------------------------------------------

    def ask_key(self) -> bytes:
        """The answer to the question for the key."""
        self.send_raw(protocol2.KEY_QUESTION)
        return self.read_raw(32)

    def first_message(self, responder_key: bytes, e=None) -> bytes:
        """The bytes that begin a handshake; they are not sent."""
        self.handshake = protocol2.initiator(
            self.keys, responder_key, self.psk, e)
        message = self.handshake.write_message(self.introduction)
        return bytes([protocol2.VERSION]) + protocol2.frame(message)

    def read_answer(self) -> None:
        """Takes the other side's handshake; noise.Refused."""
        size, = struct.unpack("<H", self.read_raw(2))
        self._finish(self.handshake.read_message(self.read_raw(size)))

    def _finish(self, introduction: bytes) -> None:
        self.peer = protocol2.read_introduction(introduction)
        sends, opens = self.handshake.split()
        self.sealer, self.opener = map(protocol2.Records, (sends, opens))

    def connect(self, responder_key: bytes = b"") -> "Session":
        """A whole handshake of who connects, and the Ping that proves it."""
        key = responder_key or self.ask_key()
        self.send_raw(self.first_message(key))
        self.read_answer()
        self.send("Ping", token=0)
        return self

    def accept(self) -> "Session":
        """A whole handshake of who was connected to."""
        first = self.read_raw(1)
        if first == protocol2.KEY_QUESTION:
            self.send_raw(self.keys.public)
            first = self.read_raw(1)
        if first != bytes([protocol2.VERSION]):
            raise protocol2.Malformed(f"it begins with {first!r}")
        size, = struct.unpack("<H", self.read_raw(2))
        self.handshake = protocol2.responder(self.keys, self.psk)
        said = self.handshake.read_message(self.read_raw(size))
        self.send_raw(protocol2.frame(
            self.handshake.write_message(self.introduction)))
        self._finish(said)
        self.next_id = 1
        return self

    # -- messages -------------------------------------------------------------

    def seal(self, message) -> bytes:
        """The record of a message; the next nonce is spent."""
        return self.sealer.seal(
            message if isinstance(message, bytes) else
            protocol2.encode(message))

    def send(self, message, **fields) -> None:
        """Sends a message: its name and fields, a dictionary, or bytes."""
        if isinstance(message, str):
            message = {"type": message, **fields}
        record = self.seal(message)
        if len(self.sent) < 64:
            self.sent.append(record)
        self.send_raw(record)

    def read_record(self, seconds: float = 5.0) -> bytes:
        """The next record as it came, with its length."""
        head = self.read_raw(4, seconds)
        return head + self.read_raw(struct.unpack("<I", head)[0], seconds)

    def receive(self, seconds: float = 5.0) -> dict:
        """The next message, whatever it is."""
        return protocol2.decode(self.opener.open(self.read_record(seconds)[4:]))

    def _take(self, until: float) -> dict:
        message = self.receive(until - time.monotonic())
        if message["type"] == "Ping":
            self.send("Pong", token=message["token"])
        elif message["type"] != "Pong":
            self.seen.append(message)
        return message

    def wait_for_any(self, until: float) -> dict:
        """The next message; Pings are answered meanwhile. TimeoutError at a
        point of the monotonic clock."""
        return self._take(until)

    def wait_for(self, kind: str, seconds: float = 5.0) -> dict:
        """The next message of a kind; Pings are answered meanwhile."""
        until = time.monotonic() + seconds
        while True:
            message = self._take(until)
            if message["type"] == kind:
                return message

    def is_alive(self, token: int = 4711) -> bool:
        """Whether the other side answers a Ping."""
        try:
            self.send("Ping", token=token)
            while self.wait_for("Pong")["token"] != token:
                pass
        except (Ended, TimeoutError):
            return False
        return True

    def last_words(self) -> str:
        """Why the other side has said that it ends; "" if it has not."""
        for message in self.seen:
            if message["type"] == "Goodbye":
                return (f"{protocol2.GOODBYES[message['code']]}: "
                        f"{message['detail']}")
        return ""

    # -- sessions -------------------------------------------------------------

    def join(self, seconds: float = 5.0) -> "Session":
        """Lets the other side in and waits to be let in."""
        self.send("Welcome")
        if not any(x["type"] == "Welcome" for x in self.seen):
            self.wait_for("Welcome", seconds)
        return self

    def ask(self, url, start: int, end: int, expected=protocol2.ANYTHING,
            **others) -> int:
        """Sends a Fetch; its number."""
        number, self.next_id = self.next_id, self.next_id + 2
        self.send(protocol2.fetch(number, url, start, end, expected, **others))
        return number

    def collect(self, number: int, start: int, end: int,
                seconds: float = 10.0) -> bytes:
        """The bytes of a range that was asked for; FetchFailed."""
        until, got = time.monotonic() + seconds, b""
        while True:
            message = self._take(until)
            kind = message["type"]
            if message.get("id") != number:
                continue
            if kind == "FetchFailed":
                raise FetchFailed(message)
            if kind == "FetchHead":
                assert (message["status"], message["range"]) == (
                    206, (start, end))
            elif kind == "Part":
                assert message["offset"] == start + len(got)
                got += message["payload"]
            elif kind == "FetchDone":
                assert message["hash"] == hashlib.sha256(got).digest()
                assert len(got) == end - start
                return got

    def fetch(self, url, start: int, end: int, expected=protocol2.ANYTHING,
              seconds: float = 10.0) -> bytes:
        """A range over the other side's line; FetchFailed."""
        return self.collect(self.ask(url, start, end, expected), start, end,
                            seconds)

    # -- pairing --------------------------------------------------------------

    def pair(self, nonce: bytes) -> list:
        """A whole pairing; the four words."""
        is_initiator = self.handshake.initiator
        self.send("PairingCommit", commitment=protocol2.commitment(
            is_initiator, self.handshake.hash, nonce))
        if not any(x["type"] == "PairingCommit" for x in self.seen):
            self.wait_for("PairingCommit")
        self.send("PairingReveal", nonce=nonce)
        other = self.wait_for("PairingReveal")["nonce"]
        return protocol2.pairing_words(
            self.handshake.hash,
            *((nonce, other) if is_initiator else (other, nonce)))
