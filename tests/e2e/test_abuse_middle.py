"""Who sits between two devices and changes what passes, to talk them down or to
be one of them. Discovery is off on host 2, so that all that host 1 knows of it
comes from the one in between, on host 3."""

import contextlib

import middle
import namespaces
import protocol1
import pytest
from abuse import PEER_PORT, STRANGERS, ids, peers
from abuse_beacons import beacon
from pods import NGINX, assert_exact, devices_of, wait_until

SIZE = 5_000_000


def device_id(daemon) -> str:
    return daemon.status()["device"]["id"]


def connected(daemon) -> list:
    return ids(daemon, "connected")


@contextlib.contextmanager
def in_between(lab, change=None):
    """A relay on host 3 that leads to host 2's daemon."""
    made = middle.Relay(lab, STRANGERS, (lab.lan_address(2), PEER_PORT), change)
    try:
        yield made
    finally:
        made.close()


def pair_of(alone, relay, **settings):
    """Host 1 knows host 2 by an address that is the relay's."""
    at = f'["{alone.lab.lan_address(STRANGERS)}:{relay.port}"]'
    far = alone.daemon(2, discovery_enabled="false", **settings)
    near = alone.daemon(1, discovery_enabled="false",
                        **{"discovery_static-peers": at}, **settings)
    return near, far


def settled(relay, near, far, seconds: float = 4) -> None:
    """Attempts have been made, and none of them has led to a session."""
    wait_until(lambda: relay.began, seconds,
               "host 1 has tried")
    with pytest.raises(AssertionError):
        wait_until(lambda: connected(near) or connected(far), 1.5)


# -- a relay ------------------------------------------------------------------


def test_a_relay_that_changes_nothing_is_none_of_their_business(lab, alone):
    """Or all that follows would prove nothing."""
    with in_between(lab) as relay:
        near, far = pair_of(alone, relay)
        near.wait_for_peers(1)
        url = f"{NGINX}/{SIZE}.bin"
        assert_exact(alone.get(url), f"{SIZE}.bin", SIZE)
        assert far.name in devices_of(near.transfer(url))
        assert connected(near) == [device_id(far)]


def as_protocol_1(from_connector, nth, data):
    """Whatever the connector begins with, its first byte is that of 1."""
    begins = from_connector and data[:1] == b"\2" and nth <= 1
    return b"\1" + data[1:] if begins else data


def flips(from_connector, nth, data):
    """One bit of whatever comes behind the handshake."""
    return data if nth < 2 else data[:-1] + bytes([data[-1] ^ 1])


@pytest.mark.parametrize("change", [as_protocol_1, flips])
def test_who_changes_what_passes_gets_no_session(lab, alone, change):
    """Also where both would speak protocol 1."""
    with in_between(lab, change) as relay:
        near, far = pair_of(alone, relay, transport_legacy="true")
        settled(relay, near, far)
        assert near.is_running and far.is_running


def only_protocol_1(from_connector, nth, data):
    """Ends whatever begins otherwise."""
    if from_connector and nth == 0 and data[:1] != b"\1":
        raise ConnectionAbortedError
    return data


def test_who_lets_only_protocol_1_pass_gets_no_session(lab, alone):
    """Where both allow it they try it, and say in it that they could speak
    2."""
    with in_between(lab, only_protocol_1) as relay:
        near, far = pair_of(alone, relay, transport_legacy="true")
        wait_until(lambda: b"\1" in relay.began, 10, "it tries protocol 1")
        settled(relay, near, far)
        for each in (near, far):
            assert each.is_running


def test_another_answer_to_the_question_is_another_device(lab, alone,
                                                          strangers):
    """Whoever swaps the key is seen under its own, and waits like any stranger:
    the device that was meant is not there."""
    with contextlib.closing(middle.Impostor(
            lab, STRANGERS, (lab.lan_address(2), PEER_PORT))) as impostor:
        near, far = pair_of(alone, impostor, trust_mode='"ask"')
        mine = protocol1.device_id(impostor.keys.public).hex()
        shown = wait_until(lambda: [p for p in peers(near)
                                    if p["state"] == "waiting"], 5,
                           f"somebody waits; {impostor.failure}")
        assert [p["id"] for p in shown] == [mine]
        assert device_id(far) not in [p["id"] for p in peers(near)]
        assert strangers.key(2) != impostor.keys.public


def test_a_pairing_through_somebody_shows_different_words(lab, alone):
    """Two real handshakes in between, with the same nonce for both sides."""
    with contextlib.closing(middle.Impostor(
            lab, STRANGERS, (lab.lan_address(2), PEER_PORT))) as impostor:
        near, far = pair_of(alone, impostor, trust_mode='"ask"')

        def words_of(daemon):
            return [p["code"] for p in peers(daemon) if p.get("code")]
        wait_until(lambda: words_of(near) and words_of(far), 5,
                   f"both show words; {impostor.failure}")
        assert words_of(near) == [impostor.words["connector"]]
        assert words_of(far) == [impostor.words["acceptor"]]
        assert words_of(near) != words_of(far)


def test_the_same_words_stand_where_nobody_is_in_between(lab, alone):
    with in_between(lab) as relay:
        near, far = pair_of(alone, relay, trust_mode='"ask"')

        def words_of(daemon):
            return [p["code"] for p in peers(daemon) if p.get("code")]
        assert wait_until(lambda: words_of(near), 5) == wait_until(
            lambda: words_of(far), 5)


# -- beacons that say less ----------------------------------------------------


class Announcer:
    """Says to host 1 alone where host 2 is, and what it speaks."""

    def __init__(self, lab, key: bytes, port: int):
        self.key, self.port = key, port
        self.to = (lab.lan_address(1), protocol1.DISCOVERY_PORT)
        self.udp = namespaces.datagrams(lab, STRANGERS,
                                        lab.lan_address(STRANGERS))

    def say(self, protocol: int) -> None:
        self.udp.sendto(beacon(self.key, self.port, protocol=protocol), self.to)

    def close(self) -> None:
        self.udp.close()


@pytest.mark.parametrize("restarted", [False, True])
def test_who_has_spoken_protocol_2_is_never_talked_down(lab, alone, strangers,
                                                        restarted):
    """Both allow protocol 1 and have met by protocol 2. Then beacons say that
    host 2 speaks 1 only, and every byte of protocol 1 is relayed faithfully.
    `restarted`: what they remember is what they have saved."""
    legacy = {"transport_legacy": "true"}
    far = alone.daemon(2, discovery_enabled="false", **legacy)
    near = alone.daemon(1, **legacy)
    key = strangers.key(2)
    with in_between(lab) as relay, contextlib.closing(
            Announcer(lab, key, relay.port)) as announcer:
        announcer.say(protocol=2)
        near.wait_for_peers(1)
        assert [p["protocol"] for p in peers(near)
                if p["state"] == "connected"] == ["2"]
        relay.cut()
        near.wait_for_peers(0)
        if restarted:
            for each in (near, far):
                assert each.terminate() == 0
            for each in (far, near):
                each.start()
        relay.began.clear()
        relay.is_cut = False

        def is_tried():
            announcer.say(protocol=1)
            return relay.began
        wait_until(is_tried, 8, "host 1 dials", every=0.2)

        def in_danger():
            announcer.say(protocol=1)
            return [p for each in (near, far) for p in peers(each)
                    if p["state"] == "connected" and p["protocol"] != "2"]
        with pytest.raises(AssertionError):
            wait_until(in_danger, 2, every=0.2)
        for each in (near, far):
            assert "insecure session stands" not in each.output()


def test_who_was_never_met_is_not_talked_down_either(lab, alone, strangers):
    """Both allow protocol 1 and have never met: they begin by protocol 1, but
    say in it that they could speak 2."""
    far = alone.daemon(2, discovery_enabled="false", transport_legacy="true")
    near = alone.daemon(1, transport_legacy="true")
    key = strangers.key(2)
    with in_between(lab) as relay, contextlib.closing(
            Announcer(lab, key, relay.port)) as announcer:
        announcer.say(protocol=1)
        wait_until(lambda: b"\1" in relay.began, 5, "it dials by protocol 1")
        with pytest.raises(AssertionError):
            wait_until(lambda: connected(near) or connected(far), 2)
