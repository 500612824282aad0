"""The control API of a whole daemon: every answer is as docs/openapi.yaml
says, and what it says is so."""

import re

import pytest
from control import Control
from contract import Contract
from pods import assert_exact, wait_until

SETTINGS = {"debug.fault-injection": "true"}
SIZE = 20_000_000
CONTRACT = Contract()

#: Answers that no test here brings about, and why.
NOT_EXERCISED = {
    ("POST", "/v1/actors/{id}/restart", 504):
        "only when it hangs for 12 s; tests/hosts/control_api_test",
    **{("POST", f"/v1/peers/{{who}}/{what}", status):
        "only while the pod stops or hangs; tests/hosts/control_api_test"
       for what in ("trust", "untrust") for status in (503, 504)},
    ("GET", "/v1/tree", 503):
        "only while the pod stops; tests/hosts/control_api_test",
}

NEVER = 10**15
"""A number that no actor has."""


@pytest.fixture
def control(pod):
    return Control(pod[1].socket, CONTRACT)


def descendants(node: dict) -> list:
    return [node, *(x for child in node["children"]
                    for x in descendants(child))]


def session_with(pod, control, host: int) -> dict:
    """The actor that stands for the connection with another host."""
    name = pod[host].name

    def found():
        return [x for x in control.actors("peer_session")
                if name in x["about"]]
    return wait_until(found, 5, f"a session with {name}")[0]


# -- what there is ------------------------------------------------------------


def test_status_says_which_daemon_answers(pod, control):
    status = control.get("/v1/status")
    assert status["daemon"]["name"] == pod[1].name
    assert status["daemon"]["id"] == status["device"]["id"]
    assert status["daemon"]["pid"] > 0
    assert status["daemon"]["fault_injection"] is True
    assert re.fullmatch(r"\d+\.\d+\.\d+", status["daemon"]["version"])
    assert control.get("/v1/peers")["peers"][0]["id"] == (
        status["peers"][0]["id"])


def test_a_transfer_shows_who_brought_which_part(pod, control):
    url = pod.nginx_file(SIZE)
    assert_exact(pod.get(url), f"{SIZE}.bin", SIZE)
    found = [x for x in control.get("/v1/transfers")["transfers"]
             if x["url"] == url]
    runs = found[-1]["map"]
    brought = {name for name, count in found[-1]["bytes"].items() if count}
    assert sum(run["cells"] for run in runs) == 120
    assert {run["source"] for run in runs} <= brought
    assert "self" in brought


def test_actors_form_the_tree(pod, control):
    def same():
        rows = control.get("/v1/actors")["actors"]
        tree = control.get("/v1/tree")["tree"]
        nodes = descendants(tree)
        if {x["id"] for x in rows} != {x["id"] for x in nodes}:
            return None  # somebody came or went between the two answers
        return rows, tree, nodes
    rows, tree, nodes = wait_until(same, 5, "actors and tree agree")
    assert tree["name"] == "root_supervisor"
    assert [x["id"] for x in rows] == sorted({x["id"] for x in nodes})
    assert all(x["answered"] for x in rows)
    parents = {child["id"]: x["id"] for x in nodes for child in x["children"]}
    assert all(x["parent"] == parents.get(x["id"]) for x in rows)
    names = {x["name"] for x in rows}
    assert {"scheduler", "wan_fetcher", "roster", "console", "peer_session",
            "proxy_acceptor", "peer_acceptor"} <= names
    assert all(x["strategy"] for x in nodes if "supervisor" in x["name"])


def test_every_actor_has_a_page(control):
    pages = {}
    for row in control.actors():
        got = control.raw("GET", f"/v1/actors/{row['id']}")
        if got.status == 410:
            continue  # it has ended since
        page = control.get("/v1/actors/{id}", id=row["id"])
        pages[page["actor"]["name"]] = page
    assert pages["scheduler"]["data"]
    assert pages["roster"]["recent"]
    assert pages["roster"]["fault"] == ""


def test_the_pod_shows_this_device_and_why_not_the_others(pod, control):
    first, *others = control.get("/v1/pod")["members"]
    assert first["self"] and first["name"] == pod[1].name
    assert first["actors"] and first["error"] is None
    assert {x["name"] for x in others} == {pod[2].name, pod[3].name}
    for other in others:
        assert not other["actors"] and "pod-view" in other["error"]


def test_the_pod_shows_the_members_that_allow_it(alone):
    daemon = alone.daemon(1)
    alone.daemon(2, console_pod_view="true")
    daemon.wait_for_peers(1)
    control = Control(daemon.socket, CONTRACT)

    def shown():
        members = control.get("/v1/pod")["members"]
        return members if len(members) == 2 and members[1]["actors"] else None
    first, second = wait_until(shown, 5, "the other's actors")
    assert second["error"] is None and not second["self"]
    assert {"scheduler", "roster"} <= {x["name"] for x in second["actors"]}
    assert first["id"] != second["id"]


# -- what happens -------------------------------------------------------------


def test_events_tell_the_story_of_a_download(pod, control):
    with control.stream("/v1/events") as events:
        pod[2].kill()
        gone = events.wait_for("peer_down", seconds=12)
        pod.heal()
        came = events.wait_for("peer_up")
        assert came["peer"] == gone["peer"]
        url = pod.nginx_file(SIZE)
        assert_exact(pod.get(url), f"{SIZE}.bin", SIZE)
        opened = events.wait_for("transfer_opened")
        done = events.wait_for("transfer_done")
        assert done["transfer"] == opened["transfer"]
        assert done["actor"] == opened["actor"]
        started = events.wait_for("spawned",
                                  lambda x: x["actor"] == opened["actor"])
        assert started["name"] == "transfer"
        events.wait_for("down", lambda x: x["actor"] == opened["actor"])
        numbers = [e["data"]["seq"] for e in events.events]
        assert numbers == sorted(set(numbers))


def test_a_client_that_comes_back_misses_nothing(control):
    with control.stream("/v1/events", "?since=0") as events:
        wait_until(lambda: len(events.events) > 5, 5, "older events")
        kept = [e["data"]["seq"] for e in events.events]
    with control.stream("/v1/events", "?since=0",
                        {"Last-Event-ID": str(kept[2])}) as events:
        wait_until(lambda: events.events, 5, "the next event")
        assert events.events[0]["data"]["seq"] == kept[3]


def test_a_trace_shows_what_an_actor_handles_and_its_end(pod, control):
    session = session_with(pod, control, 2)
    query = f"?actor={session['id']}"
    with control.stream("/v1/trace", query) as trace:
        message = trace.wait_for("message")
        assert message["to"] == session["id"]
        assert_exact(pod.get(pod.nginx_file(SIZE)), f"{SIZE}.bin", SIZE)
        trace.wait_for("message", lambda x: x["type"] == "fetch_chunk")
        control.post("/v1/actors/{id}/kill", id=session["id"])
        trace.wait_for("ended", lambda x: x["actor"] == session["id"])
        trace.wait_for_end()


# -- what is to be done -------------------------------------------------------


def test_a_session_that_is_killed_costs_no_byte(pod, control):
    with control.stream("/v1/events") as events:
        session = session_with(pod, control, 2)
        before = control.get("/v1/crashes")["total"]
        got = pod.start(pod.nginx_file(SIZE), "--limit-rate", "5M")
        got.wait_for_size(4_000_000)
        killed = control.post("/v1/actors/{id}/kill", id=session["id"])
        assert killed == {"killed": session["id"]}
        crashed = events.wait_for("crashed")
        assert crashed["actor"] == session["id"]
        assert_exact(got.wait(), f"{SIZE}.bin", SIZE)
        crashes = control.get("/v1/crashes")
        assert crashes["total"] == before + 1
        crash = crashes["crashes"][-1]
        assert (crash["actor"], crash["name"]) == (session["id"],
                                                   "peer_session")
        assert crash["recent"]
        control.ask("GET", "/v1/actors/{id}", 410, id=session["id"])
    pod[1].wait_for_peers(2, 8)


def test_a_permanent_actor_is_started_anew(control):
    with control.stream("/v1/events") as events:
        console = control.actors("console")[0]
        done = control.post("/v1/actors/{id}/restart", id=console["id"])
        assert done["restarted"] == console["id"]
        again = events.wait_for("restarted")
        assert again["name"] == "console"
        assert done["as"] in (None, again["actor"])
        assert not events.of_kind("crashed")
    assert control.actors("console")[0]["restarts"] == console["restarts"] + 1


def test_a_fault_disturbs_an_actor(control):
    console = control.actors("console")[0]["id"]
    done = control.post("/v1/actors/{id}/fault", id=console,
                        body={"action": "drop", "times": 1_000_000})
    assert done["actor"] == console and "drop" in done["fault"]
    page = control.get("/v1/actors/{id}", id=console)
    assert page["fault"].startswith("drop")
    # A console that hears nothing gives no status.
    for path in ("/v1/status", "/v1/peers", "/v1/transfers"):
        assert control.get(path, 503)["error"]
    assert "peapod_peers" not in control.ask("GET", "/metrics").text
    done = control.post("/v1/actors/{id}/fault", id=console,
                        body={"action": "clear"})
    assert done["fault"] == ""
    assert control.get("/v1/status")["pod_size"] >= 1


def test_an_actor_that_hangs_ends_when_its_handler_does(control):
    def is_idle():
        return [x["state"] for x in control.actors() if x["id"] == who] == [
            "idle"]
    who = control.actors("console")[0]["id"]
    control.post("/v1/actors/{id}/fault", id=who,
                 body={"action": "hang", "delay": 3})
    # Sessions report to the console twice a second.
    wait_until(lambda: not is_idle(), 5, "it hangs")
    refused = control.post("/v1/actors/{id}/kill", 504, id=who)
    assert "console" in refused["error"]
    wait_until(lambda: control.raw("GET", f"/v1/actors/{who}").status == 410,
               5, "it has ended")


# -- mistakes -----------------------------------------------------------------


def test_actors_that_are_gone_never_were_or_must_stay_are_told_apart(
        pod, control):
    session = session_with(pod, control, 3)["id"]
    control.post("/v1/actors/{id}/restart", 409, id=session)
    control.post("/v1/actors/{id}/kill", id=session)
    fault = {"action": "crash"}
    for ask in (
            lambda status, who: control.get("/v1/actors/{id}", status,
                                            id=who),
            lambda status, who: control.post("/v1/actors/{id}/kill", status,
                                             id=who),
            lambda status, who: control.post("/v1/actors/{id}/restart",
                                             status, id=who),
            lambda status, who: control.post("/v1/actors/{id}/fault", status,
                                             id=who, body=fault),
            lambda status, who: control.get("/v1/trace", status,
                                            query=f"?actor={who}")):
        ask(410, session)
        ask(404, NEVER)
    root = control.get("/v1/tree")["tree"]["id"]
    control.post("/v1/actors/{id}/kill", 409, id=root)
    control.post("/v1/actors/{id}/restart", 409, id=root)
    pod[1].wait_for_peers(2, 8)


def test_malformed_questions_are_refused_with_a_sentence(control):
    control.get("/v1/actors/{id}", 400, id="x")
    control.post("/v1/actors/{id}/kill", 400, id="-1")
    control.post("/v1/actors/{id}/restart", 400, id="1.5")
    control.get("/v1/events", 400, query="?since=yesterday")
    control.get("/v1/trace", 400)
    scheduler = control.actors("scheduler")[0]["id"]
    refused = control.post("/v1/actors/{id}/fault", 400, id=scheduler,
                           body={"action": "crash", "every": 0})
    assert "every" in refused["error"]


def test_unknown_paths_and_methods_are_refused(control):
    for path in ("/", "/v1", "/v1/nothing", "/v1/status/"):
        got = control.raw("GET", path)
        assert got.status == 404 and got.json["error"]
    for method, path, allow in (("POST", "/v1/status", "GET, HEAD"),
                                ("GET", "/v1/actors/1/kill", "POST"),
                                ("DELETE", "/v1/actors/1", "GET, HEAD")):
        got = control.raw(method, path)
        assert got.status == 405 and got.json["error"]
        assert got.headers["Allow"] == allow


def test_nothing_is_disturbed_without_leave(alone):
    control = Control(alone.daemon(1).socket, CONTRACT)
    assert control.get("/v1/status")["daemon"]["fault_injection"] is False
    scheduler = control.actors("scheduler")[0]["id"]
    refused = control.post("/v1/actors/{id}/fault", 403, id=scheduler,
                           body={"action": "crash"})
    assert "fault-injection" in refused["error"]
    assert control.get("/v1/crashes")["total"] == 0


def test_forgotten_streams_lock_nobody_out(control):
    open_streams = [control.stream("/v1/events") for _ in range(16)]
    try:
        control.get("/v1/events", 503)
        control.get("/v1/trace", 503,
                    query=f"?actor={control.actors('roster')[0]['id']}")
        assert control.get("/v1/status")
    finally:
        for stream in open_streams:
            stream.close()
    wait_until(lambda: control.raw("HEAD", "/v1/events").status == 200, 5)
    with control.stream("/v1/events"):
        pass


# -- trust --------------------------------------------------------------------


def pod_of_two(alone, **settings):
    first = alone.daemon(1, **settings)
    second = alone.daemon(2)
    first.wait_for_peers(1)
    return first, second


def trust_of(control) -> dict:
    return {x["id"]: x["trust"] for x in control.get("/v1/peers")["peers"]}


def test_a_device_is_let_in_and_stays_so(alone):
    first, second = pod_of_two(alone)
    control = Control(first.socket, CONTRACT)
    them = second.status()["daemon"]["id"]
    assert trust_of(control) == {them: "open"}
    with control.stream("/v1/events") as events:
        refused = control.post("/v1/peers/{who}/trust", 409, who=second.name)
        assert "whole id" in refused["error"]
        changed = control.post("/v1/peers/{who}/trust", who=them)
        assert changed["peer"]["id"] == them
        assert changed["peer"]["trust"] == "trusted"
        assert events.wait_for("peer_trusted")["peer"] == them
    second.kill()
    first.kill()
    first.start()
    peer = control.get("/v1/peers")["peers"][0]
    assert (peer["id"], peer["state"]) == (them, "away")
    assert (peer["name"], peer["trust"]) == (second.name, "trusted")
    state = first.folder / f"{first.name}-state/trust.json"
    assert state.stat().st_mode & 0o777 == 0o600


def test_a_device_that_is_let_out_loses_its_session(alone):
    first, second = pod_of_two(alone)
    control = Control(first.socket, CONTRACT)
    control.post("/v1/peers/{who}/trust",
                 who=second.status()["daemon"]["id"])
    with control.stream("/v1/events") as events:
        them = second.status()["daemon"]["id"]
        changed = control.post("/v1/peers/{who}/untrust", who=them[:8])
        assert changed["peer"]["trust"] == "stranger"
        assert "not trusted any more" in events.wait_for("peer_down")["text"]
        assert events.wait_for("peer_untrusted")["peer"] == them


def test_who_is_nobody_or_several_is_neither_let_in_nor_out(alone):
    first = alone.daemon(1)
    for host in (2, 3):
        alone.daemon(host, pod_name='"twin"')
    first.wait_for_peers(2)
    control = Control(first.socket, CONTRACT)
    for what in ("trust", "untrust"):
        path = f"/v1/peers/{{who}}/{what}"
        refused = control.post(path, 409, who="twin")
        assert all(them in refused["error"] for them in trust_of(control))
        assert "nobody" in control.post(path, 404, who="nobody")["error"]
        control.post(path, 400, who="%zz")


def test_trust_that_cannot_be_saved_is_an_error(alone):
    first, second = pod_of_two(alone)
    control = Control(first.socket, CONTRACT)
    file = first.folder / f"{first.name}-state/trust.json"
    file.unlink(missing_ok=True)  # what was heard is kept there, too
    file.mkdir()
    them = second.status()["daemon"]["id"]
    refused = control.post("/v1/peers/{who}/trust", 500, who=them)
    assert "trust.json" in refused["error"]
    assert set(trust_of(control).values()) == {"open"}
    file.rmdir()
    control.post("/v1/peers/{who}/trust", who=them)
    file.unlink()
    file.mkdir()
    control.post("/v1/peers/{who}/untrust", 500, who=second.name)


# -- metrics ------------------------------------------------------------------


def samples_of(text: str) -> dict:
    """Each sample with its labels, as they are written, and its value."""
    lines = [x for x in text.splitlines() if x and not x.startswith("#")]
    return {name: float(value) for name, _, value in
            (x.rpartition(" ") for x in lines)}


def test_metrics_count_what_happens(pod, control):
    before = samples_of(control.ask("GET", "/metrics").text)
    assert_exact(pod.get(pod.nginx_file(SIZE)), f"{SIZE}.bin", SIZE)
    answer = control.ask("GET", "/metrics")
    assert answer.headers["Content-Type"].startswith(
        "text/plain; version=0.0.4")
    after = samples_of(answer.text)

    def grown(name):
        return after[name] - before[name]
    came = sum(grown(f'peapod_bytes_total{{source="{x}",direction="in"}}')
               for x in ("spine", "own", "peer"))
    assert came >= SIZE
    assert grown('peapod_bytes_total{source="client",direction="out"}') == SIZE
    assert grown('peapod_chunks_total{outcome="arrived"}') > 0
    assert grown('peapod_requests_total{kind="pooled"}') == 1
    assert after['peapod_peers{state="connected"}'] == 2
    assert after['peapod_actors{name="scheduler"}'] == 1
    assert after["peapod_crashes_total"] == control.get("/v1/crashes")["total"]


# -- at last ------------------------------------------------------------------


def test_every_described_answer_was_seen(request):
    ours = [x for x in request.session.items if x.module is request.module]
    if len(ours) < len([x for x in vars(request.module)
                        if x.startswith("test_")]):
        return  # only some of the tests were to run
    missing = set(CONTRACT.responses()) - CONTRACT.seen
    assert missing == set(NOT_EXERCISED)
