"""The hostile origin over loopback: each behaviour does what its name says."""

import gzip
import http.client
import json
import re
import socket
import subprocess
import time
from pathlib import Path

import content
import harness
import origin_behaviours
import origin_options
import origin_shapes
import pytest

HERE = Path(__file__).resolve().parent


@pytest.fixture
def port():
    """The port of a fresh hostile origin."""
    with harness.hostile_origin() as number:
        yield number


def get(port, path, method="GET", body=None, chunked=False,
        client="127.0.0.1", **headers):
    """(status, headers, body) of one request on its own connection."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", port, timeout=5, source_address=(client, 0))
    headers = {k.replace("_", "-"): v for k, v in headers.items()}
    connection.request(method, path, body, headers, encode_chunked=chunked)
    answer = connection.getresponse()
    try:
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("size", [0, 1, 1000, 65536, 200_000])
def test_a_body_is_its_content(port, size):
    status, headers, body = get(port, f"/range/{size}/a")
    assert (status, body) == (200, content.content("a", 0, size))
    assert headers["ETag"].startswith('"')


@pytest.mark.parametrize("asked, start, end", [
    ("bytes=0-0", 0, 1), ("bytes=5-99", 5, 100), ("bytes=70000-", 70000, 80000),
    ("bytes=-10", 79990, 80000), ("bytes=79999-99999", 79999, 80000),
])
def test_a_range_is_served_as_asked(port, asked, start, end):
    status, headers, body = get(port, "/range/80000/a", Range=asked)
    assert (status, body) == (206, content.content("a", start, end))
    assert headers["Content-Range"] == f"bytes {start}-{end - 1}/80000"


def test_an_unsatisfiable_range_is_416(port):
    status, headers, _ = get(port, "/range/100/a", Range="bytes=100-")
    assert (status, headers["Content-Range"]) == (416, "bytes */100")


def test_if_range_with_another_validator_gives_everything(port):
    status, _, body = get(port, "/range/100/a", Range="bytes=1-2",
                          If_Range='"other"')
    assert (status, len(body)) == (200, 100)


@pytest.mark.parametrize("behaviour, status, absent, present", [
    ("no-range", 200, "Accept-Ranges", "ETag"),
    ("claims-range", 200, "Content-Range", "Accept-Ranges"),
    ("no-validator", 206, "ETag", "Content-Range"),
    ("only-last-modified", 206, "ETag", "Last-Modified"),
    ("no-etag-on-206", 206, "ETag", "Content-Range"),
    ("error-on-range,status=429", 429, "ETag", "Content-Length"),
    ("only-from,address=9.9.9.9", 403, "ETag", "Content-Length"),
    ("portal,address=9.9.9.9", 200, "ETag", "Content-Length"),
    ("lies-start", 206, "X", "Content-Range"),
    ("short-206", 206, "X", "Content-Range"),
])
def test_heads_say_what_the_behaviour_promises(
        port, behaviour, status, absent, present):
    got, headers, _ = get(port, f"/{behaviour}/1000/a", Range="bytes=10-19")
    assert got == status
    assert absent not in headers and present in headers


@pytest.mark.parametrize("behaviour, header", [
    ("lies-start", "bytes 11-20/1000"), ("lies-end", "bytes 10-20/1000"),
    ("lies-total", "bytes 10-19/1001"), ("shifted", "bytes 9-18/1000"),
])
def test_lies_stand_in_content_range(port, behaviour, header):
    _, headers, _ = get(port, f"/{behaviour}/1000/a", Range="bytes=10-19")
    assert headers["Content-Range"] == header


def test_a_weak_etag_is_weak(port):
    assert get(port, "/weak-etag/9/a")[1]["ETag"].startswith('W/"')


def test_a_body_changes_with_its_etag_after_some_requests(port):
    first, second, third = (get(port, "/changes,after=2/99/a")
                            for _ in range(3))
    assert first[1]["ETag"] == second[1]["ETag"] != third[1]["ETag"]
    assert third[2] == content.content("a#2", 0, 99)


@pytest.mark.parametrize("behaviour, problem", [
    ("closes-early,bytes=500", http.client.IncompleteRead),
    ("resets,bytes=500", (ConnectionError, http.client.IncompleteRead)),
    ("stalls,bytes=500", TimeoutError),
    ("long-length", http.client.IncompleteRead),
    ("chunked-cut,bytes=500", http.client.IncompleteRead),
])
def test_bodies_that_end_badly(port, behaviour, problem):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=0.5)
    connection.request("GET", f"/{behaviour}/100000/a")
    answer = connection.getresponse()
    with pytest.raises(problem):
        answer.read()
    connection.close()


def test_closing_once_leaves_the_second_request_whole(port):
    path = "/closes-once,bytes=10/1000/a"
    with pytest.raises(http.client.IncompleteRead):
        get(port, path)
    assert get(port, path)[2] == content.content("a", 0, 1000)


@pytest.mark.parametrize("behaviour", ["chunked", "until-close"])
def test_bodies_without_length_are_whole(port, behaviour):
    _, headers, body = get(port, f"/{behaviour}/100000/a")
    assert "Content-Length" not in headers
    assert body == content.content("a", 0, 100_000)


def test_gzip_is_ranged_over_its_encoded_bytes(port):
    _, headers, whole = get(port, "/gzipped/5000/a")
    part = get(port, "/gzipped/5000/a", Range="bytes=100-199")
    assert headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(whole) == content.content("a", 0, 5000)
    assert (part[0], part[2]) == (206, whole[100:200])


def test_one_shot_and_redirect(port):
    assert get(port, "/one-shot/9/a")[0] == 200
    assert get(port, "/one-shot/9/a")[0] == 410
    status, headers, _ = get(port, "/redirect,hops=2/9/a")
    assert (status, headers["Location"]) == (302, "/redirect,hops=1/9/a")


def test_one_connection_refuses_a_second_one_meanwhile(port):
    path = "/one-connection/9000000/a"
    busy = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    busy.request("GET", path)
    answer = busy.getresponse()
    assert get(port, path)[0] == 503
    assert len(answer.read()) == 9_000_000
    assert get(port, path)[0] == 200
    busy.close()


def test_echo_gives_back_bodies_of_both_framings(port):
    for chunked in (False, True):
        body = iter([b"ab", b"cd"]) if chunked else b"abcd"
        _, headers, got = get(port, "/echo/0/e", "POST", body, chunked,
                              **({"Transfer_Encoding": "chunked"}
                                 if chunked else {}))
        assert (got, headers["X-Method"]) == (b"abcd", "POST")
        assert headers["X-Framing"] == ("chunked" if chunked else "length")


def test_head_has_the_length_and_no_body(port):
    status, headers, body = get(port, "/range/1000/a", "HEAD")
    assert (status, headers["Content-Length"], body) == (200, "1000", b"")


def test_the_log_tells_every_request(port):
    get(port, "/range/1000/a", Range="bytes=1-9")
    entry, = json.loads(get(port, "/__log")[2])
    assert (entry["range"], entry["status"], entry["sent"]) == (
        "bytes=1-9", 206, 9)
    get(port, "/__reset")
    assert json.loads(get(port, "/__log")[2]) == []


# -- rules for clients --------------------------------------------------------

OTHER = "127.0.0.2"


def hold(port, path, client="127.0.0.1"):
    """A connection with a request under way."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", port, timeout=5, source_address=(client, 0))
    connection.request("GET", path)
    return connection, connection.getresponse()


@pytest.mark.parametrize("status", [429, 503])
def test_connections_above_a_cap_are_told_when_to_come_back(port, status):
    path = f"/limits-connections,cap=2,status={status},retry-after=7/9000000/a"
    held = [hold(port, path) for _ in range(2)]
    got, headers, _ = get(port, path)
    assert (got, headers["Retry-After"]) == (status, "7")
    assert get(port, path, client=OTHER)[0] == 200
    for connection, answer in held:
        assert len(answer.read()) == 9_000_000
        connection.close()
    assert get(port, path)[0] == 200


def test_connections_above_a_cap_are_reset(port):
    path = "/resets-connections,cap=1/9000000/a"
    connection, answer = hold(port, path)
    with pytest.raises((ConnectionError, http.client.BadStatusLine)):
        get(port, path)
    answer.read()
    connection.close()
    assert get(port, path)[0] == 200


def test_urls_of_a_group_share_a_cap(port):
    rule = "limits-connections,cap=1,group=cdn"
    connection, _ = hold(port, f"/{rule}/9000000/a")
    assert get(port, f"/{rule}/9000000/b")[0] == 429
    connection.close()


@pytest.mark.parametrize("status", [403, 404])
def test_a_url_is_locked_to_who_used_it_first(port, status):
    path = f"/locked-to-first,status={status}/9/a"
    assert get(port, path, client=OTHER)[0] == 200
    assert get(port, path)[0] == status
    assert get(port, path, client=OTHER)[0] == 200


def test_every_client_is_redirected_to_a_url_of_its_own(port):
    places = [get(port, "/redirect-per-client,locked=1/9/a", client=client)[1]
              ["Location"] for client in ("127.0.0.1", OTHER)]
    assert places[0] != places[1]
    assert get(port, places[1])[0] == 403
    status, _, body = get(port, places[1], client=OTHER)
    assert (status, body) == (200, content.content("a", 0, 9))
    free = get(port, "/redirect-per-client/9/a", client=OTHER)[1]["Location"]
    assert get(port, free)[2] == content.content("a", 0, 9)


@pytest.mark.parametrize("status", [200, 416, 503])
def test_ranges_are_refused_after_some_requests(port, status):
    path = f"/refuses-ranges,after=2,status={status}/100/a"
    got = [get(port, path, Range="bytes=5-9")[0] for _ in range(3)]
    assert got == [206, 206, status]
    assert get(port, path)[2] == content.content("a", 0, 100)


def test_an_option_limits_a_behaviour_to_one_client(port):
    path = f"/status,code=500,for={OTHER}/9/a"
    assert get(port, path)[0] == 200
    assert get(port, path, client=OTHER)[0] == 500


# -- pace ---------------------------------------------------------------------


@pytest.mark.parametrize("behaviour", ["slow-head", "slow-body"])
def test_a_first_byte_comes_late(port, behaviour):
    begun = time.monotonic()
    body = get(port, f"/{behaviour},seconds=0.3/100/a")[2]
    assert body == content.content("a", 0, 100)
    assert time.monotonic() - begun >= 0.3


def test_a_rate_collapses_over_all_answers_to_a_client(port):
    path = "/rate-collapse,after=1000,to=2000/1500/a"
    begun = time.monotonic()
    assert get(port, path)[2] == content.content("a", 0, 1500)
    assert time.monotonic() - begun >= 0.2
    begun = time.monotonic()
    assert get(port, path, Range="bytes=0-199")[0] == 206
    assert time.monotonic() - begun >= 0.1


def test_a_collapse_to_nothing_stalls_at_the_very_byte(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=0.5)
    connection.request("GET", "/rate-collapse,after=777,to=0/5000/a")
    answer = connection.getresponse()
    assert answer.read(777) == content.content("a", 0, 777)
    with pytest.raises(TimeoutError):
        answer.read(1)
    connection.close()


# -- no HTTP ------------------------------------------------------------------


def test_shapes_are_sent_as_they_are(port):
    for name, shape in origin_shapes.SHAPES.items():
        with socket.create_connection(("127.0.0.1", port), 5) as s:
            s.sendall(f"GET /raw,shape={name}/0/x HTTP/1.1\r\n\r\n".encode())
            got = b"".join(iter(lambda s=s: s.recv(65536), b""))
        assert got == shape, name


# -- mistakes in URLs ---------------------------------------------------------


@pytest.mark.parametrize("url, told", [
    ("range,bogus=1/9/a", "no option 'bogus'; there are: for"),
    ("drips,rae=10/9/a", "there are: rate (a number), for"),
    ("drips,rate=abc/9/a", "rate='abc': it takes a number"),
    ("drips,rate=-1/9/a", "rate='-1': it takes a number"),
    ("drips,rate/9/a", "rate='': it takes a number"),
    ("slow-head,seconds=nan/9/a", "it takes a number of seconds"),
    ("digest,field=nope/9/a", "it takes one of repr, content, legacy"),
    ("digest,wrong=yes/9/a", "it takes 0 or 1"),
    ("status,code=20/9/a", "it takes a status of three digits"),
    ("range,for=me/9/a", "for='me': it takes an address"),
    ("raw,shape=nope/9/a", "it takes one of no-status-line, "),
    ("raw/9/a", "which shape? shape= takes one of no-status-line, "),
    ("range/many/a", "'many' is no size"),
])
def test_a_mistake_in_a_url_is_told(port, url, told):
    status, _, body = get(port, f"/{url}")
    assert status == 400
    assert told in body.decode()


def test_who_asks_for_no_behaviour_gets_their_names(port):
    status, _, body = get(port, "/bogus/9/a")
    assert status == 404
    assert all(name in body.decode() for name in origin_behaviours.BEHAVIOURS)


@pytest.mark.parametrize("accepted, coding", [
    ("gzip", "gzip"), ("br, GZIP;q=0.5", "gzip"), ("*", "gzip"),
    ("gzip;q=0", None), ("br, gzip; q=0.000", None), ("gzip;q=0, *", None),
    ("br", None), ("xgzip", None),
])
def test_gzip_is_sent_to_who_wishes_it(port, accepted, coding):
    _, headers, _ = get(port, "/gzip-by-wish/5000/a", Accept_Encoding=accepted)
    assert headers["Content-Encoding"] == coding


# -- the command --------------------------------------------------------------


def test_help_and_manual_name_every_behaviour():
    told = subprocess.run([HERE / "origin.py", "--help"], check=True,
                          capture_output=True, text=True).stdout
    manual = (HERE / "README.md").read_text()
    for name in origin_behaviours.BEHAVIOURS:
        assert f"\n  {name} " in told
        assert re.search(f"`{name}[`,\\[]", manual), name


@pytest.mark.parametrize("name, function", [
    x for x in origin_behaviours.BEHAVIOURS.items()
    if origin_options.defaults_of(x[1])])
def test_help_and_manual_tell_what_is_meant_without_an_option(name, function):
    told = origin_behaviours.descriptions()[name]
    row = next(line for line in (HERE / "README.md").read_text().splitlines()
               if line.startswith("|") and re.search(f"`{name}[`,\\[]", line))
    for default in origin_options.defaults_of(function):
        assert default in told
        assert f"`{default}`" in row.rpartition(" | ")[2]


def test_the_command_serves_on_the_port_it_prints():
    with subprocess.Popen([HERE / "origin.py", "--port", "0"],
                          stdout=subprocess.PIPE, text=True) as process:
        where = json.loads(process.stdout.readline())["listening"]
        try:
            assert get(int(where.rpartition(":")[2]), "/range/9/a")[0] == 200
        finally:
            process.kill()


def test_every_behaviour_answers(port):
    for name in origin_behaviours.BEHAVIOURS:
        if name not in ("stalls", "resets", "closes-early", "closes-once",
                        "long-length", "chunked-cut"):
            assert get(port, f"/{name}/10/a")[0] >= 200
