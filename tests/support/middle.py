"""Who sits between two devices: a TCP relay that can change what passes, and
one that speaks protocol 2 with both sides. Both run in threads."""

import contextlib
import os
import socket
import threading

import namespaces
import noise
from protocol2_peer import Ended, Session


class Relay:
    """Passes connections on, from a port inside one host to an address.
    `change(from_connector, nth, data)` gives what is passed on instead of the
    nth piece, from 0, of a direction."""

    def __init__(self, lab, host, to: tuple, change=None):
        self.lab, self.host, self.to = lab, host, to
        self.change = change or (lambda from_connector, nth, data: data)
        self.count = 0        # connections so far
        self.began = []       # the first byte of each connector's piece
        self.is_cut = False   # closes what comes
        self._open = []
        self._listener = namespaces.listen(lab, host, lab.lan_address(host))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                taken, _ = self._listener.accept()
                self.count += 1
                if self.is_cut:
                    taken.close()
                else:
                    self._relay(taken)

    def _relay(self, taken: socket.socket) -> None:
        try:
            there = namespaces.connect(self.lab, self.host, self.to)
        except OSError:
            taken.close()
            return
        self._open += [taken, there]
        for pair in ((True, taken, there), (False, there, taken)):
            threading.Thread(target=self._pass, args=pair,
                             daemon=True).start()

    def _pass(self, from_connector, source, target) -> None:
        nth = 0
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                data = self.change(from_connector, nth, data)
                if from_connector and nth < 2:
                    self.began.append(data[:1])
                target.sendall(data)
                nth += 1
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        """Ends all connections and takes no new ones."""
        self.is_cut = True
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.cut()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._open:
            one.close()


class Impostor:
    """Two sessions of protocol 2, one with each side, under keys of its own:
    towards who connects it is the responder. Pairs with both."""

    def __init__(self, lab, host, to: tuple):
        self.lab, self.host, self.to = lab, host, to
        self.keys = noise.KeyPair()
        self.words = {}       # what "connector" and "acceptor" must show
        self.sessions = []
        self.failure = None
        self._listener = namespaces.listen(lab, host, lab.lan_address(host))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            near = self._accept()
            far = Session(namespaces.connect(self.lab, self.host, self.to),
                          self.keys).connect()
            self.sessions = [near, far]
            # The best it can do: the same nonce for both.
            nonce = os.urandom(32)
            self.words["connector"] = near.pair(nonce)
            self.words["acceptor"] = far.pair(nonce)
            self._keep_alive(near, far)
        except (Ended, OSError, noise.Refused) as problem:
            self.failure = problem

    def _accept(self) -> Session:
        """The session of the first connection that becomes one: a daemon that
        begins may give one up and make another."""
        while True:
            taken, _ = self._listener.accept()
            try:
                return Session(taken, self.keys).accept()
            except Ended:
                taken.close()

    @staticmethod
    def _keep_alive(*sessions) -> None:
        """Answers Pings until somebody ends it."""
        while True:
            for session in sessions:
                session.is_closed_within(0.2)
                session.send("Ping", token=1)

    def close(self) -> None:
        for session in self.sessions:
            with contextlib.suppress(OSError):
                session.sock.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)
