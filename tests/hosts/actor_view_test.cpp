#include "hosts/common/actor_view.hpp"

#include "core/wire_message.hpp"
#include "hosts/common/actors_json.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#define CAF_SUITE actor_view
#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace std::chrono_literals;

namespace {

namespace json = boost::json;

actor_row full_row() {
  actor_row out;
  out.id = 7;
  out.name = "peer_session";
  out.parent = 3;
  out.about = "kitchen";
  out.summary = "2 leases";
  out.restart = restart_type::temporary;
  out.on_io = true;
  out.state = activity::hanging;
  out.answered = true;
  out.mailbox = 1;
  out.mailbox_peak = 12;
  out.handled = 1000;
  out.rate = 8.5;
  out.load = 0.25;
  out.busy = 1500ms;
  out.longest = 20ms;
  out.uptime = 90s;
  out.restarts = 2;
  out.links = {3, 9};
  return out;
}

std::string written(const std::vector<actor_row>& rows) {
  return json::serialize(to_json(rows));
}

/// A view of one actor in which one member is something else; it is left out
/// when that is nothing.
std::string with_member(const char* name, std::string_view value) {
  auto row = to_json(full_row());
  if (value.empty())
    row.erase(name);
  else
    row[name] = json::parse(json::string_view{value.data(), value.size()});
  return json::serialize(json::array{row});
}

bool is_refused(std::string_view text) {
  auto out = parse_view(text);
  return !out && out.error().code == errc::peer_misbehaved
         && !out.error().detail.empty();
}

} // namespace

CAF_TEST(a view arrives as it was sent) {
  std::vector<actor_row> rows{full_row(), {}};
  auto out = parse_view(view_text(rows));
  CAF_REQUIRE(out);
  CAF_CHECK_EQUAL(written(*out), written(rows));
  CAF_CHECK(parse_view("[]").value().empty());
}

CAF_TEST(a view does not tell hosts that are not to be shown) {
  std::vector<actor_row> rows(2, full_row());
  rows[0].about = "www.a.example";
  rows[1].about = "b.example";
  auto back =
      parse_view(view_text(rows, {*parse_host_pattern("a.example:8080")}));
  CAF_REQUIRE(back.has_value());
  CAF_CHECK_EQUAL(back->at(0).about, "");
  CAF_CHECK_EQUAL(back->at(0).name, "peer_session");
  CAF_CHECK_EQUAL(back->at(1).about, "b.example");
}

CAF_TEST(a view has no more actors than fit) {
  std::vector<actor_row> rows(2000, full_row());
  auto text = view_text(rows);
  CAF_CHECK(text.size() <= max_view_size);
  auto out = parse_view(text);
  CAF_REQUIRE(out);
  CAF_CHECK(out->size() > 100 && out->size() < 2000);
}

CAF_TEST(what is no list of actors is refused) {
  for (auto text : {"", "null", "{}", "[1]", "[null]", "[{}]", "[", "[]]",
                    "[[]]", "nonsense"})
    CAF_CHECK(is_refused(text));
  CAF_CHECK(is_refused(std::string(200, '[') + std::string(200, ']')));
}

CAF_TEST(a member that is missing or of another type is refused) {
  for (auto& member : to_json(full_row())) {
    auto name = std::string{member.key()};
    CAF_CHECK(is_refused(with_member(name.c_str(), "")));
    CAF_CHECK(is_refused(with_member(name.c_str(), "{}")));
    if (name != "parent")
      CAF_CHECK(is_refused(with_member(name.c_str(), "null")));
  }
  CAF_CHECK(!is_refused(with_member("parent", "null")));
}

CAF_TEST(a member that is out of bounds is refused) {
  CAF_CHECK(is_refused(with_member("id", "-1")));
  CAF_CHECK(is_refused(with_member("id", "1.5")));
  CAF_CHECK(is_refused(with_member("restarts", "4294967296")));
  CAF_CHECK(is_refused(with_member("load", "-0.5")));
  CAF_CHECK(is_refused(with_member("uptime", "1e10")));
  CAF_CHECK(is_refused(with_member("rate", "1e56")));
  CAF_CHECK(is_refused(with_member("rate", "1e999")));
  CAF_CHECK(is_refused(with_member("state", "\"asleep\"")));
  CAF_CHECK(is_refused(with_member("restart", "\"\"")));
  CAF_CHECK(is_refused(with_member("runs_on", "\"gpu\"")));
  CAF_CHECK(
      is_refused(with_member("about", '"' + std::string(5000, 'x') + '"')));
  CAF_CHECK(is_refused(with_member("links", "[1,\"2\"]")));
}

CAF_TEST(members that are not known yet are no mistake) {
  auto out = parse_view(with_member("colour", "\"green\""));
  CAF_REQUIRE(out);
  CAF_CHECK_EQUAL(written(*out), written({full_row()}));
}
