"""`peapod get` that goes on: after interruptions, in files that are there in
part, over several lines of which some fail."""

import json
import signal

import pytest

import content
from harness import hostile_origin, wait_until
from test_get import (BIG, PEERS, authority, begin, get,  # noqa: F401
                      get_by_lines, https, interrupted, lines, receipt_of)
from tls_servers import Authority, hostile_https

# -- again --------------------------------------------------------------------


def sent_for(https, url) -> int:
    path = url.removeprefix(https.url)
    return sum(x["sent"] for x in https.log if x["path"] == path)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_download_is_continued(get, https, how):
    url = f"{https.url}/drips,rate=3000000/{BIG}/i{how}"
    have = interrupted(get, url, f"i{how}", how)
    https.log.clear()
    get(url, "--receipt", "receipt")
    get.check(f"i{how}", BIG)
    receipt = json.loads((get.folder / "receipt").read_text())["downloads"][0]
    assert 0 < receipt["resumed_from"] <= have
    if how == signal.SIGINT:
        assert receipt["resumed_from"] > 1_000_000
        assert sent_for(https, url) < BIG


@pytest.mark.parametrize("how", [(signal.SIGINT, signal.SIGTERM),
                                 (signal.SIGHUP,)])
def test_signals_that_come_at_once_are_one(get, https, how):
    """As when a terminal or `timeout` signals a process and its group."""
    url = f"{https.url}/drips,rate=3000000/{BIG}/x"
    process = get.start(url)
    wait_until(lambda: get.part_size("x") > 1_000_000, 10)
    for x in how:
        process.send_signal(x)
    _, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert "the same command continues it" in err


def test_a_file_that_changed_at_the_server_is_not_mixed(get, https):
    url = f"{https.url}/drips,rate=3000000/{BIG}/changed"
    interrupted(get, url, "changed")
    sidecar = get.folder / "changed.peapod"
    known = json.loads(sidecar.read_text())
    known["etag"] = '"another"'
    sidecar.write_text(json.dumps(known))
    part = (get.folder / "changed.part").read_bytes()
    done = get(url, code=8)
    assert "--restart" in done.stderr
    assert (get.folder / "changed.part").read_bytes() == part
    get(url.replace("drips,rate=3000000", "range"), code=8)  # another URL
    get(url, "--restart")
    get.check("changed", BIG)


@pytest.mark.parametrize("text", ["", "{", '{"peapod":1}', '{"peapod":2}',
                                  '{"peapod":1,"from":"x","length":9,'
                                  '"have":[[0,99]]}'])
def test_a_damaged_sidecar_is_said_and_kept(get, https, text):
    (get.folder / "x.part").write_bytes(b"1234")
    (get.folder / "x.peapod").write_text(text)
    done = get(f"{https.url}/range/1000/x", code=6)
    assert "x.peapod" in done.stderr and "--restart" in done.stderr
    assert (get.folder / "x.part").read_bytes() == b"1234"
    assert (get.folder / "x.peapod").read_text() == text
    get(f"{https.url}/range/1000/x", "--restart")
    get.check("x", 1000)


def test_a_part_of_unknown_origin_is_not_touched(get, https):
    (get.folder / "x.part").write_bytes(b"1234")
    get(f"{https.url}/range/1000/x", code=6)
    assert (get.folder / "x.part").read_bytes() == b"1234"


def test_two_runs_do_not_write_one_file(get, https):
    url = f"{https.url}/drips,rate=3000000/{BIG}/twice"
    first = begin(get, url, "twice", 300_000)
    done = get(url, code=6)
    assert "another peapod get" in done.stderr
    _, err = first.communicate(timeout=30)
    assert first.returncode == 0, err
    get.check("twice", BIG)


def test_a_body_that_breaks_off_is_continued_at_once(get, https):
    done = get(f"{https.url}/closes-once,bytes=2000000/{BIG}/cut")
    get.check("cut", BIG)
    assert "--restart" not in done.stderr


def have_of(get, name) -> list:
    path = get.folder / f"{name}.peapod"
    return json.loads(path.read_text())["have"] if path.exists() else []


def test_what_came_before_its_turn_survives_a_kill(get_by_lines, https, lines):
    """The own line is slow, so that there are gaps where it still brings
    something; the next run asks for them alone."""
    get, size = get_by_lines, 24_000_000
    url = f"{https.far}/range/{size}/ahead"
    lines.rates = {"own": 300_000, **{x: 2_000_000 for x in PEERS}}
    process = get.start(url)

    def is_ahead() -> bool:
        have = have_of(get, "ahead")
        return sum(e - b for b, e in have[1:]) > 300_000

    wait_until(is_ahead, 30, "the sidecar tells of what is ahead")
    process.kill()
    process.communicate(timeout=20)
    have = have_of(get, "ahead")
    with open(get.folder / "ahead.part", "rb") as part:
        for begin_, end in have:
            part.seek(begin_)
            assert part.read(end - begin_) == content.content(
                "ahead", begin_, end)
    lines.rates = {}
    lines.received.clear()
    get(url, "--receipt", "receipt")
    get.check("ahead", size)
    kept = sum(e - b for b, e in have)
    assert receipt_of(get)["resumed_from"] == kept
    missing = size - kept
    assert sum(lines.received.values()) < missing + 2_000_000


# -- lines --------------------------------------------------------------------


def test_ranges_come_over_all_lines_and_nobody_can_read_them(
        get_by_lines, https, lines):
    lines.rates = {x: 1_500_000 for x in ("own", *PEERS)}
    size = 12_000_000
    get_by_lines(f"{https.far}/range/{size}/all", "--receipt", "receipt",
                 "-H", "Cookie: a=b")
    get_by_lines.check("all", size)
    receipt = receipt_of(get_by_lines)
    assert receipt["sha256"] == content.sha256("all", size)
    shares = {x["name"]: x["bytes"] for x in receipt["devices"]}
    assert sum(shares.values()) == size
    assert set(shares) >= {"kitchen", "attic"}
    assert all(shares[x] > size // 6 for x in ("kitchen", "attic"))
    assert lines.plain == []
    asked = [x for x in https.log if x["path"] == f"/range/{size}/all"]
    assert all(x["headers"]["cookie"] == "a=b" for x in asked)


def test_a_line_on_which_somebody_else_answers_is_not_used(
        get_by_lines, https, lines, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    context = Authority(other, "other").context("DNS:origin.test")
    with hostile_https(context) as (impostor, port):
        lines.redirects["a" * 32] = port
        lines.rates = {x: 1_500_000 for x in ("own", *PEERS)}
        done = get_by_lines(f"{https.far}/range/{BIG}/x", "--receipt",
                            "receipt")
        assert impostor.log == []
    get_by_lines.check("x", BIG)
    assert "kitchen" in done.stderr and "certificate" in done.stderr
    shares = {x["name"]: x["bytes"] for x in receipt_of(get_by_lines)["devices"]}
    assert shares.get("kitchen", 0) == 0
    assert shares["attic"] > 0


def test_a_wrong_certificate_is_not_tried_over_other_lines(
        get_by_lines, authority, lines):
    context = authority.context("DNS:origin.test", expired=True)
    with hostile_https(context) as (origin, port):
        get_by_lines(f"https://origin.test:{port}/range/{BIG}/x", code=4)
        assert origin.log == []
    assert all(lines.opened[x] == 0 for x in PEERS)


def test_a_dead_own_line_is_stood_in_for(get_by_lines, https, lines):
    lines.refused = {"own"}
    done = get_by_lines(f"{https.far}/range/{BIG}/x", "--receipt", "receipt")
    get_by_lines.check("x", BIG)
    assert "asking over the line of kitchen" in done.stderr
    receipt = receipt_of(get_by_lines)
    shares = {x["name"]: x["bytes"] for x in receipt["devices"]}
    assert shares.pop("own", 0) == 0
    assert sum(shares.values()) == BIG
    assert receipt["tries"] == 1


@pytest.mark.parametrize("behaviour", ["no-range", "chunked"])
def test_a_dead_own_line_is_stood_in_for_where_there_are_no_ranges(
        get_by_lines, https, lines, behaviour):
    lines.refused = {"own", "a" * 32}
    get_by_lines(f"{https.far}/{behaviour}/{BIG}/x", "--receipt", "receipt")
    get_by_lines.check("x", BIG)
    shares = {x["name"]: x["bytes"]
              for x in receipt_of(get_by_lines)["devices"]}
    assert shares["attic"] == BIG and shares.get("own", 0) == 0


def test_a_wrong_certificate_ends_only_the_line_that_stands_in(
        get_by_lines, https, lines, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    context = Authority(other, "other").context("DNS:origin.test")
    lines.refused = {"own"}
    with hostile_https(context) as (impostor, port):
        lines.redirects["a" * 32] = port
        done = get_by_lines(f"{https.far}/range/{BIG}/x")
        assert impostor.log == []
    get_by_lines.check("x", BIG)
    assert "over the line of kitchen somebody else answers" in done.stderr


def test_when_no_line_reaches_the_server_the_own_one_says_why(
        get_by_lines, https, lines):
    lines.refused = {"own", *PEERS}
    done = get_by_lines(f"{https.far}/range/{BIG}/x", "--tries", "1", code=3)
    assert "the exit takes no tunnels" in done.stderr
    assert sum(lines.opened.values()) == 0


def test_each_own_line_brings_its_share(get_by_lines, https, lines):
    lines.own_lines = ["wan0", "wan1", "wan2"]
    lines.same = {"wan2"}
    lines.peers.clear()
    lines.rates = {f"own/{x}": 1_500_000 for x in lines.own_lines}
    size = 12_000_000
    get_by_lines(f"{https.far}/range/{size}/x", "--receipt", "receipt")
    get_by_lines.check("x", size)
    devices = receipt_of(get_by_lines)["devices"]
    shares = {(x["name"], x["line"]): x["bytes"] for x in devices}
    assert set(shares) == {("own", "wan0"), ("own", "wan1")}
    assert sum(shares.values()) == size
    assert min(shares.values()) > size // 4
    assert lines.opened["own"] == lines.opened["own/wan2"] == 0


def test_a_peer_that_pauses_is_no_line(get_by_lines, https, lines):
    lines.pausing = {"a" * 32}
    lines.rates = {x: 1_500_000 for x in ("own", *PEERS)}
    get_by_lines(f"{https.far}/range/{BIG}/x")
    get_by_lines.check("x", BIG)
    assert lines.opened["a" * 32] == 0
    assert lines.opened["b" * 32] > 0


@pytest.mark.parametrize("evil", ["own", "a" * 32])
def test_a_line_that_changes_bytes_changes_nothing(get_by_lines, https, lines,
                                                   evil):
    lines.evil = {evil}
    lines.rates = {x: 1_500_000 for x in ("own", *PEERS)}
    get_by_lines(f"{https.far}/range/{BIG}/x", "--receipt", "receipt")
    get_by_lines.check("x", BIG)
    assert lines.received[evil] > 20_000  # it did try


def test_what_is_in_the_file_is_not_asked_for_again(get_by_lines, https, lines):
    size = 20_000_000
    lines.rates = {"own": 300_000, **{x: 2_000_000 for x in PEERS}}
    process = get_by_lines.start(f"{https.far}/range/{size}/x",
                                 "--receipt", "receipt")
    wait_until(lambda: sum(lines.received.values()) > 12_000_000, 20)
    lines.break_all()
    assert "trying again" in process.stderr.readline()
    lines.refused = set()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    get_by_lines.check("x", size)
    receipt = receipt_of(get_by_lines)
    assert receipt["tries"] > 1
    assert sum(lines.received.values()) < size + 2_500_000
    assert (sum(x["bytes"] for x in receipt["devices"])
            == size + receipt["duplicate_bytes"])


def test_lines_that_break_and_go_cost_nothing(get_by_lines, https, lines):
    lines.rates = {x: 1_000_000 for x in ("own", *PEERS)}
    lines.limits["a" * 32] = 700_000
    process = get_by_lines.start(f"{https.far}/range/{BIG}/x")
    wait_until(lambda: lines.received["b" * 32] > 300_000, 20)
    del lines.peers["b" * 32]
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, (out, err)
    get_by_lines.check("x", BIG)


def test_a_file_that_changes_on_the_way_is_not_mixed(get_by_lines, https, lines):
    lines.peers.clear()
    lines.limits["own"] = 2_000_000
    done = get_by_lines(f"{https.far}/changes,after=1/{BIG}/moving", code=8)
    assert "changed" in done.stderr
    assert not (get_by_lines.folder / "moving").exists()
    have = (get_by_lines.folder / "moving.part").read_bytes()
    assert have and have == content.content("moving", 0, len(have))


def test_a_peer_that_joins_is_used(get_by_lines, https, lines):
    late = lines.peers.pop("b" * 32)
    lines.rates = {x: 700_000 for x in ("own", *PEERS)}
    process = get_by_lines.start(f"{https.far}/range/{BIG}/x")
    wait_until(lambda: lines.received["a" * 32] > 100_000, 20)
    lines.peers["b" * 32] = late
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, (out, err)
    assert lines.received["b" * 32] > 100_000
    get_by_lines.check("x", BIG)


def test_plain_http_is_for_the_daemon_to_pool(get_by_lines, lines):
    with hostile_origin() as port:
        url = f"http://origin.test:{port}/range/{BIG}/x"
        get_by_lines(url, "-H", "Cookie: secret=1")
    get_by_lines.check("x", BIG)
    assert len(lines.plain) == 1
    assert sum(lines.opened.values()) == 0
