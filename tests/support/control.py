"""The control socket of a daemon: questions, answers and server-sent events,
each checked against docs/openapi.yaml."""

import http.client
import json
import socket
import threading

from harness import wait_until


class Connection(http.client.HTTPConnection):
    """HTTP on a Unix socket."""

    def __init__(self, path, timeout=20):
        super().__init__("peapod", timeout=timeout)
        self._path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
        # http.client forgets it once a response is read to its end.
        self.raw_socket = self.sock


class Answer:
    """What a daemon has answered."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.type = response.headers.get_content_type()
        self.text = response.read().decode()
        self.json = (json.loads(self.text)
                     if self.type == "application/json" else None)


class Stream:
    """Server-sent events, read by a thread of its own."""

    def __init__(self, connection, response, check):
        self._connection, self._response = connection, response
        self._check = check
        self.events = []
        self.failure = None
        self.ended = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        fields = {}
        try:
            for line in self._response:
                line = line.decode().rstrip("\n")
                if line.startswith(":"):
                    continue
                if line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                    continue
                if fields:
                    self._take(fields)
                fields = {}
        except (OSError, ValueError, http.client.HTTPException):
            pass  # closed by us or by the daemon
        self.ended = True

    def _take(self, fields):
        event = {**fields, "data": json.loads(fields["data"])}
        try:
            self._check(event)
        except Exception as broken:  # told by whoever waits
            self.failure = broken
        self.events.append(event)

    def of_kind(self, *kinds) -> list:
        """The data of the events of these kinds so far."""
        return [e["data"] for e in list(self.events) if e["event"] in kinds]

    def wait_for(self, kind: str, that=lambda data: True, seconds=10.0):
        """The first event of a kind that is as wanted."""
        def found():
            if self.failure:
                raise self.failure
            return [x for x in self.of_kind(kind) if that(x)]
        return wait_until(found, seconds, f"an event {kind}")[0]

    def wait_for_end(self, seconds=10.0):
        wait_until(lambda: self.ended, seconds, "the stream ends")

    def close(self):
        try:
            self._connection.raw_socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._thread.join(5)
        self._connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Control:
    """Asks one daemon. `contract` judges every answer."""

    def __init__(self, path, contract):
        self.path, self.contract = path, contract

    def raw(self, method, target, body=None, headers=None) -> Answer:
        """An answer that is not judged."""
        connection = Connection(self.path)
        try:
            if headers is None and method == "POST":
                headers = {"Content-Type": "application/json"}
            connection.request(method, target, body, headers or {})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def ask(self, method, template, status=200, body=None, query="",
            **parameters) -> Answer:
        """The answer to `template`, a path of docs/openapi.yaml whose {id}
        comes from `parameters`; it must have this status."""
        target = template.format(**parameters) + query
        text = None if body is None else json.dumps(body)
        got = self.raw(method, target, text)
        assert got.status == status, f"{method} {target}: {got.text}"
        self.contract.check(method, template, got.status, got.type,
                            got.text if got.json is None else got.json)
        return got

    def get(self, template, status=200, **parameters):
        """The JSON of an answer."""
        return self.ask("GET", template, status, **parameters).json

    def post(self, template, status=200, **parameters):
        return self.ask("POST", template, status, **parameters).json

    def stream(self, template, query="", headers=None) -> Stream:
        """Follows `template`; every event is judged."""
        connection = Connection(self.path, timeout=60)
        connection.request("GET", template + query, headers=headers or {})
        response = connection.getresponse()
        if response.status != 200:
            got = Answer(response)
            connection.close()
            raise AssertionError(f"{template}{query}: {got.status} {got.text}")
        self.contract.check("GET", template, 200,
                            response.headers.get_content_type(), "")
        return Stream(connection, response, self.contract.check_event)

    def actors(self, name=None) -> list:
        """All actors, or those of one name."""
        return [x for x in self.get("/v1/actors")["actors"]
                if name in (None, x["name"])]
