"""A member of the pod that asks a device to fetch what is none of its business
(server-side request forgery). Each is refused, and canaries that stand where
the URLs lead hear nothing: no byte and no connection."""

import contextlib
import urllib.parse

import abuse
import canaries
import namespaces
import pytest
from canaries import PUBLIC
from lab_base import HOSTILE_ADDRESS, NGINX_ADDRESS
from pods import content, fresh_name, wait_until
from protocol2_peer import Ended, FetchFailed, Session

OWN_PUBLIC = "11.77.1.2"  # one of the victim's own addresses
NEVER = "11.77.98.9"

SETTINGS = {
    "share.allow-private": "[]",
    "share.never-hosts": f'["never.test", "{NEVER}"]',
    "wan.dns-cache": "0s",
}

NAMES = {
    "public.test": [[PUBLIC]],
    "loopback.test": [["127.0.0.1"]],
    "loopback6.test": [["::1"]],
    "mapped.test": [["::ffff:127.0.0.1"]],
    "neighbour.test": [["10.77.0.2"]],
    "metadata.test": [["169.254.169.254"]],
    "zero.test": [["0.0.0.0"]],
    "own.test": [[OWN_PUBLIC]],
    "private.test": [["127.0.0.1", "10.77.0.2", "::1"]],
    "never.test": [[PUBLIC]],
    "hidden-never.test": [[NEVER]],
}

#: What an embedded address in IPv6 would lead to, were it followed.
EMBEDDED = ["64:ff9b::7f00:1", "64:ff9b::a4d:2", "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::", "2002:a4d:2::", "2002:a9fe:a9fe::",
            "2001:db8::1", "fec0::1", "fd00:ec2::254"]


@pytest.fixture(scope="module")
def internet(lab):
    """Public addresses, names, and canaries wherever nobody may go."""
    birds = canaries.Canaries()
    with contextlib.ExitStack() as stack:
        stack.callback(birds.close)
        stack.enter_context(namespaces.more_addresses(lab, "origin", "lo", [
            f"{x}/32" for x in (PUBLIC, NEVER, "169.254.169.254",
                                "168.63.129.16", "100.100.100.200",
                                "192.0.2.1", "198.18.0.1")]))
        stack.enter_context(namespaces.more_addresses(
            lab, "origin", "lo", [f"{x}/128" for x in EMBEDDED]))
        stack.enter_context(namespaces.more_addresses(
            lab, 1, "wan0", [f"{OWN_PUBLIC}/32"]))
        for host, address, port in (
                (1, "0.0.0.0", 80), (1, "::", 80), (1, "0.0.0.0", 443),
                (1, "127.0.0.1", 8080), (2, "0.0.0.0", 80), (2, "::", 80),
                ("origin", PUBLIC, 22), ("origin", PUBLIC, 8080),
                ("origin", NEVER, 80), ("origin", "169.254.169.254", 80),
                ("origin", "168.63.129.16", 80),
                ("origin", "100.100.100.200", 80),
                ("origin", "192.0.2.1", 80), ("origin", "198.18.0.1", 80),
                *(("origin", x, 80) for x in EMBEDDED)):
            birds.listen(lab, host, address, port)
        birds.origin = canaries.PublicOrigin(lab)
        stack.callback(birds.origin.close)
        birds.names = canaries.Names(lab, NGINX_ADDRESS, NAMES)
        stack.callback(birds.names.close)
        yield birds


@pytest.fixture
def quiet(internet, victim):
    """No canary hears anything during a test, and the victim serves on."""
    internet.heard.clear()
    yield internet
    assert internet.heard == []


@pytest.fixture
def member(quiet, strangers):
    with strangers.member() as session:
        yield session


def refusal(session: Session, url, seconds: float = 10) -> str:
    """Why a URL is not fetched; fails when it is."""
    name = fresh_name()
    try:
        got = session.fetch(url, 0, 100, abuse.representation(name, 5000),
                            seconds)
    except FetchFailed as failed:
        return failed.reason
    raise AssertionError(f"{url} brought {got!r}")


def brings(session: Session, base: str = f"http://{PUBLIC}") -> bool:
    """Whether an honest URL is served as it should be."""
    name = fresh_name()
    got = session.fetch(f"{base}/5000/{name}", 1000, 2000,
                        abuse.representation(name, 5000))
    return got == content.content(name, 1000, 2000)


def test_what_is_public_is_fetched(member):
    """Or all that follows would prove nothing."""
    assert brings(member)
    assert brings(member, "http://public.test")
    assert brings(member, f"http://user@{PUBLIC}")


def test_the_canaries_hear_who_comes(lab, internet, strangers):
    internet.heard.clear()
    with namespaces.connect(lab, 1, ("169.254.169.254", 80)) as one:
        one.sendall(b"hello")
        wait_until(lambda: internet.heard, 3, "a canary hears it")
    assert internet.heard[0][2] == b"hello"
    with namespaces.connect(lab, 1, ("127.0.0.1", 80)):
        wait_until(lambda: len(internet.heard) == 2, 3)


# -- addresses ----------------------------------------------------------------

ADDRESSES = [
    "127.0.0.1", "127.255.255.254", "[::1]", "0.0.0.0", "[::]",
    "10.77.0.2", "10.77.0.1", "10.77.101.2", OWN_PUBLIC, HOSTILE_ADDRESS,
    "169.254.169.254", "168.63.129.16", "100.100.100.200",
    "192.0.2.1", "198.18.0.1", "255.255.255.255", "239.255.60.60",
    # IPv4 inside IPv6.
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:a9fe:a9fe]",
    "[::ffff:169.254.169.254]", "[::ffff:10.77.0.2]", "[::127.0.0.1]",
    "[::ffff:0:127.0.0.1]", f"[::ffff:{OWN_PUBLIC}]",
    *(f"[{x}]" for x in EMBEDDED), "[fe80::1]", "[ff02::1]", "[fd77::2]",
    # What inet_aton takes for an address.
    "2130706433", "017700000001", "0x7f000001", "0177.0.0.1", "0x7f.0.0.1",
    "127.1", "127.0.1", "0", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376",
    "169.16689406", "127.0.0.1.", "127.0.0.01",
    # Names.
    "localhost", "LOCALHOST", "localhost.", "ip6-localhost",
    *(name for name in NAMES if name != "public.test"),
    "loopback.test.", "NEVER.test", "never.test.",
    # Brackets, zones, percent signs.
    "[::1%25lo]", "[::1%lo]", "[fe80::1%25lan0]", "127.0.0.1%00.public.test",
    "%31%32%37.0.0.1", "127%2e0.0.1", "[127.0.0.1]", "[::1", "::1",
    "１２７.0.0.1", "ⓛocalhost", "127。0。0。1",
]


@pytest.mark.parametrize("host", ADDRESSES)
def test_addresses_that_are_not_public_are_refused(member, host):
    assert refusal(member, f"http://{host}/") in (
        "policy refused", "not now")


# -- the rest of the URL ------------------------------------------------------

URLS = [
    f"http://{PUBLIC}@127.0.0.1/", f"http://{PUBLIC}:80@127.0.0.1/",
    f"http://127.0.0.1#@{PUBLIC}/", f"http://127.0.0.1?@{PUBLIC}/",
    f"http://127.0.0.1/@{PUBLIC}/", f"http://127.0.0.1\\@{PUBLIC}/",
    f"http://{PUBLIC}\\@127.0.0.1/", f"http://{PUBLIC}@127.0.0.1@{PUBLIC}/",
    f"http://[::1]:@{PUBLIC}/", f"http://127.0.0.1:80:80@{PUBLIC}:x/",
    f"http://{PUBLIC}:22/", f"http://{PUBLIC}:8080/", f"http://{PUBLIC}:0/",
    f"http://{PUBLIC}:65616/", f"http://{PUBLIC}:-80/", f"http://{PUBLIC}:+80/",
    f"http://{PUBLIC}:0x50/", f"http://{PUBLIC}:80:22/",
    "http://127.0.0.1:3128/", "http://10.77.0.1:3128/",
    "http://10.77.0.1:45679/",
    "http://localhost:3128/proxy.pac", "https://127.0.0.1/", "https://[::1]/",
    "https://10.77.0.2/",
    f"ftp://{PUBLIC}/", "file:///etc/passwd", f"gopher://{PUBLIC}:80/_GET",
    "dict://127.0.0.1:80/", f"ws://{PUBLIC}/", "data:,x", "javascript:1",
    "unix:///run/peapod/control.sock", f"http:/{PUBLIC}/", f"http:{PUBLIC}",
    f"//{PUBLIC}/", "/etc/passwd", "http://", "http:///", "http://:80/",
    "http://@/", "http://?/", "http://#/", "http://.", "http://..",
    f"http://{'a.' * 127}a/", f"hTTp+unix://{PUBLIC}/", f"url:http://{PUBLIC}/",
]


@pytest.mark.parametrize("url", URLS)
def test_urls_that_lead_elsewhere_are_refused(member, quiet, url):
    before = len(quiet.origin.asked)
    assert refusal(member, url) in (
        "policy refused", "not now")
    assert len(quiet.origin.asked) == before


@pytest.mark.parametrize("url", [
    f"http://{PUBLIC}/\r\nX: y", f"http://{PUBLIC}/ HTTP/1.1\r\nHost: a",
    "http://127.0.0.1\r\n.public.test/", f"http://{PUBLIC}/\t", "http://a b/",
    f"http://{PUBLIC}/\0", b"http://\xff\xfe/",
])
def test_urls_that_would_split_a_request_end_the_session(member, strangers,
                                                         quiet, url):
    before = len(quiet.origin.asked)
    with contextlib.suppress(Ended):
        member.ask(url, 0, 100)
    assert member.is_closed_within(3)
    assert len(quiet.origin.asked) == before
    with strangers.member() as other:
        assert brings(other)


def test_what_is_encoded_stays_encoded(member, quiet):
    """%0d%0a splits nothing: it goes out as it came."""
    name = fresh_name()
    member.fetch(f"http://{PUBLIC}/5000/{name}?%0d%0aX:%20y", 0, 100,
                 abuse.representation(name + "?%0d%0aX:%20y", 5000))
    path, fields = quiet.origin.asked[-1]
    assert path == f"/5000/{name}?%0d%0aX:%20y"
    assert "X" not in fields


def test_what_a_peer_adds_to_a_request_does_not_go_out(member, quiet):
    """Fields of a Fetch reach no origin, and nothing of this device does."""
    name = fresh_name()
    number = member.ask(
        f"http://{PUBLIC}/5000/{name}", 0, 100,
        abuse.representation(name, 5000),
        fields=[("Cookie", "a=b"), ("Host", "127.0.0.1"),
                ("Authorization", "Basic x"), ("X-Forwarded-For", "127.0.0.1"),
                ("Metadata-Flavor", "Google"), ("Range", "bytes=0-")])
    assert member.collect(number, 0, 100) == content.content(name, 0, 100)
    _, fields = quiet.origin.asked[-1]
    assert set(fields) <= {"Host", "Accept", "Accept-Encoding", "User-Agent",
                           "Range", "If-Range", "If-Match", "Via", "Connection"}
    assert (fields["Host"], fields["Range"]) == (PUBLIC, "bytes=0-99")


# -- redirects ----------------------------------------------------------------

LEADS = [
    "http://127.0.0.1/", "http://169.254.169.254/latest/meta-data/",
    "http://[::ffff:a9fe:a9fe]/", "http://10.77.0.2/", "http://10.77.0.1:3128/",
    "http://localhost/", "http://2130706433/", "http://loopback.test/",
    "http://never.test/", f"http://{NEVER}/", "http://hidden-never.test/",
    f"http://{PUBLIC}:22/", f"http://{OWN_PUBLIC}/", "//127.0.0.1/",
    "//169.254.169.254/", "https://127.0.0.1/", f"http://{PUBLIC}@127.0.0.1/",
    "file:///etc/passwd", "gopher://127.0.0.1:80/_x", "\\\\127.0.0.1\\x",
    "http://127.0.0.1\r\nX: y", "",
]


@pytest.mark.parametrize("lead", LEADS)
def test_redirects_lead_nowhere_else(member, lead):
    quoted = urllib.parse.quote(lead.replace("\r\n", "%0d%0a"), safe="")
    url = f"http://{PUBLIC}/to/{quoted}"
    assert refusal(member, url) in (
        "origin refused", "policy refused", "mismatch", "not now")


def test_a_redirect_to_what_is_public_is_followed_three_times(member):
    name = fresh_name()
    there = urllib.parse.quote(f"http://public.test/5000/{name}", safe="")
    got = member.fetch(f"http://{PUBLIC}/hops/2/{there}", 0, 100,
                       abuse.representation(name, 5000))
    assert got == content.content(name, 0, 100)
    assert refusal(member, f"http://{PUBLIC}/hops/3/{there}") == (
        "origin refused")


def test_the_last_of_three_redirects_is_judged_too(member):
    there = urllib.parse.quote("http://169.254.169.254/", safe="")
    assert refusal(member, f"http://{PUBLIC}/hops/2/{there}") == (
        "policy refused")


# -- names that change --------------------------------------------------------


def test_a_name_that_is_rebound_is_judged_each_time(member, quiet):
    """Public at first, private the next time (DNS rebinding)."""
    quiet.names.names["rebound.test"] = [[PUBLIC], ["127.0.0.1"]]
    assert brings(member, "http://rebound.test")
    assert refusal(member, "http://rebound.test/5000/x") == "policy refused"
    assert quiet.names.asked.count("rebound.test") >= 2


def test_a_redirect_by_a_name_that_is_rebound_is_judged(member, quiet):
    quiet.names.names["rebound2.test"] = [[PUBLIC], ["169.254.169.254"]]
    there = urllib.parse.quote("http://rebound2.test/x", safe="")
    assert refusal(member, f"http://rebound2.test/to/{there}") == (
        "policy refused")
    assert quiet.names.asked.count("rebound2.test") >= 2


def test_of_several_addresses_only_public_ones_are_tried(member, quiet):
    quiet.names.names["both.test"] = [["127.0.0.1", PUBLIC, "::1",
                                       "10.77.0.2"]]
    for _ in range(5):
        try:
            assert brings(member, "http://both.test")
        except FetchFailed as failed:
            assert failed.reason in ("policy refused", "not now")


# -- what a user allows -------------------------------------------------------


def test_what_hands_out_credentials_is_never_fetched(alone, quiet, strangers):
    """Nor what is this device itself, where everything private is allowed."""
    alone.daemon(2, share_allow_private='["0.0.0.0/0", "::/0"]')
    with strangers.member(host=2) as session:
        for host in ("169.254.169.254", "[::ffff:a9fe:a9fe]", "metadata.test",
                     "[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::]",
                     "168.63.129.16", "100.100.100.200", "[fd00:ec2::254]",
                     "10.77.0.2", "10.77.102.2", "[::ffff:10.77.0.2]",
                     "[fd77::2]", "neighbour.test"):
            assert refusal(session, f"http://{host}/") == "policy refused", host
        assert brings(session)
