"""`peapod get` against servers of this machine: are files right and safe, is
what is wrong said, and is nobody trusted who should not be?"""

import contextlib
import hashlib
import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

import content
from fake_lines import FakeLines
from harness import BINARY, hostile_origin, wait_until
from local import LocalDaemon
from tls_servers import Authority, Loop, Server, hostile_https

BIG = 6_000_000
PEERS = {"a" * 32: "kitchen", "b" * 32: "attic"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def https(authority):
    """The hostile origin with a good certificate."""
    context = authority.context("DNS:origin.test", "IP:127.0.0.1")
    with hostile_https(context) as (origin, port):
        origin.url = f"https://127.0.0.1:{port}"
        origin.far = f"https://origin.test:{port}"
        yield origin


class Getter:
    """Runs `peapod get` in a folder of its own."""

    def __init__(self, folder: Path, authority, socket=None):
        self.folder = folder
        self.authority = authority
        self.socket = socket or folder / "no-daemon.sock"

    def command(self, *words) -> list:
        return [BINARY, "get", "--socket", self.socket, *words]

    def start(self, *words, **env) -> subprocess.Popen:
        env = {**os.environ, "SSL_CERT_FILE": str(self.authority.ca_file),
               "STATE_DIRECTORY": str(self.folder / "state"), **env}
        return subprocess.Popen(
            [str(x) for x in self.command(*words)], cwd=self.folder, env=env,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __call__(self, *words, code=0, **env) -> subprocess.CompletedProcess:
        process = self.start(*words, **env)
        out, err = process.communicate(timeout=60)
        assert process.returncode == code, (process.returncode, out, err)
        done = subprocess.CompletedProcess(words, code, out, err)
        return done

    def check(self, name: str, size: int, seed=None) -> None:
        """The file is complete and exact, and nothing lies beside it."""
        data = (self.folder / name).read_bytes()
        assert len(data) == size
        assert data == content.content(seed or name, 0, size)
        assert self.leftovers(name) == []

    def leftovers(self, name: str) -> list:
        return sorted(x.name for x in self.folder.glob(f"{name}.*"))

    def part_size(self, name: str) -> int:
        path = self.folder / f"{name}.part"
        return path.stat().st_size if path.exists() else 0


@pytest.fixture
def get(tmp_path, authority):
    return Getter(tmp_path, authority)


@pytest.fixture
def lines(tmp_path):
    with FakeLines(tmp_path, PEERS) as fake:
        yield fake


@pytest.fixture
def get_by_lines(tmp_path, authority, lines):
    return Getter(tmp_path, authority, lines.socket)


def begin(get, url, name, enough=1_500_000) -> subprocess.Popen:
    """A download that has come so far that it can be continued."""
    process = get.start(url)
    wait_until(lambda: get.part_size(name) > enough
               and (get.folder / f"{name}.peapod").exists(), 20)
    return process


def interrupted(get, url, name, how=signal.SIGINT) -> int:
    process = begin(get, url, name)
    process.send_signal(how)
    _, err = process.communicate(timeout=20)
    if how == signal.SIGINT:
        assert process.returncode == 130, err
        assert "continues it" in err
    assert not (get.folder / name).exists()
    return get.part_size(name)


def receipt_of(get) -> dict:
    return json.loads((get.folder / "receipt").read_text())["downloads"][0]


# -- files --------------------------------------------------------------------


@pytest.mark.parametrize("behaviour", [
    "range", "no-range", "no-validator", "only-last-modified", "weak-etag",
    "chunked", "until-close"])
def test_a_file_is_exact_however_the_server_gives_it(get, https, behaviour):
    get(f"{https.url}/{behaviour}/{BIG}/file")
    get.check("file", BIG)


@pytest.mark.parametrize("size", [0, 1, 1000, 262145])
def test_small_files_are_exact(get, https, size):
    get(f"{https.url}/range/{size}/small")
    get.check("small", size)


def test_several_files_and_a_list(get, https):
    (get.folder / "list").write_text(
        f"  # two more\n  {https.url}/range/1000/b \r\n \n"
        f"\t{https.url}/range/2000/c\n")
    get(f"{https.url}/range/500/a", "-i", "list")
    for name, size in (("a", 500), ("b", 1000), ("c", 2000)):
        get.check(name, size)


def test_a_name_and_a_folder(get, https):
    (get.folder / "below").mkdir()
    get(f"{https.url}/range/1000/x", "-o", "named", "-P", "below")
    assert (get.folder / "below/named").read_bytes() == content.content(
        "x", 0, 1000)


def test_a_folder_is_made(get, https):
    get(f"{https.url}/range/1000/x", "-P", "new/below")
    assert (get.folder / "new/below/x").stat().st_size == 1000
    (get.folder / "file").touch()
    said = get(f"{https.url}/range/1000/x", "-P", "file/below", code=6).stderr
    assert "file/below cannot be made" in said


@pytest.mark.parametrize("length", [199, 240, 300])
def test_a_long_name_is_cut(get, https, length):
    get(f"{https.url}/range/{BIG}/{'x' * length}")
    name = "x" * min(length, 200)
    assert [x.name for x in get.folder.iterdir()] == [name]
    get.check(name, BIG, seed="x" * length)
    get(f"{https.url}/range/{BIG}/y", "-o", "y" * 201, code=2)


def test_an_existing_file_is_not_touched(get, https):
    (get.folder / "x").write_text("mine")
    done = get(f"{https.url}/range/1000/x", code=6)
    assert done.stderr.endswith("/x: x exists; --force replaces it\n")
    assert (get.folder / "x").read_text() == "mine"
    get(f"{https.url}/range/1000/x", "--force")
    get.check("x", 1000)


def test_a_receipt_takes_no_other_files_place(get, https):
    https.log.clear()
    url = f"{https.url}/range/1000/x"
    (get.folder / "mine").write_text("mine")
    for name, code in (("x", 2), ("x.part", 2), ("mine", 6), ("no/x", 6)):
        said = get(url, "--receipt", name, code=code).stderr
        assert name in said and said.count("\n") == 1
    assert sorted(x.name for x in get.folder.iterdir()) == ["mine"]
    assert https.log == []
    done = get(url, "--receipt", "-")
    assert json.loads(done.stdout)["downloads"][0]["complete"]
    get(url, "--receipt", "/dev/full", "--force", code=6)
    assert Path("/dev/full").is_char_device()
    get(url, "-o", "-", "--receipt", "-", code=2)


def test_a_full_disk_is_said_before_it_is_full(get, https):
    small = get.folder / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small],
                   check=True)
    try:
        done = get(f"{https.url}/range/{BIG}/x", "-P", "small", code=6)
        assert "disk is full" in done.stderr
        assert list(small.iterdir()) == []
        # Without a length it is found out on the way.
        done = get(f"{https.url}/chunked/{BIG}/y", "-P", "small", code=6)
        assert "disk is full" in done.stderr
        assert not (small / "y").exists()
    finally:
        subprocess.run(["umount", small], check=True)


def test_what_nothing_can_tell_of_does_not_stay(get, https):
    """There is room for the file, but none for what says what it is."""
    small = get.folder / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "nr_inodes=2", "tmpfs",
                    small], check=True)
    try:
        said = get(f"{https.url}/range/{BIG}/x", "-P", "small", code=6).stderr
        assert "disk is full" in said
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", small], check=True)


def test_a_folder_that_takes_no_files(get, https):
    done = get(f"{https.url}/range/1000/x", "-P", "/proc", code=6)
    assert "/proc/x.part" in done.stderr


# -- words --------------------------------------------------------------------


@pytest.mark.parametrize("words,code", [
    ([], 2), (["ftp://127.0.0.1/x"], 2), (["https://"], 2),
    (["https://u%0a:p@127.0.0.1/x"], 2),
    (["https://127.0.0.1/x", "https://127.0.0.1/y", "-o", "-"], 2),
    (["https://127.0.0.1/x", "--checksum", "md5=00"], 2),
    (["https://127.0.0.1/x", "-H", "no colon"], 2),
    (["https://127.0.0.1/x", "-H", "Host: a"], 2),
    (["https://127.0.0.1/x", "--cookies", "nothing"], 2),
    (["nothing.meta4"], 2),
    (["https://127.0.0.1:1/x"], 3),
    (["https://no-such-host.invalid/x", "--tries", "1"], 3),
    (["https://b\u00fccher.invalid/x", "--tries", "1"], 3),
])
def test_what_cannot_be_asked_for(get, words, code):
    done = get(*words, code=code)
    assert done.stderr.startswith("peapod: ")


def test_no_name_is_no_name(get, https):
    assert "expected a name" in get(f"{https.url}/range/1/x", "-o", "",
                                    code=2).stderr


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_errors_of_the_server(get, https, status):
    done = get(f"{https.url}/status,code={status}/1/x", code=5)
    assert str(status) in done.stderr
    assert get.leftovers("x") == []


def test_a_busy_server_is_asked_again(get, https):
    done = get(f"{https.url}/status,code=503/1/x", "--tries", "2", code=5)
    assert "trying again" in done.stderr
    asked = [x for x in https.log if "code=503" in x["path"]]
    assert len(asked) == 2


def test_fewer_bytes_than_announced_are_no_change(get, https):
    said = get(f"{https.url}/long-length/1000/x", code=7).stderr
    assert "the server announces 1001 bytes and has 1000" in said


# -- through a daemon, as without one -----------------------------------------


@pytest.mark.parametrize("scheme", ["https", "http"])
@pytest.mark.parametrize("command", [("get",), ("put", "file")])
def test_a_daemon_is_as_clear_as_no_daemon(tmp_path, scheme, command):
    (tmp_path / "file").write_text("bytes")
    words = [BINARY, command[0], *command[1:], f"{scheme}://nosuch.invalid/x",
             "--socket", tmp_path / "sock"]
    env = {**os.environ, "STATE_DIRECTORY": str(tmp_path / "mine")}

    def run(*more):
        return subprocess.run([*words, *more], cwd=tmp_path, text=True, env=env,
                              capture_output=True, timeout=30)

    with LocalDaemon(tmp_path) as daemon:
        through, direct = run(), run("--direct")
        assert "nosuch.invalid" in daemon.output()
    assert through.returncode == direct.returncode == 3
    last = direct.stderr.splitlines()[-1]
    assert "nosuch.invalid: no such host" in last
    assert through.stderr.splitlines()[-1] == last
    assert "trying again" not in through.stderr


@pytest.mark.parametrize("scheme", ["https", "http"])
@pytest.mark.parametrize("kind,status,words,passes", [
    ("connection_refused", 502, "connection refused", False),
    ("destination_ip_unroutable", 502, "address unreachable", True),
    ("connection_timeout", 504, "connecting timed out", True),
    ("dns_timeout", 504, "name resolution failed for now", True),
    ("destination_ip_prohibited", 403, "refused by policy", False),
    ("proxy_loop_detected", 508, "loop detected", False),
    ("connection_limit_reached", 503, "the daemon refused", True)])
def test_why_a_daemon_does_not_reach_a_server_is_said(
        get_by_lines, lines, scheme, kind, status, words, passes):
    lines.dead = {"dead.test": (status, kind)}
    said = get_by_lines(f"{scheme}://dead.test:1/x", "--tries", "2", code=3)
    assert f"{words}: dead.test:1: why" in said.stderr
    assert ("trying again" in said.stderr) == passes


def answering(authority, text: str):
    """A server behind TLS that answers everything so; gives its port."""
    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(text.encode())
        await writer.drain()
        writer.close()
    return tls_server(authority, serve)


@contextlib.contextmanager
def tls_server(authority, serve):
    with Loop() as loop:
        server = Server(loop, serve, authority.context("IP:127.0.0.1"))
        yield server.port
        server.close()


def test_a_server_does_not_speak_as_the_daemon(get, authority):
    with answering(authority, "HTTP/1.1 403 No\r\nContent-Length: 0\r\n"
                   "Proxy-Status: PeaPod; error=dns_error\r\n\r\n") as port:
        said = get(f"https://127.0.0.1:{port}/x", code=5).stderr
    assert "the server answers 403 No" in said


def test_a_redirect_to_another_protocol_is_said(get, authority):
    with answering(authority, "HTTP/1.1 302 There\r\nContent-Length: 0\r\n"
                   "Location: ftp://127.0.0.1/x\r\n\r\n") as port:
        said = get(f"https://127.0.0.1:{port}/x", code=5).stderr
    assert "the server redirects to what cannot be asked for" in said


def test_progress_as_json(get, https):
    done = get(f"{https.url}/range/{BIG}/x", "--progress=json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[-1]["event"] == "done"
    last = [x for x in events if x["event"] == "progress"][-1]
    assert last["done"] == last["total"] == BIG
    assert sum(x["bytes"] for x in last["devices"]) >= BIG


def test_without_a_terminal_it_is_quiet(get, https):
    done = get(f"{https.url}/range/{BIG}/x")
    assert done.stdout == done.stderr == ""


def on_terminal(get, *words, **env) -> tuple:
    """The end of a command on a terminal, and what is there then."""
    here, there = os.openpty()
    process = subprocess.Popen(
        [str(x) for x in words], cwd=get.folder, stderr=there,
        env={**os.environ, "SSL_CERT_FILE": str(get.authority.ca_file),
             "STATE_DIRECTORY": str(get.folder / "state"), "TERM": "xterm",
             **env})
    os.close(there)
    shown = b""
    with contextlib.suppress(OSError):  # the end of a terminal
        while data := os.read(here, 4096):
            shown += data
    os.close(here)
    return process, shown


def test_a_terminal_that_cannot_draw_gets_no_bar(get, https):
    process, shown = on_terminal(
        get, *get.command(f"{https.url}/drips,rate=6000000/{BIG}/x"),
        TERM="dumb")
    assert process.wait(10) == 0
    assert b"\x1b" not in shown


def test_without_a_daemon_a_terminal_is_told(get, https):
    url = f"{https.url}/range/1000/x"
    for words, told in (((), True), (("--direct",), False), (("-q",), False)):
        process, shown = on_terminal(get, *get.command(url, "-f", *words))
        assert process.wait(10) == 0
        assert (b"no daemon runs" in shown) == told


def test_the_daemon_of_the_system_is_found(get_by_lines, https, lines):
    """Nobody listens at the user's own socket, but at /run/peapod."""
    script = (f"mount -t tmpfs tmpfs /run && mkdir /run/peapod && ln -s "
              f"{lines.socket} /run/peapod/control.sock && exec {BINARY} get "
              f"{https.far}/range/{BIG}/x --receipt receipt")
    lines.rates = {x: 1_500_000 for x in ("own", *PEERS)}
    process, shown = on_terminal(
        get_by_lines, "unshare", "-m", "sh", "-c", script,
        RUNTIME_DIRECTORY=str(get_by_lines.folder))
    assert process.wait(20) == 0, shown
    assert len(receipt_of(get_by_lines)["devices"]) == 3


def test_a_terminal_shows_bar_rate_and_devices(get_by_lines, https, lines):
    lines.rates = {x: 1_500_000 for x in ("own", *PEERS)}
    process, shown = on_terminal(
        get_by_lines, *get_by_lines.command(f"{https.far}/range/{BIG}/x"))
    assert process.wait(timeout=20) == 0
    for words in (b"100 %", b"bit/s", b"ETA", b"kitchen", b"attic", b"#"):
        assert words in shown


# -- requests -----------------------------------------------------------------


def headers_of(get, name="headers") -> dict:
    return json.loads((get.folder / name).read_text())["headers"]


def test_fields_and_cookies_go_along(get, https):
    (get.folder / "jar").write_text(
        "# Netscape HTTP Cookie File\n"
        "127.0.0.1\tFALSE\t/\tTRUE\t0\tsession\tsecret\n"
        "elsewhere.test\tFALSE\t/\tFALSE\t0\tother\tno\n")
    get(f"{https.url}/show-headers/1/headers", "-H", "X-Mine: yes",
        "--cookies", "jar")
    sent = headers_of(get)
    assert sent["x-mine"] == "yes"
    assert sent["cookie"] == "session=secret"
    assert "proxy-connection" not in sent


def test_redirects_are_followed(get, https):
    get(f"{https.url}/redirect,hops=3/{BIG}/x")
    get.check("x", BIG)


def test_nobody_is_led_from_https_to_http(get, authority):
    from tls_servers import Loop, Server

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/x\r\n"
                     b"Content-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    with Loop() as loop:
        server = Server(loop, serve, authority.context("IP:127.0.0.1"))
        done = get(f"https://127.0.0.1:{server.port}/x", code=4)
        server.close()
    assert "from https to http" in done.stderr


def test_plain_http_comes_directly_without_a_daemon(get):
    with hostile_origin() as port:
        get(f"http://127.0.0.1:{port}/range/{BIG}/x")
    get.check("x", BIG)


def test_user_and_password_are_for_their_server_alone(get, https, authority):
    host = https.url.removeprefix("https://")
    done = get(f"https://someone:s%65cret@{host}/show-headers/1/headers",
               "--receipt", "receipt")
    assert headers_of(get)["authorization"] == "Basic c29tZW9uZTpzZWNyZXQ="
    receipt = (get.folder / "receipt").read_text()
    for text in (done.stdout, done.stderr, receipt):
        assert "s%65cret" not in text and "secret" not in text
        assert "someone" not in text
    get(f"https://someone:p@{host}/show-headers/1/own", "-H",
        "Authorization: Bearer mine")
    assert headers_of(get, "own")["authorization"] == "Bearer mine"


def test_a_redirect_elsewhere_gets_no_password(get, https, authority):
    from tls_servers import Loop, Server
    asked = []

    async def serve(reader, writer):
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n"
                     b"Location: %s/show-headers/1/headers\r\n\r\n"
                     % https.url.encode())
        await writer.drain()
        writer.close()

    with Loop() as loop:
        server = Server(loop, serve, authority.context("IP:127.0.0.1"))
        get(f"https://u:p@127.0.0.1:{server.port}/headers")
        server.close()
    assert "Authorization: Basic dTpw" in asked[0]
    assert "authorization" not in headers_of(get)


def test_a_sidecar_has_no_password(get, https):
    host = https.url.removeprefix("https://")
    url = f"https://someone:secret@{host}/drips,rate=3000000/{BIG}/known"
    interrupted(get, url, "known")
    text = (get.folder / "known.peapod").read_text()
    assert "secret" not in text and "someone" not in text
    get(url)
    get.check("known", BIG)


# -- standard output ----------------------------------------------------------


def piped(get, *words, code=0, **env) -> tuple:
    """What it writes to standard output, and its words."""
    env = {**os.environ, "SSL_CERT_FILE": str(get.authority.ca_file),
           "STATE_DIRECTORY": str(get.folder / "state")}
    done = subprocess.run([str(x) for x in get.command(*words)],
                          cwd=get.folder, env=env, capture_output=True,
                          timeout=60)
    assert done.returncode == code, (done.returncode, done.stderr)
    return done.stdout, done.stderr.decode()


def test_a_file_goes_to_standard_output_in_order(get_by_lines, https, lines):
    lines.rates = {x: 3_000_000 for x in ("own", *PEERS)}
    got, said = piped(
        get_by_lines, f"{https.far}/range/{BIG}/x", "-o", "-",
        "--progress=json", "--checksum",
        f"sha-256={content.sha256('x', BIG)}", "--receipt", "receipt")
    assert got == content.content("x", 0, BIG)
    assert json.loads(said.splitlines()[-1])["event"] == "done"
    receipt = receipt_of(get_by_lines)
    assert receipt["complete"] and receipt["file"] == "-"
    assert len([x for x in receipt["devices"] if x["bytes"] > 0]) == 3
    left = {x.name for x in get_by_lines.folder.iterdir() if x.is_file()}
    assert left <= {"receipt", "lines.sock"}


@pytest.mark.parametrize("behaviour", ["no-range", "chunked",
                                       "closes-once,bytes=2000000"])
def test_standard_output_gets_what_servers_give(get, https, behaviour):
    got, _ = piped(get, f"{https.url}/{behaviour}/{BIG}/{behaviour[:3]}", "-o",
                   "-")
    assert got == content.content(behaviour[:3], 0, BIG)


def test_a_wrong_hash_is_told_after_standard_output_has_it(get, https):
    got, said = piped(get, f"{https.url}/range/{BIG}/x", "-o", "-",
                      "--checksum", "sha-256=" + "0" * 64, code=7)
    assert got == content.content("x", 0, BIG)
    assert "--checksum" in said and "written" in said


def test_a_reader_that_ends_ends_the_download(get, https):
    process = get.start(f"{https.url}/drips,rate=3000000/{BIG}/x", "-o", "-")
    process.stdout.buffer.read(100_000)
    process.stdout.close()
    said = process.stderr.read()
    assert process.wait(timeout=20) == 6
    assert "standard output" in said


def test_a_reader_that_waits_does_not_stop_an_interruption(get, https):
    process = get.start(f"{https.url}/range/{4 * BIG}/x", "-o", "-")
    process.stdout.buffer.read(1_000_000)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 130
    assert "cannot be continued" in process.stderr.read()
    process.stdout.close()


# -- certificates -------------------------------------------------------------


@pytest.mark.parametrize("kind", ["expired", "other-name", "unknown"])
def test_a_wrong_certificate_is_refused(get, authority, tmp_path, kind):
    if kind == "unknown":
        folder = tmp_path / "other"
        folder.mkdir()
        context = Authority(folder, "other").context("IP:127.0.0.1")
    elif kind == "expired":
        context = authority.context("IP:127.0.0.1", expired=True)
    else:
        context = authority.context("DNS:elsewhere.test")
    with hostile_https(context) as (origin, port):
        done = get(f"https://127.0.0.1:{port}/range/1000/x", code=4)
        assert origin.log == []
    words = {"expired": "expired", "other-name": "mismatch",
             "unknown": "certificate"}
    assert words[kind] in done.stderr
    assert not (get.folder / "x").exists()


def test_hashes_and_names_agree(get, https):
    get(f"{https.url}/range/1000/a%20b", "--receipt", "receipt")
    data = (get.folder / "a b").read_bytes()
    assert receipt_of(get)["sha256"] == hashlib.sha256(data).hexdigest()
