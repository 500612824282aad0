"""Does what devices bring have to be what the origin has? Devices that are made
to bring lies by an origin that answers their address alone with other bytes,
and origins that announce a hash of the whole."""

import subprocess

import content
import pytest
from harness import BINARY
from pods import HOSTILE, Starter, assert_exact, fresh_name, wait_until

SIZE = 5_000_000
SETTINGS = {"pool_min_size": '"64KiB"', "pool_chunk_size": '"64KiB"'}
PEER = "10.77.102.2"


def pair(alone, **settings):
    """Daemons on hosts 1 and 2 that know each other; the first one."""
    daemon = alone.daemon(1, **SETTINGS, **settings)
    alone.daemon(2, **SETTINGS)
    daemon.wait_for_peers(1, 5)
    return daemon


def download(alone, behaviour: str, name: str):
    return alone.get(f"{HOSTILE}/{behaviour}/{SIZE}/{name}", "--fail")


def last(daemon) -> dict:
    return daemon.status()["transfers"][-1]


def brought_by_others(transfer: dict) -> int:
    return sum(n for who, n in transfer["bytes"].items() if who != "self")


def pooled(alone, daemon, behaviour: str, *options):
    """A download that the other device had a part in, and its file's name: on a
    busy machine the own line may be done before."""
    for _ in range(20):
        name = fresh_name()
        got = alone.get(f"{HOSTILE}/{behaviour}/{SIZE}/{name}", "--fail",
                        *options)
        if brought_by_others(last(daemon)) > 0:
            return got, name
    raise AssertionError("the other device brings nothing")


def state_of_peer(daemon) -> str:
    return daemon.status()["peers"][0]["state"]


def test_an_honest_device_is_sampled_and_believed(alone):
    daemon = pair(alone)
    got, name = pooled(alone, daemon, "range")
    assert_exact(got, name, SIZE)
    transfer = last(daemon)
    assert transfer["verified_by"] == "audit"
    assert transfer["samples"] >= 1
    assert transfer["lies"] == transfer["unchecked"] == 0


def test_without_audit_nothing_is_sampled(alone):
    daemon = pair(alone, pool_audit="0")
    got, name = pooled(alone, daemon, "range")
    assert_exact(got, name, SIZE)
    assert last(daemon)["verified_by"] == "validator"
    assert last(daemon)["samples"] == 0


def test_a_liar_is_set_aside_and_its_bytes_are_replaced(alone):
    daemon = pair(alone)
    pooled(alone, daemon, "range")
    name = fresh_name()
    behaviour = f"other-bytes,for={PEER}"
    assert_exact(download(alone, behaviour, name), name, SIZE)
    transfer = last(daemon)
    assert transfer["lies"] == 1
    assert brought_by_others(transfer) == 0
    assert state_of_peer(daemon) == "set aside"
    # It gets nothing of the next body either.
    name = fresh_name()
    assert_exact(download(alone, "range", name), name, SIZE)
    assert brought_by_others(last(daemon)) == 0


def pooled_wrongly(alone, daemon, behaviour: str):
    """A download whose body is not what the origin gives."""
    for _ in range(10):
        name = fresh_name()
        got = download(alone, behaviour, name)
        if got.code != 0:
            return got, name
        assert brought_by_others(last(daemon)) == 0
    raise AssertionError("the other device brings nothing")


def lied_about(alone, daemon, behaviour: str):
    """A download that the other device had told a lie in."""
    for _ in range(10):
        name = fresh_name()
        got = download(alone, behaviour, name)
        if last(daemon)["lies"] > 0:
            return got, name
        assert_exact(got, name, SIZE)
    raise AssertionError("the other device tells no lie that is noticed")


def test_a_liar_whose_bytes_are_out_resets_the_client(alone):
    """It brings the truth first, which goes out, and lies further on."""
    daemon = pair(alone, pool_audit="100")
    behaviour = f"other-bytes,from={SIZE // 3},for={PEER}"
    got, name = lied_about(alone, daemon, behaviour)
    assert got.code != 0 and 0 < len(got.body) < SIZE
    assert last(daemon)["state"] not in ("done", "running")
    assert state_of_peer(daemon) == "set aside"
    assert_exact(download(alone, behaviour, name), name, SIZE)


def test_a_liar_under_a_right_hash_is_replaced(alone):
    daemon = pair(alone)
    got, name = lied_about(alone, daemon, f"digest,lies-to={PEER}")
    transfer = last(daemon)
    assert state_of_peer(daemon) == "set aside"
    if got.code != 0:
        # A busy machine: some had gone out before a sample was compared, and
        # the hash has told.
        assert "hash that the origin announced" in transfer["state"]
    else:
        assert_exact(got, name, SIZE)
        assert transfer["verified_by"] == "digest"
    assert_exact(download(alone, f"digest,lies-to={PEER}", name), name, SIZE)


def test_a_lie_that_no_sample_found_does_not_end_a_body_with_a_hash(alone):
    """Nothing is sampled: the hash alone keeps the last bytes back."""
    daemon = pair(alone, pool_audit="0")
    behaviour = f"digest,lies-to={PEER}"
    got, name = pooled_wrongly(alone, daemon, behaviour)
    assert got.code != 0 and 0 < len(got.body) < SIZE
    assert not content.is_prefix(got.body, name)
    assert "hash that the origin announced" in last(daemon)["state"]
    # Asked afterwards, the own line says who it was.
    wait_until(lambda: state_of_peer(daemon) == "set aside", 5,
               "the liar is found")
    assert_exact(download(alone, behaviour, name), name, SIZE)


@pytest.mark.parametrize("field", ["repr", "content", "legacy"])
def test_a_body_with_the_announced_hash_is_complete(alone, field):
    daemon = pair(alone)
    got, name = pooled(alone, daemon, f"digest,field={field}")
    assert_exact(got, name, SIZE)
    assert last(daemon)["verified_by"] == "digest"


@pytest.mark.parametrize("field", ["repr", "content", "legacy"])
def test_a_wrong_hash_fails_visibly_and_a_second_try_does_not(alone, field):
    daemon = pair(alone)
    behaviour = f"digest,field={field},wrong=1"
    got, name = pooled(alone, daemon, behaviour)
    assert got.code != 0
    transfer = last(daemon)
    assert "hash that the origin announced" in transfer["state"]
    assert transfer["lies"] == 0
    assert state_of_peer(daemon) == "connected"
    # The own line alone brings what the origin gives.
    assert_exact(download(alone, behaviour, name), name, SIZE)


def test_a_range_is_not_judged_by_the_hash_of_the_whole(alone):
    daemon = pair(alone)
    got, name = pooled(alone, daemon, "digest,wrong=1", "--range",
                       "1000000-3999999")
    assert got.code == 0
    assert got.body == content.content(name, 1_000_000, 4_000_000)
    assert last(daemon)["verified_by"] == "audit"


def test_an_origin_that_contradicts_itself_costs_no_device_its_name(alone):
    daemon = pair(alone, pool_audit="100")
    name = fresh_name()
    got = download(alone, "fickle", name)
    assert got.code != 0 or got.body == content.content(name, 0, SIZE)
    assert last(daemon)["lies"] == 0
    assert state_of_peer(daemon) == "connected"


def test_metrics_count_what_was_compared(alone):
    daemon = pair(alone)
    name = fresh_name()
    assert_exact(download(alone, "digest", name), name, SIZE)

    def metrics():
        return subprocess.run([BINARY, "metrics", "--socket", daemon.socket],
                              capture_output=True, text=True, timeout=10,
                              check=True).stdout

    wait_until(lambda: 'digests_total{outcome="right"} 1' in metrics(), 3,
               "the digest to be counted")
    assert 'samples_total{outcome="wrong"} 0' in metrics()
