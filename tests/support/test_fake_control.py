"""The fake control socket keeps to the contract."""

import http.client
import json
import socket

import openapi
import pytest
from fake_control import fake_control
from fake_pod import FakePod


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("peapod", timeout=5)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(5)
        self.sock.connect(str(self.path))


@pytest.fixture
def fake(tmp_path):
    pod = FakePod(fault_injection=True)
    with fake_control(tmp_path / "s", pod) as made:
        yield made


def ask(fake, target, method="GET", body=None):
    connection = Connection(fake.path)
    connection.request(method, target, body)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def assert_fits(answer, schema):
    assert list(openapi.problems(answer, schema)) == []


@pytest.mark.parametrize("path", [
    "/v1/status", "/v1/actors", "/v1/tree", "/v1/crashes", "/v1/peers",
    "/v1/transfers", "/v1/pod"])
def test_answers_fit_the_contract(fake, path):
    for _ in range(40):
        fake.pod.live_on(0.25)
    session = fake.pod.by_name("peer_session").number
    assert ask(fake, f"/v1/actors/{session}/kill", "POST")[0] == 200
    status, answer = ask(fake, path)
    assert status == 200
    assert_fits(answer, openapi.schema_of(path))


def test_pages_fit_the_contract(fake):
    for number in list(fake.pod.actors):
        status, answer = ask(fake, f"/v1/actors/{number}")
        assert status == 200
        assert_fits(answer, openapi.schema_of("/v1/actors/{id}"))


def test_changes_fit_the_contract(fake):
    scheduler = fake.pod.by_name("scheduler").number
    for what, body in (("fault", '{"action": "drop"}'), ("restart", None)):
        status, answer = ask(fake, f"/v1/actors/{scheduler}/{what}", "POST",
                             body)
        assert status == 200
        assert_fits(answer, openapi.schema_of("/v1/actors/{id}/" + what,
                                              "post"))


def test_events_fit_the_contract(fake):
    session = fake.pod.by_name("peer_session").number
    ask(fake, f"/v1/actors/{session}/kill", "POST")
    kinds = [event["kind"] for event in fake.pod.events]
    assert {"crashed", "peer_down", "lease_lost", "lease_moved"} <= set(kinds)
    for event in fake.pod.events:
        assert_fits(event, openapi.component("Event"))


def test_refusals_are_sentences(fake):
    status, answer = ask(fake, "/v1/actors/9999")
    assert status == 404
    assert_fits(answer, openapi.component("Failure"))


def test_the_checker_finds_what_does_not_fit():
    wrong = {"id": "1", "name": 3, "uptime": True}
    found = list(openapi.problems(wrong, openapi.component("Daemon")))
    assert any("version is missing" in x for x in found)
    assert any("$.name" in x for x in found)
    assert any("$.uptime" in x for x in found)
