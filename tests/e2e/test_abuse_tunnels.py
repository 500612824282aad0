"""Peers that carry tunnels and would like to read or change what is in them,
and peers that have tunnels opened and would like more than they may have."""

import os
import socket
import ssl
import subprocess
import threading
import time

import content
import namespaces
import pytest
import relay
from abuse import STRANGERS, VICTIM, costs, served
from harness import BINARY
from lab_base import HOSTILE_ADDRESS, NGINX_ADDRESS
from pods import wait_until
from protocol2_peer import Ended

SETTINGS = {"share.tunnels": "8"}
SITE = "www.site1.test"
SIZE = 1_048_576
CANARY = "only-the-client-and-the-site-know-this"


@pytest.fixture
def session(victim, strangers):
    """A peer that says it opens tunnels, and is known to do so."""
    with strangers.member(**relay.introduction()) as made:
        wait_until(lambda: any(p["tunnels"] and p["id"] == made.device_id
                               for p in victim.connected_peers()), 5,
                   "the victim knows it")
        yield made


def download(client, session, *more, path=f"/{SIZE}.bin"):
    """Begins one through the peer and no other line."""
    return client.start(
        f"https://{SITE}{path}", "--cacert", client.lab.ca_file,
        "--proxy-header", f"PeaPod-Exit: {session.device_id}",
        "--header", f"Cookie: {CANARY}", *more, seconds=20)


def site(lab):
    return relay.to(lab, STRANGERS, NGINX_ADDRESS)


BODY = content.content(f"{SIZE}.bin", 0, SIZE)


# -- reading and changing -----------------------------------------------------


def test_an_honest_relay_brings_exact_bytes_and_reads_nothing(
        lab, client, session):
    """Or what follows would prove nothing."""
    with relay.Relay(session, site(lab)) as honest:
        got = download(client, session, path=f"/{SIZE}.bin?{CANARY}").wait()
    assert (got.code, got.body) == (0, BODY)
    assert honest.asked == [(SITE, 443)]
    from_site, to_site = honest.seen
    assert len(from_site) > SIZE
    assert CANARY.encode() not in to_site
    assert b"GET /" not in to_site
    for at in range(0, SIZE - 64, 4096):
        assert BODY[at:at + 64] not in from_site
    # Its name is known to whoever carries it.
    assert SITE.encode() in to_site


class Flip:
    """Changes one bit once so many bytes have passed in one direction."""

    def __init__(self, to_site: bool, after: int):
        self.to_site, self.left, self.done = to_site, after, False

    def __call__(self, to_site: bool, data: bytes) -> bytes:
        if to_site != self.to_site or self.done:
            return data
        if len(data) <= self.left:
            self.left -= len(data)
            return data
        self.done = True
        at = self.left
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


@pytest.mark.parametrize("to_site, after", [
    (False, 30), (False, 1500), (False, 5000), (False, 500_000),
    (True, 50), (True, 700)])
def test_a_bit_that_is_changed_ends_the_download(lab, client, session,
                                                 to_site, after):
    flip = Flip(to_site, after)
    with relay.Relay(session, site(lab), flip):
        got = download(client, session).wait()
    assert flip.done
    assert got.code != 0
    assert BODY.startswith(got.body)
    assert len(got.body) < SIZE


def test_get_keeps_no_byte_of_a_relay_that_changes_them(lab, victim, session,
                                                        tmp_path):
    """Each tunnel breaks off, and this device's own line brings the rest."""
    size, flipped = 20_000_000, []

    def flip(to_site, data):
        if to_site or len(data) < 1000:
            return data
        flipped.append(len(data))
        return data[:-1] + bytes([data[-1] ^ 1])

    with relay.Relay(session, site(lab), flip):
        done = lab.run(
            VICTIM, "env", f"SSL_CERT_FILE={lab.ca_file}",
            f"STATE_DIRECTORY={tmp_path / 'state'}", BINARY, "get",
            f"https://{SITE}/{size}.bin", "-P", tmp_path, "--socket",
            victim.socket, check=False)
    assert done.returncode == 0, done.stderr
    assert flipped
    got = (tmp_path / f"{size}.bin").read_bytes()
    assert got == content.content(f"{size}.bin", 0, size)


def test_a_tunnel_that_is_cut_off_is_no_whole_download(lab, client, session):
    def cut(to_site, data, passed=[0]):
        passed[0] += 0 if to_site else len(data)
        return None if passed[0] > 300_000 else data
    with relay.Relay(session, site(lab), cut):
        got = download(client, session).wait()
    assert got.code != 0
    assert BODY.startswith(got.body)
    assert len(got.body) < SIZE


def test_a_relay_that_answers_in_the_sites_stead_is_found_out(
        lab, client, session, tmp_path):
    """It has a certificate for the name, but from nobody who is trusted."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj",
         f"/CN={SITE}", "-addext", f"subjectAltName=DNS:{SITE}",
         "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem"],
        check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    failures = []

    def impostor(_host, _port):
        ours, theirs = socket.socketpair()

        def serve():
            try:
                with context.wrap_socket(theirs, server_side=True) as tls:
                    tls.recv(4096)
                    tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
                                b"\r\nno")
            except (ssl.SSLError, OSError) as problem:
                failures.append(str(problem))
        threading.Thread(target=serve, daemon=True).start()
        return ours
    with relay.Relay(session, impostor) as liar:
        got = download(client, session).wait()
    assert liar.asked
    assert got.code == 60, got.error  # the certificate cannot be trusted
    assert got.body == b""
    assert CANARY.encode() not in liar.seen[1]


# -- having tunnels opened ----------------------------------------------------


def answer(session, number: int, seconds: float = 5) -> dict:
    """What becomes of a tunnel that was asked for."""
    until = time.monotonic() + seconds
    while True:
        for message in session.seen:
            if message.get("id") == number and message["type"] in (
                    "TunnelOpened", "CloseTunnel"):
                return message
        session.wait_for_any(until)


def open_tunnel(session, host: str, port: int = 443) -> int:
    number, session.next_id = session.next_id, session.next_id + 2
    session.send("OpenTunnel", id=number, host=host, port=port)
    return number


def test_no_more_tunnels_than_are_shared(victim, session):
    with costs(victim, 16, 40):
        numbers = [open_tunnel(session, SITE) for _ in range(200)]
        answers = [answer(session, number) for number in numbers]
        opened = [x for x in answers if x["type"] == "TunnelOpened"]
        assert len(opened) == 8
        assert all(x["code"] == 2 for x in answers if x not in opened)
        assert served(session)
        for x in opened:
            session.send("CloseTunnel", id=x["id"], code=1, detail="")
        # Whoever closes one may have another.
        assert answer(session, open_tunnel(session, SITE))["type"] \
            == "TunnelOpened"
        session.sock.close()


def test_who_takes_nothing_costs_a_window(lab, victim, session):
    """A peer that asks for large files through its tunnels and gives no
    credit."""
    with costs(victim, 24, 40):
        ends = []
        for _ in range(8):
            number = open_tunnel(session, NGINX_ADDRESS, 80)
            assert answer(session, number)["type"] == "TunnelOpened"
            session.send("TunnelData", id=number, payload=(
                b"GET /100000000.bin HTTP/1.1\r\nHost: a\r\n\r\n"))
            ends.append(number)
        taken = dict.fromkeys(ends, 0)

        def all_at_the_bound():
            session.is_alive()
            for message in session.seen:
                if message["type"] == "TunnelData":
                    taken[message["id"]] += len(message["payload"])
            session.seen.clear()
            return all(x == relay.WINDOW for x in taken.values())
        wait_until(all_at_the_bound, 10, "each brings one window")
        assert session.is_alive()
        assert served(session)
        session.sock.close()


@pytest.mark.parametrize("port", [22, 25, 3128, 8080, 45679])
def test_other_ports_are_refused(session, port):
    assert answer(session, open_tunnel(session, NGINX_ADDRESS, port))["code"] \
        == 2


@pytest.mark.parametrize("host", [
    "127.0.0.1", "::1", "localhost", "0.0.0.0", "::ffff:127.0.0.1",
    "169.254.169.254", "10.1.2.3", "[::1]", "2130706433", "127.1",
    "a/b", "a@127.0.0.1", "127.0.0.1:80", "a?b", "a#b", "%31", "..", "-"])
def test_addresses_that_are_not_for_others_are_refused(session, host):
    assert answer(session, open_tunnel(session, host))["code"] in (2, 3)
    assert session.is_alive()


@pytest.fixture(scope="module")
def silent_site(lab):
    """An address that lets connect and takes and says nothing."""
    with namespaces.listen(lab, "origin", HOSTILE_ADDRESS, 443):
        yield HOSTILE_ADDRESS


def beyond_the_window(session, number):
    """more than there is credit for: the site takes nothing"""
    for _ in range(1000):
        session.send("TunnelData", id=number, payload=os.urandom(60_000))


def at_once(session, *messages):
    """All of them in one piece, so that nothing happens in between."""
    session.send_raw(b"".join(session.seal(x) for x in messages))


def end(number) -> dict:
    return {"type": "CloseTunnel", "id": number, "code": 0, "detail": ""}


def behind_the_end(session, number):
    """data behind the end"""
    at_once(session, end(number),
            {"type": "TunnelData", "id": number, "payload": b"x"})


def ended_twice(session, number):
    """the end twice"""
    at_once(session, end(number), end(number))


def credit_without_bound(session, number):
    """credit without bound"""
    for _ in range(3):
        session.send("Credit", id=number, bytes=2 ** 32 - 1)


def opened_by_who_asked(session, number):
    """who has asked says that it stands"""
    session.send("TunnelOpened", id=number)


def the_number_twice(session, number):
    """a number that is in use"""
    session.send("OpenTunnel", id=number, host=SITE, port=443)


@pytest.mark.parametrize("break_rule", [
    beyond_the_window, behind_the_end, ended_twice, credit_without_bound,
    opened_by_who_asked, the_number_twice], ids=lambda x: x.__name__)
def test_who_breaks_the_rules_of_tunnels_is_left(
        victim, strangers, session, silent_site, break_rule):
    number = open_tunnel(session, silent_site)
    assert answer(session, number)["type"] == "TunnelOpened"
    try:
        break_rule(session, number)
    except Ended:
        pass
    assert session.is_closed_within(5)
    assert session.last_words().startswith("misbehaved")
    with strangers.member() as other:
        assert served(other)
