#include "hosts/common/config.hpp"
#include "hosts/common/identity_file.hpp"
#include "hosts/common/ini_reader.hpp"
#include "hosts/common/size_text.hpp"
#include "tests/hosts/settings_fixture.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#define CAF_SUITE host_config
#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

result<settings> parse(std::string_view text,
                       std::vector<std::string> overrides = {}) {
  return parse_settings(text, "pod.ini", overrides, plain_environment());
}

std::string errors_of(std::string_view text,
                      std::vector<std::string> overrides = {}) {
  auto out = parse(text, std::move(overrides));
  return out ? "no error" : out.error().detail;
}

/// Every value in a form that compares.
std::string dump(const settings& s) {
  std::ostringstream out;
  auto networks = [&](const std::vector<network>& xs) {
    for (auto& x : xs)
      out << to_hex(x.prefix.bytes()) << '/' << x.length << ' ';
    out << '|';
  };
  auto texts = [&](const std::vector<std::string>& xs) {
    for (auto& x : xs)
      out << x << ' ';
    out << '|';
  };
  out << s.pod.name << s.pod.state_dir << s.proxy.listen.address << ':'
      << s.proxy.listen.port << '|';
  networks(s.proxy.allow);
  out << s.discovery.enabled << s.discovery.group << s.discovery.port << '|'
      << s.discovery.interval.count() << '|';
  texts(s.discovery.interfaces);
  texts(s.discovery.exclude);
  for (auto& x : s.discovery.static_peers)
    out << to_string(x.at) << (x.id ? to_string(*x.id) : "") << ' ';
  out << '|' << s.transport.listen.address << ':' << s.transport.listen.port
      << s.transport.legacy << s.pool.enabled << '|' << s.pool.min_size << '|'
      << s.pool.chunk_size << '|' << s.pool.memory << '|' << s.pool.audit << '|'
      << s.share.enabled;
  networks(s.share.allow_private);
  for (auto x : s.share.ports)
    out << x << ' ';
  out << '|' << s.share.max_rate << s.share.own_first << '|';
  out << s.share.per_day << ' ' << s.share.per_month << ' '
      << s.share.never_hosts.size() << s.share.never_peers.size()
      << s.share.when_metered << s.share.on_battery << s.share.min_battery
      << s.pool.never_hosts.size() << s.pool.share_credentials << '|';
  texts(s.wan.bind);
  for (auto x : s.wan.weights)
    out << x << ' ';
  out << s.wan.upstream.proxy.has_value() << s.wan.upstream.except.size()
      << s.wan.dns_cache.count();
  out << s.proxy.system << s.proxy.max_clients << ' ' << s.proxy.max_tunnels
      << ' ' << s.proxy.max_header;
  out << s.console.group << s.process.seccomp;
  out << s.console.socket << s.console.pod_view << s.debug.fault_injection
      << s.debug.hang_limit.count() << to_string(s.trust.mode)
      << s.trust.secret_file << s.trust.legacy_devices.size()
      << static_cast<int>(s.log.level) << s.log.file;
  return out.str();
}

} // namespace

// -- values -------------------------------------------------------------------

CAF_TEST(an empty file gives the defaults) {
  auto s = parse("");
  CAF_REQUIRE(s);
  CAF_CHECK_EQUAL(s->proxy.listen.address, "127.0.0.1");
  CAF_CHECK_EQUAL(s->proxy.listen.port, 3128);
  CAF_CHECK_EQUAL(s->transport.listen.port, 45679);
  CAF_CHECK_EQUAL(s->pool.chunk_size, 256_KiB);
  CAF_CHECK(s->discovery.interval == 4s);
  CAF_CHECK(!s->debug.fault_injection);
  CAF_CHECK(!s->console.pod_view);
  CAF_CHECK_EQUAL(s->console.group, "");
  CAF_CHECK(s->process.seccomp);
  CAF_CHECK_EQUAL(s->pod.name, "box");
  CAF_CHECK_EQUAL(s->pod.state_dir.string(), "/home/x/.local/state/peapod");
}

CAF_TEST(the commented example holds exactly the defaults) {
  auto example = load_settings("config/pod.ini", {}, plain_environment());
  CAF_REQUIRE(example);
  CAF_CHECK_EQUAL(dump(*example), dump(*parse("")));
}

CAF_TEST(the commented example and the guide name every key) {
  auto example = read_all("config/pod.ini");
  auto guide = read_all("docs/CONFIG.md");
  for (auto& name : setting_names()) {
    auto key = name.substr(name.find('.') + 1);
    CAF_CHECK(contains(example, "\n" + key + "=")
              || contains(example, "\n; " + key + "="));
    CAF_CHECK(contains(guide, "`" + key + "`"));
  }
}

CAF_TEST(lines have a weight each or none) {
  auto s = parse("[wan]\nbind=[\"eth0\", \"wwan0\"]\nweights=[100, 20]\n");
  CAF_REQUIRE(s);
  CAF_CHECK(s->wan.weights == std::vector<size_t>({100, 20}));
  CAF_CHECK(parse("[wan]\nbind=[\"eth0\"]\n")->wan.weights.empty());
  auto missing = errors_of("[wan]\nbind=[\"eth0\", \"wwan0\"]\nweights=[1]\n");
  CAF_CHECK(contains(missing, "wan.weights: expected one number for each of "
                              "the 2 lines of wan.bind"));
  CAF_CHECK(contains(errors_of("[wan]\nweights=[1]\n"), "wan.weights"));
  CAF_CHECK(contains(errors_of("[wan]\nbind=[\"a\"]\nweights=[0]\n"),
                     "numbers from 1 to 65536"));
}

CAF_TEST(an upstream proxy has a place and a secret) {
  auto s = parse("[wan]\nupstream=\"http://a:b@proxy.example:3128\"\n"
                 "no-proxy=[\"*.corp.example\", \"10.0.0.0/8\"]\n"
                 "dns-cache=0s\n");
  CAF_REQUIRE(s);
  CAF_REQUIRE(s->wan.upstream.proxy);
  CAF_CHECK_EQUAL(s->wan.upstream.proxy->host, "proxy.example");
  CAF_CHECK_EQUAL(s->wan.upstream.proxy->port, 3128);
  CAF_CHECK_EQUAL(s->wan.upstream.proxy->authorization, "Basic YTpi");
  CAF_CHECK_EQUAL(s->wan.upstream.except.size(), 2u);
  CAF_CHECK(s->wan.dns_cache == 0s);
  CAF_CHECK(!parse("[wan]\nupstream=\"\"\n")->wan.upstream.proxy);
}

CAF_TEST(a STUN server has a host and perhaps a port) {
  CAF_CHECK(!parse("")->egress.stun);
  CAF_CHECK(!parse("[egress]\nstun=\"\"\n")->egress.stun);
  auto s = parse("[egress]\nstun=\"stun.example\"\n");
  CAF_REQUIRE(s && s->egress.stun);
  CAF_CHECK_EQUAL(to_string(*s->egress.stun), "stun.example:3478");
  s = parse("[egress]\nstun=\"[2001:db8::1]:99\"\n");
  CAF_REQUIRE(s && s->egress.stun);
  CAF_CHECK_EQUAL(s->egress.stun->host, "2001:db8::1");
  CAF_CHECK_EQUAL(s->egress.stun->port, 99);
  for (auto wrong : {"a b", "stun.example:0x", "stun:stun.example"})
    CAF_CHECK(
        contains(errors_of("[egress]\nstun=\"" + std::string{wrong} + "\"\n"),
                 "egress.stun: expected a STUN server"));
}

CAF_TEST(a bad upstream proxy is told without its password) {
  for (auto url : {"https://a:sesame@proxy.example:1", "a:sesame@proxy:1",
                   "http://a:sesame@proxy.example"}) {
    auto s = parse("[wan]\nupstream=\"" + std::string{url} + "\"\n");
    CAF_REQUIRE(!s);
    CAF_CHECK(contains(s.error().detail, "wan.upstream: expected an HTTP "
                                         "proxy such as"));
    CAF_CHECK(!contains(s.error().detail, "sesame"));
  }
  auto s = parse("[wan]\nno-proxy=[\"http://x\"]\ndns-cache=2h\n");
  CAF_REQUIRE(!s);
  CAF_CHECK(contains(s.error().detail, "wan.no-proxy: expected a list"));
  CAF_CHECK(contains(s.error().detail, "wan.dns-cache: expected a duration"));
}

CAF_TEST(an upstream proxy that we are ourselves is refused) {
  for (auto host : {"127.0.0.1", "localhost", "[::1]"}) {
    auto s =
        parse("[wan]\nupstream=\"http://" + std::string{host} + ":3128\"\n");
    CAF_REQUIRE(!s);
    CAF_CHECK(contains(s.error().detail, "PeaPod's own proxy"));
  }
  CAF_CHECK(parse("[wan]\nupstream=\"http://127.0.0.1:3129\"\n"));
}

CAF_TEST(who is to be dialled is an address and perhaps the id there) {
  for (auto wrong :
       {"", "host", "10.0.0.2:0", "@10.0.0.2", "0011@10.0.0.2",
        "00112233445566778899aabbccddeeff", "00112233445566778899aabbccddeeff@",
        "00112233445566778899aabbccddeeff@host:1",
        "00112233445566778899aabbccddeefg@10.0.0.2"})
    CAF_CHECK(contains(errors_of("[discovery]\nstatic-peers=[\""
                                 + std::string{wrong} + "\"]\n"),
                       "expected a list of IP addresses"));
}

CAF_TEST(interfaces are excluded by patterns of their names) {
  for (auto wrong : {"", "a/b", "a b"})
    CAF_CHECK(contains(
        errors_of("[discovery]\nexclude=[\"" + std::string{wrong} + "\"]\n"),
        "expected a list of interface names"));
  auto none = parse("[discovery]\nexclude=[]\n");
  CAF_REQUIRE(none);
  CAF_CHECK(none->discovery.exclude.empty());
  CAF_CHECK(!parse("")->discovery.exclude.empty());
}

CAF_TEST(every kind of value is understood) {
  auto s = parse("[pod]\nname=\"a\"\nstate-dir=\"/s\"\n"
                 "[proxy]\nlisten=\"[::1]:8080\"\nallow=[\"10.0.0.0/8\"]\n"
                 "tunnel-idle=30s\ntunnel-total=48h\n"
                 "[discovery]\nenabled=false\nport=5000\ninterval=500ms\n"
                 "interfaces=[\"lo\", \"eth0\"]\n"
                 "exclude=[\"docker*\", \"*-vpn\"]\n"
                 "static-peers=[\"10.0.0.2\", \"[fd00::1]:7\", "
                 "\"00112233445566778899aabbccddeeff@fe80::2%eth0\"]\n"
                 "[pool]\nmin-size=\"64KiB\"\nshare-credentials=true\n"
                 "never-hosts=[\".b.example\", \"10.0.0.0/8\"]\n"
                 "[share]\nports=[80,8080]\nmax-rate=\"8Mbit/s\"\n"
                 "own-first=false\nper-day=\"5GB\"\nper-month=\"50 GiB\"\n"
                 "never-hosts=[\"a.example\"]\nwhen-metered=\"share\"\n"
                 "never-peers=[\"00112233445566778899aabbccddeeff\"]\n"
                 "on-battery=\"share\"\nmin-battery=55\n"
                 "[console]\npod-view=true\ngroup=\"peapod\"\n"
                 "[process]\nseccomp=false\n"
                 "[debug]\nfault-injection=true\nhang-limit=2min\n"
                 "[log]\nlevel=\"debug\"\n");
  CAF_REQUIRE(s);
  CAF_CHECK_EQUAL(s->proxy.listen.address, "::1");
  CAF_CHECK_EQUAL(s->proxy.allow.size(), 1u);
  CAF_CHECK(s->proxy.tunnel_idle == 30s);
  CAF_CHECK(s->proxy.tunnel_total == 48h);
  CAF_CHECK(s->discovery.interval == 500ms);
  CAF_CHECK_EQUAL(s->discovery.interfaces.size(), 2u);
  CAF_CHECK_EQUAL(s->discovery.exclude.back(), "*-vpn");
  auto& peers = s->discovery.static_peers;
  CAF_REQUIRE_EQUAL(peers.size(), 3u);
  CAF_CHECK_EQUAL(peers[0].at.port, 45679);
  CAF_CHECK(!peers[0].id);
  CAF_CHECK_EQUAL(peers[1].at.address, "fd00::1");
  CAF_CHECK_EQUAL(peers[1].at.port, 7);
  CAF_CHECK_EQUAL(peers[2].at.address, "fe80::2%eth0");
  CAF_REQUIRE(peers[2].id.has_value());
  CAF_CHECK_EQUAL(to_string(*peers[2].id), "00112233445566778899aabbccddeeff");
  CAF_CHECK_EQUAL(s->pool.min_size, 64_KiB);
  CAF_CHECK_EQUAL(s->share.ports.back(), 8080);
  CAF_CHECK_EQUAL(s->share.max_rate, 1'000'000u);
  CAF_CHECK(!s->share.own_first);
  CAF_CHECK_EQUAL(s->share.per_day, 5'000'000'000u);
  CAF_CHECK_EQUAL(s->share.per_month, 50ull << 30);
  CAF_REQUIRE_EQUAL(s->share.never_hosts.size(), 1u);
  CAF_CHECK_EQUAL(s->share.never_hosts[0].name, "a.example");
  CAF_REQUIRE_EQUAL(s->share.never_peers.size(), 1u);
  CAF_CHECK_EQUAL(to_string(s->share.never_peers[0]),
                  "00112233445566778899aabbccddeeff");
  CAF_CHECK(s->share.when_metered);
  CAF_CHECK(s->share.on_battery);
  CAF_CHECK_EQUAL(s->share.min_battery, 55u);
  CAF_CHECK(s->pool.share_credentials);
  CAF_CHECK_EQUAL(s->pool.never_hosts.size(), 2u);
  CAF_CHECK(s->console.pod_view);
  CAF_CHECK_EQUAL(s->console.group, "peapod");
  CAF_CHECK(!s->process.seccomp);
  CAF_CHECK(s->debug.fault_injection);
  CAF_CHECK(s->debug.hang_limit == 2min);
  CAF_CHECK(s->log.level == severity::debug);
}

CAF_TEST(carriage returns at the ends of lines are accepted) {
  auto s =
      parse("[pod]\r\nname=\"a\"\r\n; note\r\n[pool]\r\nenabled=false\r\n");
  CAF_REQUIRE(s);
  CAF_CHECK_EQUAL(s->pod.name, "a");
  CAF_CHECK(!s->pool.enabled);
}

CAF_TEST(sizes and rates are read strictly) {
  CAF_CHECK(parse_size("64KiB") == 65536u);
  CAF_CHECK(parse_size("10 MB") == 10'000'000u);
  CAF_CHECK(parse_size("7") == 7u);
  CAF_CHECK(!parse_size("1.5MiB"));
  CAF_CHECK(!parse_size("-1"));
  CAF_CHECK(!parse_size(""));
  CAF_CHECK(!parse_size("64kb"));
  CAF_CHECK(!parse_size("99999999999TiB"));
  CAF_CHECK(parse_rate("10Mbit/s") == 1'250'000u);
  CAF_CHECK(parse_rate("1MiB/s") == 1_MiB);
  CAF_CHECK(parse_rate("0") == 0u);
  CAF_CHECK(!parse_rate("10Mbit"));
  CAF_CHECK_EQUAL(size_text(512), "512 B");
  CAF_CHECK_EQUAL(size_text(64_KiB), "64 KiB");
  CAF_CHECK_EQUAL(size_text(1_MiB + 512_KiB), "1.5 MiB");
  CAF_CHECK_EQUAL(rate_text(5'000'000), "40.0 Mbit/s");
}

// -- errors -------------------------------------------------------------------

CAF_TEST(all mistakes of a file are told at once with their lines) {
  auto all = errors_of("[proxy]\nlisten=3128\nlissen=\"x\"\n"
                       "[discovery]\nport=70000\ninterval=1h\n"
                       "[log]\nlevel=\"loud\"\n"
                       "[proxy]\ntunnel-idle=500ms\n");
  CAF_CHECK(contains(all, "pod.ini:10: proxy.tunnel-idle: expected a "
                          "duration from 1s to 24h"));
  CAF_CHECK(contains(all, "pod.ini:2: proxy.listen: expected an IP address"));
  CAF_CHECK(contains(all, "pod.ini:3: proxy.lissen: unknown key; [proxy] has "
                          "allow, "));
  CAF_CHECK(contains(all, "pod.ini:5: discovery.port: expected a port"));
  CAF_CHECK(
      contains(all, "pod.ini:6: discovery.interval: expected a duration"));
  CAF_CHECK(contains(all, "pod.ini:8: log.level: expected \"trace\""));
  CAF_CHECK_EQUAL(std::count(all.begin(), all.end(), '\n'), 5);
}

CAF_TEST(an unknown section is told) {
  CAF_CHECK_EQUAL(errors_of("[pool]\n[proxi]\nlisten=\"127.0.0.1:1\"\n"),
                  "pod.ini:3: proxi.listen: unknown section [proxi]");
}

CAF_TEST(a key before any section is told) {
  for (auto text : {"name=\"a\"\n", "name=a\n"})
    CAF_CHECK_EQUAL(errors_of(text),
                    "pod.ini:1: name: a [section] must stand before it");
}

CAF_TEST(a key that is set twice is told with both lines) {
  CAF_CHECK_EQUAL(errors_of("[pod]\nname=\"a\"\n\nname=\"b\"\n"),
                  "pod.ini:4: pod.name: set twice, first at pod.ini:2");
  CAF_CHECK(contains(errors_of("[pod]\nname=\"a\"\n[pod]\nname=\"b\"\n"),
                     "pod.ini:4: pod.name: set twice"));
}

CAF_TEST(text that is not INI is told with its line) {
  CAF_CHECK_EQUAL(
      errors_of("[pod]\nname=a\n"),
      "pod.ini:2: pod.name: it cannot be read; expected a text of 1 "
      "to 32 bytes, in double quotes");
  CAF_CHECK(contains(errors_of("[pod]\nname=\n"), "pod.ini:2: "));
  CAF_CHECK(contains(errors_of("[pod]\nname=\"a"), "pod.ini:2: "));
  CAF_CHECK(contains(errors_of("[pod\n"), "pod.ini:1: "));
  CAF_CHECK(contains(errors_of("[pod]\n# note\n"), "pod.ini:2: "));
}

CAF_TEST(values that are no INI are told at once and with what is expected) {
  auto all = errors_of("[proxy]\nlisten=0.0.0.0:3128\nsystem=yes\n"
                       "tunnel-idle=10m\n[discovery]\nenabled=True\n"
                       "interfaces=[eth0]\nport=0\n[wan]\nbind=[eth0]\n"
                       "weights=[1]\nbindd=off\n[log]\nlevel=\"odd\"\n");
  CAF_CHECK_EQUAL(std::ranges::count(all, '\n'), 8);
  for (auto part :
       {"pod.ini:2: proxy.listen: it cannot be read; expected an IP address",
        "pod.ini:3: proxy.system: it cannot be read; expected true or false",
        "pod.ini:4: proxy.tunnel-idle: it cannot be read; expected a duration",
        "pod.ini:6: discovery.enabled: it cannot be read; expected true or",
        "pod.ini:7: discovery.interfaces: it cannot be read; expected a list",
        "pod.ini:8: discovery.port: expected a port",
        "pod.ini:10: wan.bind: it cannot be read; expected a list",
        "pod.ini:12: wan.bindd: unknown key; [wan] has bind",
        "pod.ini:14: log.level: expected \"trace\""})
    CAF_CHECK(contains(all, part));
}

CAF_TEST(what cannot be read is not missed by other keys) {
  CAF_CHECK(!contains(errors_of("[proxy]\nlisten=\"0.0.0.0:3128\"\n"
                                "allow=192.168.0.0/16\n"),
                      "listening beyond"));
  CAF_CHECK(!contains(errors_of("[wan]\nweights=[1,2]\nbind=\"a,b\"\n"),
                      "one number for each"));
  CAF_CHECK(!contains(errors_of("[pool]\nchunk-size=\"32MiB\"\nmemory=1GiB\n"),
                      "at least 4 times"));
}

CAF_TEST(what stands where nobody reads is not missed by other keys) {
  std::string listen = "[proxy]\nlisten=\"0.0.0.0:3128\"\n";
  std::string allow = "allow=[\"10.0.0.0/8\"]\n";
  std::string notes;
  for (int i = 0; i < 70; ++i)
    notes += "# x\n";
  for (auto& text : {listen + notes + allow, listen + "[foo bar]\n" + allow,
                     allow + listen, listen + "allow: [\"10.0.0.0/8\"]\n"}) {
    CAF_CHECK(contains(errors_of(text), "pod.ini:"));
    CAF_CHECK(!contains(errors_of(text), "listening beyond"));
  }
  CAF_CHECK(!contains(errors_of("[wan]\nweights=[1,2]\n[foo bar]\n"
                                "bind=[\"a\",\"b\"]\n"),
                      "one number for each"));
  // A comment of another kind hides nothing.
  CAF_CHECK(contains(errors_of(listen + "# x\n"), "listening beyond"));
}

CAF_TEST(who is trusted is a mode a file and a list of ids) {
  auto s = parse("[trust]\nmode=\"ask\"\nsecret-file=\"/etc/pod.secret\"\n"
                 "legacy-devices=[\"00112233445566778899AABBCCDDEEFF\"]\n");
  CAF_REQUIRE(s);
  CAF_CHECK(s->trust.mode == trust_mode::ask);
  CAF_CHECK_EQUAL(s->trust.secret_file, fs::path{"/etc/pod.secret"});
  CAF_REQUIRE_EQUAL(s->trust.legacy_devices.size(), 1u);
  CAF_CHECK_EQUAL(to_string(s->trust.legacy_devices[0]),
                  "00112233445566778899aabbccddeeff");
  CAF_CHECK(parse("[trust]\nmode=\"secret\"\n")->trust.mode
            == trust_mode::secret);
  auto defaults = parse("[pod]\nstate-dir=\"/var/x\"\n");
  CAF_REQUIRE(defaults);
  CAF_CHECK(defaults->trust.mode == trust_mode::ask);
  CAF_CHECK_EQUAL(defaults->trust.secret_file, fs::path{"/var/x/secret"});
}

CAF_TEST(values out of range are refused) {
  CAF_CHECK(contains(errors_of("[pool]\nchunk-size=\"1KiB\"\n"), "\"16KiB\""));
  CAF_CHECK(contains(errors_of("[pool]\nmemory=\"64\"\n"), "pool.memory"));
  CAF_CHECK(contains(errors_of("[pool]\naudit=101\n"), "pool.audit"));
  CAF_CHECK(contains(errors_of("[pool]\naudit=-1\n"), "pool.audit"));
  CAF_CHECK(contains(errors_of("[share]\nports=[0]\n"), "share.ports"));
  CAF_CHECK(contains(errors_of("[share]\nallow-private=[\"10.0.0.1/8\"]\n"),
                     "share.allow-private: expected a list of networks"));
  CAF_CHECK(
      contains(errors_of("[discovery]\ngroup=\"10.0.0.1\"\n"), "multicast"));
  CAF_CHECK(contains(errors_of("[share]\nper-day=\"much\"\n"), "\"5GB\""));
  CAF_CHECK(contains(errors_of("[share]\nmin-battery=101\n"), "percentage"));
  CAF_CHECK(contains(errors_of("[share]\non-battery=true\n"),
                     "share.on-battery: expected \"pause\" or \"share\""));
  // A device may call itself what it likes.
  for (auto name : {"[\"living-room\"]", "[\"0011\"]", "[\"\"]"})
    CAF_CHECK(
        contains(errors_of("[share]\nnever-peers=" + std::string{name} + "\n"),
                 "share.never-peers: expected a list of device ids"));
  CAF_CHECK(contains(errors_of("[pool]\nnever-hosts=[\"a/8\"]\n"),
                     "pool.never-hosts: expected a list of hosts"));
  CAF_CHECK(contains(errors_of("[trust]\nmode=\"closed\"\n"), "\"open\""));
  CAF_CHECK(contains(errors_of("[trust]\nlegacy-devices=[\"00ff\"]\n"),
                     "trust.legacy-devices: expected a list of device ids"));
  CAF_CHECK(contains(errors_of("[trust]\nsecret-file=\"\"\n"),
                     "trust.secret-file: expected a file"));
  CAF_CHECK(contains(errors_of("[pod]\nname=\"\"\n"), "1 to 32 bytes"));
  CAF_CHECK(contains(errors_of("[proxy]\nlisten=\"127.0.0.1:99999\"\n"),
                     "proxy.listen"));
}

CAF_TEST(listening beyond loopback needs the networks of the clients) {
  CAF_CHECK(contains(errors_of("[proxy]\nlisten=\"0.0.0.0:3128\"\n"),
                     "pod.ini:2: proxy.listen: listening beyond this machine "
                     "needs proxy.allow"));
  CAF_CHECK(parse("[proxy]\nlisten=\"0.0.0.0:1\"\nallow=[\"10.0.0.0/8\"]\n"));
  CAF_CHECK(parse("[proxy]\nlisten=\"127.0.0.9:1\"\n"));
}

CAF_TEST(memory must hold some chunks) {
  CAF_CHECK(contains(errors_of("[pool]\nchunk-size=\"8MiB\"\n"
                               "memory=\"16MiB\"\n"),
                     "pod.ini:3: pool.memory: expected at least 4 times"));
}

CAF_TEST(a file that cannot be read is told) {
  auto env = plain_environment();
  auto missing = load_settings("/nonexistent/pod.ini", {}, env);
  CAF_REQUIRE(!missing);
  CAF_CHECK(missing.error().code == errc::bad_config);
  CAF_CHECK_EQUAL(missing.error().detail, "/nonexistent/pod.ini: cannot be "
                                          "read: No such file or directory");
  auto folder = load_settings("/", {}, env);
  CAF_REQUIRE(!folder);
  CAF_CHECK(contains(folder.error().detail, "it is a folder"));
}

// -- overrides ----------------------------------------------------------------

CAF_TEST(the command line overrides the file) {
  auto s = parse("[proxy]\nlisten=\"127.0.0.1:1\"\n[pool]\nenabled=true\n",
                 {"proxy.listen=127.0.0.1:2", "pool.enabled=false",
                  "discovery.interval=1s", "share.ports=1,2",
                  "discovery.interfaces=lo,eth0", "wan.bind=[\"w\"]",
                  "pod.name=\"n\""});
  CAF_REQUIRE(s);
  CAF_CHECK_EQUAL(s->proxy.listen.port, 2);
  CAF_CHECK(!s->pool.enabled);
  CAF_CHECK(s->discovery.interval == 1s);
  CAF_CHECK_EQUAL(s->share.ports.size(), 2u);
  CAF_CHECK_EQUAL(s->discovery.interfaces.at(1), "eth0");
  CAF_CHECK_EQUAL(s->wan.bind.at(0), "w");
  CAF_CHECK_EQUAL(s->pod.name, "n");
}

CAF_TEST(mistakes on the command line are told) {
  CAF_CHECK(contains(errors_of("", {"proxy.lissen=1"}),
                     "--proxy.lissen: unknown key"));
  CAF_CHECK(contains(errors_of("", {"pool.enabled=maybe"}),
                     "--pool.enabled: expected true or false"));
  CAF_CHECK(contains(errors_of("", {"pool.enabled=true\n[log]\nlevel=\"x\""}),
                     "--pool.enabled: expected true or false"));
  CAF_CHECK(contains(errors_of("", {"proxy.listen"}), "--proxy.listen=VALUE"));
}

CAF_TEST(paths follow the environment) {
  auto env = plain_environment();
  CAF_CHECK_EQUAL(default_socket(env, "/s").string(), "/s/control.sock");
  env.root = true;
  CAF_CHECK_EQUAL(default_state_dir(env).string(), "/var/lib/peapod");
  CAF_CHECK_EQUAL(default_socket(env, "/s").string(),
                  "/run/peapod/control.sock");
  env.variable = [](const char* name) {
    return std::optional<std::string>{"/" + std::string{name}};
  };
  CAF_CHECK_EQUAL(default_state_dir(env).string(), "/STATE_DIRECTORY");
  CAF_CHECK_EQUAL(default_socket(env, "/s").string(),
                  "/RUNTIME_DIRECTORY/control.sock");
}

// -- identity -----------------------------------------------------------------

CAF_TEST(an identity is made once and kept) {
  scratch_folder folder;
  auto first = load_identity(folder / "state");
  CAF_REQUIRE(first);
  auto second = load_identity(folder / "state");
  CAF_REQUIRE(second);
  CAF_CHECK(first->device() == second->device());
  struct stat info {};
  auto path = folder / "state/identity.key";
  CAF_REQUIRE_EQUAL(::stat(path.c_str(), &info), 0);
  CAF_CHECK_EQUAL(info.st_mode & 0777, 0600u);
  CAF_CHECK_EQUAL(info.st_size, 32);
  auto entries = fs::directory_iterator{folder / "state"};
  CAF_CHECK_EQUAL(std::distance(fs::begin(entries), fs::end(entries)), 1);
}

CAF_TEST(a key that others may read or of a wrong size is refused) {
  scratch_folder folder;
  CAF_REQUIRE(load_identity(folder / ""));
  auto path = folder / "identity.key";
  ::chmod(path.c_str(), 0644);
  auto open = load_identity(folder / "");
  CAF_REQUIRE(!open);
  CAF_CHECK(open.error().code == errc::permission_denied);
  CAF_CHECK(contains(open.error().detail, "chmod 600"));
  ::chmod(path.c_str(), 0600);
  write_all(path, "short");
  auto cut = load_identity(folder / "");
  CAF_REQUIRE(!cut);
  CAF_CHECK(cut.error().code == errc::bad_config);
  write_all(path, std::string(33, 'x'));
  CAF_CHECK(!load_identity(folder / ""));
}
