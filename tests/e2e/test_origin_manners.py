"""What origins allow is found out, and kept to: how many requests at a time,
when to ask again, and who is not served."""

from collections import Counter

import pytest
from pods import HOSTILE, assert_exact, devices_of, fresh_name

SIZE = 12_000_000


def answers(pod, path: str) -> Counter:
    """How often each exit got each status for `path`."""
    return Counter((entry["client"], entry["status"])
                   for entry in pod.origin_log(path))


def fetch(pod, rule: str) -> tuple:
    """Downloads by a rule of the origin; what was answered to whom."""
    name = fresh_name()
    got = pod.get(f"{HOSTILE}/{rule}/{SIZE}/{name}")
    assert_exact(got, name, SIZE)
    return answers(pod, f"/{rule}/{SIZE}/{name}"), \
        pod[1].transfer(f"{HOSTILE}/{rule}/{SIZE}/{name}")


@pytest.mark.parametrize("rule", [
    "limits-connections,cap=1,retry-after=1",
    "limits-connections,cap=1,status=503,retry-after=1",
    "limits-connections,cap=2,retry-after=1", "one-connection",
    "resets-connections,cap=1"])
def test_an_origin_that_limits_connections_is_not_pestered(pod, rule):
    seen, transfer = fetch(pod, rule)
    assert len(devices_of(transfer)) > 1, transfer
    for (client, status), count in seen.items():
        if status != 206:
            assert count <= 6, (rule, seen)


def test_who_the_origin_refuses_is_not_sent_again_at_once(alone):
    for host in (2, 3):
        alone.daemon(host)
    mine = alone.daemon(1)
    mine.wait_for_peers(2, 8)
    rule = "locked-to-first,status=403"
    refused = []
    for _ in range(3):
        name = fresh_name()
        url = f"{HOSTILE}/{rule}/{SIZE}/{name}"
        assert_exact(alone.get(url), name, SIZE)
        refused.append(sum(
            entry["status"] == 403
            for entry in alone.origin_log(f"/{rule}/{SIZE}/{name}")))
    assert refused[0] > 0, refused
    assert refused[1:] == [0, 0], refused


@pytest.mark.parametrize("locked", [0, 1])
def test_every_exit_follows_its_own_redirect(alone, locked):
    for host in (2, 3):
        alone.daemon(host)
    alone.daemon(1).wait_for_peers(2, 8)
    rule = f"redirect-per-client,locked={locked}"
    name = fresh_name()
    got = alone.get(f"{HOSTILE}/{rule}/{SIZE}/{name}", "--location")
    assert_exact(got, name, SIZE)
