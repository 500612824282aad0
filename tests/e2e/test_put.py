"""`peapod put` against S3, tus and plain servers: are files whole and exact at
the server, over all lines, and is nothing left there when they are not?"""

import json
import os
import signal
import subprocess
import time

import pytest

import content
from fake_lines import FakeLines
from harness import BINARY, wait_until
from tls_servers import Authority
from upload_servers import (
    Reply,
    KEY_ID, REGION, SECRET, FakeS3, FakeTus, PlainPut, upload_server)

SIZE = 22_000_000
PEERS = {"a" * 32: "kitchen", "b" * 32: "attic"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def context(authority):
    return authority.context("DNS:origin.test")


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("file") / "a file"
    path.write_bytes(content.content("put", 0, SIZE))
    return path


@pytest.fixture
def lines(tmp_path):
    with FakeLines(tmp_path, PEERS) as fake:
        yield fake


class Putter:
    def __init__(self, folder, authority, socket):
        self.folder, self.socket = folder, socket
        self.env = {**os.environ, "SSL_CERT_FILE": str(authority.ca_file),
                    "AWS_ACCESS_KEY_ID": KEY_ID, "AWS_REGION": REGION,
                    "AWS_SECRET_ACCESS_KEY": SECRET,
                    "STATE_DIRECTORY": str(folder / "state")}

    def start(self, *words, **env) -> subprocess.Popen:
        return subprocess.Popen(
            [str(x) for x in (BINARY, "put", "--socket", self.socket, *words)],
            cwd=self.folder, env={**self.env, **env}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def __call__(self, *words, code=0, **env) -> str:
        process = self.start(*words, **env)
        out, err = process.communicate(timeout=60)
        assert process.returncode == code, (process.returncode, out, err)
        return err

    def receipt(self) -> dict:
        return json.loads((self.folder / "receipt").read_text())["upload"]


@pytest.fixture
def put(tmp_path, authority, lines):
    return Putter(tmp_path, authority, lines.socket)


def s3_env(port) -> dict:
    return {"AWS_ENDPOINT_URL": f"https://origin.test:{port}"}


def test_s3_gets_parts_over_all_lines(put, lines, file, context):
    lines.rates = {x: 4_000_000 for x in ("own", *PEERS)}
    s3 = FakeS3()
    with upload_server(s3, context) as port:
        put(file, "s3://bucket/some/a key+1", "--receipt", "receipt",
            **s3_env(port))
    assert s3.objects["/bucket/some/a key+1"] == file.read_bytes()
    assert s3.uploads == {}
    receipt = put.receipt()
    assert receipt["complete"] and receipt["protocol"] == "s3"
    assert sum(x["bytes"] for x in receipt["devices"]) >= SIZE
    assert all(lines.sent[x] > 5_000_000 for x in PEERS)
    assert SECRET not in (put.folder / "receipt").read_text()


def test_a_small_file_needs_no_parts(put, tmp_path, context):
    small = tmp_path / "small"
    small.write_bytes(b"few")
    s3 = FakeS3()
    with upload_server(s3, context) as port:
        put(small, "s3://bucket/small", **s3_env(port))
    assert s3.objects == {"/bucket/small": b"few"}
    assert [x[0] for x in s3.log] == ["PUT"]


def test_s3_failures_pass(put, file, context):
    s3 = FakeS3()
    s3.failures = {"PUT": 2, "POST": 1}
    s3.resets = 1
    with upload_server(s3, context) as port:
        put(file, "s3://bucket/key", **s3_env(port))
    assert s3.objects["/bucket/key"] == file.read_bytes()


def test_what_s3_refuses_is_removed_there(put, file, context):
    s3 = FakeS3()
    s3.late_error = True
    with upload_server(s3, context) as port:
        said = put(file, "s3://bucket/key", "--tries", "1", code=5,
                   **s3_env(port))
    assert "InternalError" in said
    assert s3.uploads == {} and s3.objects == {}


def test_a_wrong_key_is_said(put, file, context):
    s3 = FakeS3()
    with upload_server(s3, context) as port:
        said = put(file, "s3://bucket/key", code=5, AWS_SECRET_ACCESS_KEY="no",
                   **s3_env(port))
        assert "SignatureDoesNotMatch" in said
        said = put(file, "s3://bucket/key", code=2, AWS_ACCESS_KEY_ID="",
                   **s3_env(port))
    assert "AWS_ACCESS_KEY_ID" in said


def test_an_interrupted_upload_leaves_nothing(put, lines, file, context):
    lines.rates = {x: 500_000 for x in ("own", *PEERS)}
    s3 = FakeS3()
    with upload_server(s3, context) as port:
        process = put.start(file, "s3://bucket/key", **s3_env(port))
        wait_until(lambda: any(s3.uploads.values()), 20)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        assert process.returncode == 130
    assert s3.uploads == {} and s3.objects == {}


def test_presigned_parts(put, tmp_path, file, context):
    s3 = FakeS3()
    s3.signed = {"s1"}
    s3.uploads["u"] = {}
    with upload_server(s3, context) as port:
        base = f"https://origin.test:{port}/bucket/key?sig=s1&uploadId=u"
        (tmp_path / "urls").write_text("".join(
            f"{base}&partNumber={n}\n" for n in range(1, 5)))
        put(file, "--part-urls", "urls", "--complete-url", base,
            "--receipt", "receipt")
    assert s3.objects["/bucket/key"] == file.read_bytes()
    assert "sig=" not in (put.folder / "receipt").read_text()


def test_tus_puts_parts_together(put, lines, file, context):
    lines.rates = {x: 4_000_000 for x in ("own", *PEERS)}
    tus = FakeTus()
    with upload_server(tus, context) as port:
        put(file, f"https://origin.test:{port}/files", "--receipt", "receipt")
    final = [x for x in tus.files.values() if x[2] == "final"]
    assert [x[0] for x in final] == [file.read_bytes()]
    assert "a file" in tus.names.values()
    assert put.receipt()["protocol"] == "tus"
    assert all(lines.sent[x] > 2_000_000 for x in PEERS)


def test_a_part_that_broke_off_is_continued(put, file, context):
    tus = FakeTus()
    tus.resets = 2
    with upload_server(tus, context) as port:
        put(file, f"https://origin.test:{port}/files")
    final = [x for x in tus.files.values() if x[2] == "final"]
    assert [x[0] for x in final] == [file.read_bytes()]
    assert any(method == "HEAD" for method, _, _ in tus.log)


def test_tus_without_concatenation_gets_one_upload(put, lines, file, context):
    tus = FakeTus("creation")
    with upload_server(tus, context) as port:
        said = put(file, f"https://origin.test:{port}/files")
    assert [x[0] for x in tus.files.values()] == [file.read_bytes()]
    assert "puts no parts together" in said and "own line" in said
    assert all(lines.opened[x] == 0 for x in PEERS)


def test_a_failed_tus_upload_is_removed(put, file, context):
    tus = FakeTus()
    tus.failures = {"PATCH": 1000}
    with upload_server(tus, context) as port:
        put(file, f"https://origin.test:{port}/files", "--tries", "2", code=5)
    assert tus.files == {}


def test_anything_else_gets_one_put(put, file, context):
    server = PlainPut()
    with upload_server(server, context) as port:
        said = put(file, f"https://origin.test:{port}/there?x=1")
    assert server.objects == {"/there?x=1": file.read_bytes()}
    assert "origin.test takes no parts" in said
    assert "one PUT over this device's own line" in said


# -- one PUT over the best line -----------------------------------------------


def know(put, own, kitchen, attic=1_000_000, kind="up") -> None:
    """What earlier runs have measured, in bytes a second."""
    rates = {"own": own, "a" * 32: kitchen, "b" * 32: attic}
    folder = put.folder / "state"
    folder.mkdir()
    (folder / "line-rates.json").write_text(json.dumps(
        {kind: {x: [rate, int(time.time())] for x, rate in rates.items()}}))


def puts(server) -> list:
    return [x for x in server.log if x[0] == "PUT"]


@pytest.mark.parametrize("kind,words", [
    ("up", "(measured 48.0 Mbit/s, own line 12.0 Mbit/s)"),
    ("down", "(downloads came at 48.0 Mbit/s, own line 12.0 Mbit/s)")])
def test_one_put_goes_over_the_best_line(put, lines, file, context, kind,
                                         words):
    know(put, 1_500_000, 6_000_000, kind=kind)
    server = PlainPut()
    with upload_server(server, context) as port:
        said = put(file, f"https://origin.test:{port}/x", "--receipt",
                   "receipt")
    assert server.objects == {"/x": file.read_bytes()}
    assert f"in one PUT over kitchen {words}" in said
    shares = {x["name"]: x["bytes"] for x in put.receipt()["devices"]}
    assert shares["kitchen"] == SIZE and lines.sent["b" * 32] == 0


def test_a_little_faster_is_not_worth_a_detour(put, lines, file, context):
    know(put, 6_000_000, 6_600_000)
    with upload_server(PlainPut(), context) as port:
        said = put(file, f"https://origin.test:{port}/x")
    assert "own line (none is much faster)" in said
    assert all(lines.opened[x] == 0 for x in PEERS)


def test_parts_teach_which_line_is_the_best(put, lines, file, context):
    lines.rates = {"own": 1_000_000, "a" * 32: 4_000_000, "b" * 32: 1_000_000}
    with upload_server(FakeTus(), context) as port:
        put(file, f"https://origin.test:{port}/files")
    lines.sent.clear()
    with upload_server(PlainPut(), context) as port:
        said = put(file, f"https://origin.test:{port}/x")
    assert "one PUT over kitchen (measured" in said
    assert lines.sent["a" * 32] >= SIZE


def test_the_own_line_takes_over_before_the_body(put, lines, file, context):
    know(put, 1_500_000, 6_000_000)
    lines.refused.add("a" * 32)
    server = PlainPut()
    with upload_server(server, context) as port:
        said = put(file, f"https://origin.test:{port}/x")
    assert server.objects == {"/x": file.read_bytes()}
    assert len(puts(server)) == 1
    assert "over kitchen the server is not reached" in said
    assert "the file goes over this device's own line" in said


def test_a_put_that_has_begun_is_not_sent_twice(put, lines, file, context):
    know(put, 1_500_000, 6_000_000)
    lines.limits["a" * 32] = 2_000_000
    server = PlainPut()
    with upload_server(server, context) as port:
        said = put(file, f"https://origin.test:{port}/x", code=3)
    assert "not sent again by itself" in said
    assert server.objects == {}
    assert lines.sent["own"] < 100_000


def test_an_answer_that_may_mean_anything_is_the_end(put, file, context):
    server = PlainPut()
    server.failures = {"PUT": 1}
    with upload_server(server, context) as port:
        put(file, f"https://origin.test:{port}/x", code=5)
    assert len(puts(server)) == 1


def test_user_and_password_in_a_url(put, file, context):
    server = PlainPut()
    seen = []
    answer = server.answer
    server.answer = lambda method, target, fields, body: (
        seen.append(fields.get("authorization")),
        answer(method, target, fields, body))[1]
    with upload_server(server, context) as port:
        said = put(file, f"https://who:secret@origin.test:{port}/x",
                   "--receipt", "receipt")
    assert seen[-1] == "Basic d2hvOnNlY3JldA=="
    assert "secret" not in said
    assert "secret" not in (put.folder / "receipt").read_text()


class Moved(PlainPut):
    """What is asked for at /old is at another place."""

    def __init__(self, status, to, asks_first):
        super().__init__()
        self.status, self.to, self.asks_first = status, to, asks_first

    def answer(self, method, target, fields, body) -> Reply:
        if target == "/old" and (method == "PUT" or self.asks_first):
            return Reply(self.status, Location=self.to)
        return super().answer(method, target, fields, body)


@pytest.mark.parametrize("asks_first", [True, False])
@pytest.mark.parametrize("status", [307, 308])
def test_a_put_goes_where_the_server_wants_it(put, file, context, status,
                                              asks_first):
    server = Moved(status, "new", asks_first)
    with upload_server(server, context) as port:
        put(file, f"https://origin.test:{port}/old", "--receipt", "receipt")
    assert server.objects == {"/new": file.read_bytes()}
    assert put.receipt()["place"].endswith("/new")


@pytest.mark.parametrize("status,to,code,words", [
    (308, "http://127.0.0.1:1/new", 4, "redirects from https to http"),
    (307, "old", 5, "too many redirects"),
    (301, "/new?secret", 5, "answers 301 Status (it leads to /new)")])
def test_a_put_is_not_led_anywhere(put, file, context, status, to, code, words):
    server = Moved(status, to, False)
    with upload_server(server, context) as port:
        said = put(file, f"https://origin.test:{port}/old", code=code)
    assert f": the server {words}" in said or f": {words}" in said
    assert "not known" not in said and "secret" not in said
    assert server.objects == {}


def test_the_source_is_never_the_receipt(put, tmp_path):
    source = tmp_path / "only copy"
    source.write_text("bytes")
    for name in (source, "./only copy"):
        put(source, "https://localhost:1/x", "--receipt", name, "--force",
            code=2)
    (tmp_path / "other").write_text("mine")
    put(source, "https://localhost:1/x", "--receipt", "other", code=6)
    assert source.read_text() == "bytes"
    assert (tmp_path / "other").read_text() == "mine"


def test_plain_http_stays_on_the_own_line(put, lines, file):
    tus = FakeTus()
    with upload_server(tus) as port:
        said = put(file, f"http://origin.test:{port}/files")
    assert "only https" in said
    assert all(lines.opened[x] == 0 for x in PEERS)
    assert [x[0] for x in tus.files.values() if x[2] == "final"] == [
        file.read_bytes()]


def test_a_wrong_certificate_is_refused(put, authority, file):
    server = PlainPut()
    context = authority.context("DNS:elsewhere.test")
    with upload_server(server, context) as port:
        put(file, f"https://origin.test:{port}/x", code=4)
    assert server.log == []


def test_what_cannot_be_asked_for(put, file):
    put("nothing", "https://127.0.0.1/x", code=6)
    put(file, code=2)
    put(file, "s3://bucket", code=2)
    put(file, "--part-urls", "nothing", code=2)
