#define CAF_SUITE doctor_daemon

#include "tests/hosts/doctor_fixture.hpp"

using namespace peapod;
using namespace peapod::test;
using namespace std::chrono_literals;

namespace {

/// A port of the proxy that this device cannot have.
taken_fact taken(uint16_t port, errc why, const char* holder = "") {
  taken_fact out;
  out.purpose = "[proxy] listen";
  out.at = {"127.0.0.1", port};
  out.why = make_error(why, "no");
  out.holder = holder;
  return out;
}

std::vector<row> daemon_rows() {
  return {
      {"no daemon", without_daemon(errc::connection_refused), [](auto&) {},
       "problem:no-daemon problem:alone"},
      {"another user's daemon", without_daemon(errc::permission_denied),
       [](auto&) {}, "problem:daemon-refuses problem:alone"},
      {"a daemon that hangs", without_daemon(errc::timed_out), [](auto&) {},
       "problem:daemon-silent problem:alone"},
      {"another version runs", healthy(),
       [](auto& x) { x.status->daemon.version = "1.2.2"; },
       "warning:daemon-outdated"},
      {"clients that were turned away", healthy(),
       [](auto& x) {
         x.status->proxy = {{"turned_away", 262}};
       },
       "warning:turned-away"},
      {"a wrong file", healthy(),
       [](auto& x) { x.config_mistakes = "a.ini:1: b\na.ini:2: c\n"; },
       "problem:configuration"},
      {"a port of the proxy", healthy(),
       [](auto& x) {
         x.taken.push_back(taken(3128, errc::address_in_use, "squid"));
       },
       "problem:port-taken"},
      {"a port below 1024", healthy(),
       [](auto& x) { x.taken.push_back(taken(80, errc::permission_denied)); },
       "problem:port-refused"},
      {"a clock of last year", healthy(),
       [](auto& x) { x.newest = x.now + 8760h; }, "problem:clock-wrong"},
      {"a clock that is behind those of origins", healthy(),
       [](auto& x) {
         x.status->clock = {3600, 4};
       },
       "problem:clock-wrong"},
      {"a clock that is ahead of them", healthy(),
       [](auto& x) {
         x.status->clock = {-600, 4};
       },
       "problem:clock-wrong"},
      {"a clock that differs by what answers take", healthy(),
       [](auto& x) {
         x.status->clock = {-60, 4};
       },
       ""},
      {"a clock that drifts", healthy(),
       [](auto& x) { x.system.clock_set = false; }, "note:clock-unset"},
  };
}

} // namespace

CAF_TEST(what is wrong with the daemon is found) {
  check(daemon_rows());
}

CAF_TEST(a wrong clock is told with what hosts say) {
  auto x = healthy();
  x.status->clock = {-7200, 5};
  auto found = examine(x);
  auto& made = only(found);
  CAF_CHECK(made.text.find("is ahead") != std::string::npos);
  CAF_CHECK_EQUAL(joined(made.evidence),
                  "it shows 2027-01-15T08:00Z, but the answers of 5 hosts to "
                  "the daemon within the last hour say 2027-01-15T06:00Z by "
                  "their median: it is 2h00m off; ");
}

CAF_TEST(a taken port is told with who has it) {
  auto x = healthy();
  x.taken = {{"[discovery] port",
              true,
              {"239.255.60.60", 45678},
              make_error(errc::address_in_use, "taken"),
              "avahi (process 12)"}};
  auto found = examine(x);
  auto& one = only(found);
  CAF_CHECK(contains(one.text, "UDP 239.255.60.60:45678"));
  CAF_CHECK(contains(joined(one.evidence), "avahi (process 12)"));
  CAF_CHECK(contains(one.fix, "[discovery] port"));
}

CAF_TEST(which limit has turned clients away is told as far as it shows) {
  auto fix_at = [](uint64_t active, uint64_t tunnels) {
    auto x = healthy();
    x.status->proxy = {
        {"turned_away", 262}, {"active", active}, {"open_tunnels", tunnels}};
    return only(examine(x)).fix;
  };
  CAF_CHECK(contains(fix_at(1024, 3), "Raise [proxy] max-clients"));
  CAF_CHECK(contains(fix_at(1024, 1024), "Raise [proxy] max-tunnels"));
  CAF_CHECK(contains(fix_at(100, 3), "LimitNOFILE"));
}
