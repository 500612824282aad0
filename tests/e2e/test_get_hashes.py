"""`peapod get` and what is known of a file beforehand: its hash, and the mirrors
that have it."""

import contextlib
import json
import re
import urllib.request

import pytest

import content
from harness import hostile_origin
from test_get import BIG, answering, authority, get, https  # noqa: F401


def test_a_checksum_is_checked_before_the_file_gets_its_name(get, https):
    url = f"{https.url}/range/{BIG}/x"
    done = get(url, "--checksum", "sha-256=" + "0" * 64, code=7)
    assert "x.corrupt" in done.stderr
    assert not (get.folder / "x").exists()
    assert get.leftovers("x") == ["x.corrupt"]
    (get.folder / "x.corrupt").unlink()
    get(url, "--checksum", f"SHA256:{content.sha256('x', BIG)}")
    get.check("x", BIG)


def test_the_hash_that_the_server_announces_is_checked(get, https):
    get(f"{https.url}/digest,field=repr/{BIG}/x", "--receipt", "receipt")
    get.check("x", BIG)
    receipt = json.loads((get.folder / "receipt").read_text())["downloads"][0]
    assert receipt["verified_by"] == ["the server's Repr-Digest"]
    get(f"{https.url}/digest,field=repr,wrong=1/{BIG}/y", code=7)
    assert not (get.folder / "y").exists()


def metalink(*urls, name="x", size=BIG, digest=None) -> str:
    listed = "".join(f'<url priority="{i + 1}">{url}</url>'
                     for i, url in enumerate(urls))
    digest = digest or content.sha256(name, size)
    return (f'<?xml version="1.0"?><metalink '
            f'xmlns="urn:ietf:params:xml:ns:metalink"><file name="../{name}">'
            f'<size>{size}</size><hash type="sha-256">{digest}</hash>{listed}'
            f"</file></metalink>")


def test_a_metalink_names_mirrors_and_a_hash(get, https):
    (get.folder / "it.meta4").write_text(metalink(
        f"{https.url}/status,code=404/1/x", f"{https.url}/range/{BIG}/x"))
    get("it.meta4")
    get.check("x", BIG)
    (get.folder / "x").unlink()
    (get.folder / "it.meta4").write_text(metalink(
        f"{https.url}/range/{BIG}/x", digest="0" * 64))
    get("it.meta4", code=7)
    assert not (get.folder / "x").exists()


def test_a_metalink_may_come_from_a_server(get, https, authority):
    from tls_servers import Loop, Server
    text = metalink(f"{https.url}/range/{BIG}/x").encode()

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
                     % len(text) + text)
        await writer.drain()
        writer.close()

    with Loop() as loop:
        server = Server(loop, serve, authority.context("IP:127.0.0.1"))
        get(f"https://127.0.0.1:{server.port}/it.meta4")
        server.close()
    get.check("x", BIG)


@pytest.mark.parametrize("hashed,also_https,code", [
    (False, False, 4), (False, True, 0), (True, False, 0)])
def test_a_metalink_does_not_lead_from_https_to_http(
        get, https, authority, hashed, also_https, code):
    with hostile_origin() as port:
        urls = [f"http://127.0.0.1:{port}/range/{BIG}/x"]
        if also_https:
            urls.append(f"{https.url}/range/{BIG}/x")
        text = metalink(*urls)
        if not hashed:
            text = re.sub("<hash.*</hash>", "", text)
        with answering(authority, "HTTP/1.1 200 OK\r\nContent-Length: "
                       f"{len(text)}\r\n\r\n{text}") as at:
            said = get(f"https://127.0.0.1:{at}/it.meta4", code=code).stderr
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/__log") as log:
            assert bool(json.load(log)) == hashed
    if code:
        assert "came over https, but leads to http alone" in said
        assert not (get.folder / "x").exists()
    else:
        get.check("x", BIG)


@contextlib.contextmanager
def dying_mirror(authority, seed: str, size: int, enough: int):
    """A server that sends so much of a file once, and then nothing more; gives
    its URL."""
    from tls_servers import Loop, Server
    served = []

    async def serve(reader, writer):
        with contextlib.suppress(ConnectionError, EOFError):
            await reader.readuntil(b"\r\n\r\n")
            if not served:
                served.append(True)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n"
                             b"Accept-Ranges: bytes\r\nETag: \"1\"\r\n\r\n"
                             % size + content.content(seed, 0, enough))
                await writer.drain()
        writer.close()

    with Loop() as loop:
        server = Server(loop, serve, authority.context("IP:127.0.0.1"))
        yield f"https://127.0.0.1:{server.port}/x"
        server.close()


def test_another_mirror_continues_what_one_has_begun(get, https, authority):
    https.log.clear()
    with dying_mirror(authority, "x", BIG, 2_000_000) as url:
        (get.folder / "it.meta4").write_text(metalink(
            url, f"{https.url}/range/{BIG}/x"))
        get("it.meta4", "--tries", "1", "--receipt", "receipt")
    get.check("x", BIG)
    first, second = json.loads(
        (get.folder / "receipt").read_text())["downloads"]
    assert not first["complete"] and first["bytes"] > 1_000_000
    assert second["complete"] and second["resumed_from"] == first["bytes"]
    asked = [x for x in https.log if x["path"] == f"/range/{BIG}/x"]
    assert all("range" in x["headers"] for x in asked)
    assert "if-range" not in asked[0]["headers"]


def test_mirrors_that_differ_are_not_mixed(get, https, authority):
    with dying_mirror(authority, "other", BIG, 2_000_000) as url:
        (get.folder / "it.meta4").write_text(metalink(
            url, f"{https.url}/range/{BIG}/x"))
        done = get("it.meta4", "--tries", "1")
    assert "do not have the same bytes" in done.stderr
    assert (get.folder / "x").read_bytes() == content.content("x", 0, BIG)
    assert get.leftovers("x") == ["x.corrupt"]


def test_a_mirror_of_another_size_is_passed_over(get, https):
    (get.folder / "it.meta4").write_text(metalink(
        f"{https.url}/range/1000/x", f"{https.url}/range/{BIG}/x"))
    get("it.meta4")
    get.check("x", BIG)
