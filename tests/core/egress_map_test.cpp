#define CAF_SUITE egress_map

#include "core/egress_map.hpp"

#include "core/egress_tags.hpp"
#include "core/line_id.hpp"

#include <caf/test/unit_test.hpp>

#include <algorithm>

using namespace peapod;

namespace {

device_id id_of(char name) {
  device_id out;
  out.bytes.fill(static_cast<uint8_t>(name));
  return out;
}

public_key key_of(char name) {
  public_key out;
  out.bytes.fill(static_cast<uint8_t>(name));
  return out;
}

/// Facts as `gateway v4 v6`; a dash is not known.
egress_facts facts_of(const std::string& gateway, const std::string& v4,
                      const std::string& v6 = "-") {
  auto known = [](const std::string& x) {
    return x == "-" ? std::string{} : x;
  };
  egress_facts out;
  out.gateway_mac = known(gateway);
  out.public_v4 = known(v4);
  out.public_v6 = known(v6);
  return out;
}

egress_line own(char name, const egress_facts& facts) {
  egress_line out;
  out.id = id_of(name);
  out.name = std::string{"line "} + name;
  out.facts = facts;
  return out;
}

/// A peer with lines that are `theirs`, beside our `lines`.
egress_peer peer(char name, const std::vector<egress_facts>& theirs,
                 const std::vector<egress_line>& lines) {
  egress_hasher hasher{key_of('o'), key_of(name)};
  egress_peer out;
  out.id = id_of(name);
  out.name = std::string{"peer "} + name;
  for (auto& x : theirs)
    out.theirs.push_back(hasher.tags_of(x));
  for (auto& x : lines)
    out.ours.push_back(hasher.tags_of(x.facts));
  return out;
}

/// The label with its evidence.
std::string said(const egress_label& x) {
  return text_of(x) + ": " + x.evidence;
}

struct row {
  egress_facts ours;
  egress_facts theirs;
  std::string label;
};

} // namespace

CAF_TEST(labels follow from gateways and public addresses) {
  const std::vector<row> table = {
      {facts_of("-", "-"), facts_of("-", "-"),
       "adds capacity: nothing known against it"},
      {facts_of("aa", "-"), facts_of("-", "1.1.1.1"),
       "adds capacity: nothing known against it"},
      {facts_of("aa", "-"), facts_of("aa", "-"),
       "same line as line o: same gateway"},
      {facts_of("aa", "-"), facts_of("bb", "-"),
       "adds capacity: another gateway"},
      {facts_of("aa", "1.1.1.1"), facts_of("aa", "-"),
       "same line as line o: same gateway"},
      {facts_of("aa", "1.1.1.1"), facts_of("bb", "1.1.1.1"),
       "same line as line o: same public address"},
      {facts_of("-", "1.1.1.1"), facts_of("-", "2.2.2.2"),
       "adds capacity: another public address"},
      {facts_of("aa", "1.1.1.1"), facts_of("aa", "2.2.2.2"),
       "adds capacity: another public address behind the same gateway"},
      {facts_of("aa", "1.1.1.1", "2001:db8::1"),
       facts_of("bb", "1.1.1.1", "2001:db8::2"),
       "same line as line o: same public address"},
      {facts_of("aa", "1.1.1.1"), facts_of("aa", "-", "2001:db8::2"),
       "same line as line o: same gateway"},
      {facts_of("-", "-", "2001:db8::1"), facts_of("-", "-", "2001:db8::1"),
       "same line as line o: same public address"},
      // One text in two places means two things.
      {facts_of("1.1.1.1", "-"), facts_of("-", "1.1.1.1"),
       "adds capacity: nothing known against it"},
  };
  for (auto& x : table) {
    // Of a peer, by tags; and of a second line, by the facts themselves.
    std::vector<egress_line> lines{own('o', x.ours)};
    auto map = make_egress_map(lines, {peer('p', {x.theirs}, lines)});
    CAF_CHECK_EQUAL(said(map.at(id_of('p'))), x.label);
    lines.push_back(own('q', x.theirs));
    CAF_CHECK_EQUAL(said(make_egress_map(lines, {}).at(id_of('q'))), x.label);
  }
}

CAF_TEST(the first line is what others are compared with) {
  std::vector<egress_line> lines{own('o', facts_of("aa", "-")),
                                 own('q', facts_of("aa", "-"))};
  auto map = make_egress_map(lines, {});
  CAF_CHECK_EQUAL(text_of(map.at(id_of('o'))), "adds capacity");
  CAF_CHECK_EQUAL(text_of(map.at(id_of('q'))), "same line as line o");
  CAF_CHECK(map.at(id_of('q')).as == id_of('o'));
  // While it is not there the next one is.
  lines[0].up = false;
  map = make_egress_map(lines, {});
  CAF_CHECK_EQUAL(said(map.at(id_of('o'))), "paused: it is not connected");
  CAF_CHECK_EQUAL(text_of(map.at(id_of('q'))), "adds capacity");
}

CAF_TEST(any line of a peer that is one of ours makes it the same) {
  std::vector<egress_line> lines{own('o', facts_of("aa", "-")),
                                 own('q', facts_of("bb", "-"))};
  auto map = make_egress_map(
      lines, {peer('p', {facts_of("cc", "-"), facts_of("bb", "-")}, lines),
              peer('r', {facts_of("cc", "-"), facts_of("dd", "-")}, lines)});
  CAF_CHECK_EQUAL(text_of(map.at(id_of('p'))), "same line as line q");
  CAF_CHECK_EQUAL(said(map.at(id_of('r'))), "adds capacity: another gateway");
}

CAF_TEST(what was measured is stronger than what addresses say) {
  std::vector<egress_line> lines{own('o', facts_of("aa", "1.1.1.1")),
                                 own('q', facts_of("bb", "2.2.2.2"))};
  lines[1].slows = id_of('o');
  auto x = peer('p', {facts_of("cc", "3.3.3.3")}, lines);
  x.slows = id_of('r');
  x.metered = true;
  auto r = peer('r', {}, lines);
  auto map = make_egress_map(lines, {x, r});
  CAF_CHECK_EQUAL(said(map.at(id_of('q'))),
                  "same line as line o: measured: both slow down together");
  CAF_CHECK_EQUAL(said(map.at(id_of('p'))),
                  "same line as peer r: measured: both slow down together");
  CAF_CHECK_EQUAL(said(map.at(id_of('r'))),
                  "adds capacity: nothing known against it");
}

CAF_TEST(who says that it pauses or is metered is believed) {
  std::vector<egress_line> lines{own('o', facts_of("aa", "-"))};
  auto x = peer('p', {facts_of("aa", "-")}, lines);
  x.metered = true;
  CAF_CHECK_EQUAL(said(make_egress_map(lines, {x}).at(x.id)),
                  "metered: it says that it is metered");
  x.pauses = true;
  x.slows = id_of('o');
  CAF_CHECK_EQUAL(said(make_egress_map(lines, {x}).at(x.id)),
                  "paused: it says that it brings nothing now, and that its "
                  "line is metered");
  lines[0].metered = true;
  CAF_CHECK_EQUAL(said(make_egress_map(lines, {}).at(id_of('o'))),
                  "metered: the system says that it is metered");
  lines[0].rests = true;
  CAF_CHECK_EQUAL(said(make_egress_map(lines, {}).at(id_of('o'))),
                  "paused: it has failed too often");
}

CAF_TEST(tags fit between two devices and nobody else) {
  auto facts = facts_of("aa", "1.1.1.1", "2001:db8::1");
  egress_hasher there{key_of('a'), key_of('b')};
  egress_hasher back{key_of('b'), key_of('a')};
  egress_hasher other{key_of('a'), key_of('c')};
  auto tags = there.tags_of(facts);
  CAF_CHECK(tags == back.tags_of(facts));
  auto foreign = other.tags_of(facts);
  CAF_CHECK(tags.gateway != foreign.gateway);
  CAF_CHECK(tags.public_v4 != foreign.public_v4);
  CAF_CHECK(tags.public_v6 != foreign.public_v6);
  CAF_CHECK(there.tags_of({}) == egress_tags{});
}

CAF_TEST(a line has the same id each time and no other one) {
  auto one = line_id(id_of('o'), "eth0");
  CAF_CHECK(one == line_id(id_of('o'), "eth0"));
  CAF_CHECK(one != line_id(id_of('o'), "eth1"));
  CAF_CHECK(one != line_id(id_of('p'), "eth0"));
  CAF_CHECK(one != id_of('o'));
}
