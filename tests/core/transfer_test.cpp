#define CAF_SUITE transfer

#include "core/transfer.hpp"
#include "tests/core/transfer_devices.hpp"

#include <algorithm>
#include <span>
#include <string>

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace peapod::transfer_test;

namespace {

transfer::config settings(uint64_t in_flight = 100, uint64_t hold_back = 4) {
  return {own, in_flight, hold_back};
}

/// Every draw is the first of what can be drawn: the latest piece that a
/// source brought is the one that is sampled.
void zeros(std::span<uint8_t> out) {
  std::ranges::fill(out, uint8_t{0});
}

slice letters(std::string_view text) {
  return slice{text};
}

/// What a transfer decides, in one line: `[bytes]` delivered, `!` after the
/// last of them, `read`, `stop`, `recheck` or `again` and the range,
/// `accuse` and whom, `alone`, `abort`.
std::string decisions(transfer& x) {
  std::string out;
  auto word = [&out](const std::string& y) {
    out += (out.empty() ? "" : " ") + y;
  };
  while (auto action = x.poll()) {
    if (auto y = std::get_if<transfer::deliver>(&*action))
      word("[" + std::string{y->bytes.text()} + "]" + (y->last ? "!" : ""));
    else if (std::holds_alternative<transfer::read_spine>(*action))
      word("read");
    else if (std::holds_alternative<transfer::stop_spine>(*action))
      word("stop");
    else if (auto z = std::get_if<transfer::recheck>(&*action))
      word((z->fresh ? "again" : "recheck") + to_string(z->range));
    else if (auto a = std::get_if<transfer::accuse>(&*action))
      word("accuse " + std::string(1, static_cast<char>(a->source.bytes[0])));
    else if (std::holds_alternative<transfer::go_alone>(*action))
      word("alone");
    else
      word("abort");
  }
  return out;
}

} // namespace

CAF_TEST(a spine alone is read piece by piece and passed on) {
  transfer x{{0, 6}, settings(), zeros};
  CAF_CHECK_EQUAL(decisions(x), "read");
  x.spine_arrived(letters("abc"));
  CAF_CHECK_EQUAL(decisions(x), "[abc] read");
  x.spine_arrived(letters("def"));
  CAF_CHECK_EQUAL(decisions(x), "[def]! stop");
  CAF_CHECK(x.ended());
  x.spine_ended();
  CAF_CHECK_EQUAL(decisions(x), "");
  CAF_CHECK_EQUAL(x.ledger().bytes_by_source.at(own), 6u);
}

CAF_TEST(parts of several sources are delivered in order) {
  transfer x{{0, 9}, settings(), zeros};
  decisions(x);
  x.chunk_arrived(peer, 6, letters("ghi"), standing::claimed);
  CAF_CHECK_EQUAL(decisions(x), "");
  x.chunk_arrived(peer, 3, letters("def"), standing::claimed);
  CAF_CHECK_EQUAL(decisions(x), "");
  x.spine_arrived(letters("abc"));
  CAF_CHECK_EQUAL(decisions(x), "[abc] [def] [ghi]! stop");
  CAF_CHECK_EQUAL(x.ledger().bytes_by_source.at(own), 3u);
  CAF_CHECK_EQUAL(x.ledger().bytes_by_source.at(peer), 6u);
  CAF_CHECK_EQUAL(x.ledger().wasted, 0u);
}

CAF_TEST(a body that begins in the middle of a representation keeps offsets) {
  transfer x{{100, 106}, settings(), zeros};
  decisions(x);
  x.chunk_arrived(peer, 103, letters("def"), standing::claimed);
  x.spine_arrived(letters("abc"));
  CAF_CHECK_EQUAL(decisions(x), "[abc] [def]! stop");
  CAF_CHECK_EQUAL(x.spine(), 103u);
  CAF_CHECK_EQUAL(x.delivered(), 106u);
}

CAF_TEST(bytes that come twice are counted as wasted and delivered once) {
  transfer x{{0, 8}, settings(), zeros};
  decisions(x);
  x.chunk_arrived(peer, 2, letters("cdef"), standing::claimed);
  x.chunk_arrived(own, 4, letters("EFGH"), standing::claimed);
  x.spine_arrived(letters("abCD"));
  CAF_CHECK_EQUAL(decisions(x), "[ab] [cdef] [GH]! stop");
  CAF_CHECK_EQUAL(x.ledger().wasted, 4u);
  CAF_CHECK_EQUAL(x.ledger().bytes_by_source.at(own), 4u);
}

CAF_TEST(what the spine has received and nobody reads is counted as wasted) {
  transfer x{{100, 106}, settings(), zeros};
  decisions(x);
  x.spine_arrived(letters("abc"));
  x.chunk_arrived(own, 103, letters("def"), standing::claimed);
  decisions(x);
  x.spine_dropped(5);
  CAF_CHECK_EQUAL(x.ledger().wasted, 2u);
  x.spine_dropped(3);
  CAF_CHECK_EQUAL(x.ledger().wasted, 2u);
}

CAF_TEST(bytes outside of the body are dropped) {
  transfer x{{0, 4}, settings(), zeros};
  decisions(x);
  x.chunk_arrived(peer, 2, letters("cdef"), standing::claimed);
  x.chunk_arrived(peer, 40, letters("xyz"), standing::claimed);
  CAF_CHECK_EQUAL(decisions(x), "");
  x.spine_arrived(letters("ab"));
  CAF_CHECK_EQUAL(decisions(x), "[ab] [cd]! stop");
  CAF_CHECK_EQUAL(x.ledger().wasted, 5u);
}

// -- credit -------------------------------------------------------------------

CAF_TEST(a client that takes nothing gets no more than its credit) {
  transfer x{{0, 100}, settings(5), zeros};
  decisions(x);
  x.chunk_arrived(peer, 0, letters("abcdefgh"), standing::claimed);
  CAF_CHECK_EQUAL(decisions(x), "[abcde]");
  x.client_took(2);
  CAF_CHECK_EQUAL(decisions(x), "[fg]");
  x.client_took(5);
  CAF_CHECK_EQUAL(decisions(x), "[h]");
}

CAF_TEST(what the client was given is held until it has taken it) {
  transfer x{{10, 100}, settings(5), zeros};
  decisions(x);
  x.chunk_arrived(peer, 10, letters("abcdefgh"), standing::claimed);
  CAF_CHECK_EQUAL(decisions(x), "[abcde]");
  CAF_CHECK_EQUAL(x.delivered(), 15u);
  CAF_CHECK_EQUAL(x.taken(), 10u);
  x.client_took(4);
  CAF_CHECK_EQUAL(decisions(x), "[fgh]");
  CAF_CHECK_EQUAL(x.taken(), 14u);
}

CAF_TEST(credit that comes back in crumbs is not spent crumb by crumb) {
  transfer x{{0, 100}, settings(8), zeros};
  decisions(x);
  x.chunk_arrived(peer, 0, letters("abcdefghijklmnop"), standing::claimed);
  CAF_CHECK_EQUAL(decisions(x), "[abcdefgh]");
  x.client_took(1);
  CAF_CHECK_EQUAL(decisions(x), "");
  x.client_took(1);
  CAF_CHECK_EQUAL(decisions(x), "[ij]");
}

CAF_TEST(the spine is not read while the client has no credit) {
  transfer x{{0, 100}, settings(3), zeros};
  CAF_CHECK_EQUAL(decisions(x), "read");
  x.spine_arrived(letters("abcd"));
  CAF_CHECK_EQUAL(decisions(x), "[abc]");
  x.client_took(1);
  CAF_CHECK_EQUAL(decisions(x), "[d]");
  x.client_took(1);
  CAF_CHECK_EQUAL(decisions(x), "read");
}

// -- the spine's end ----------------------------------------------------------

CAF_TEST(the spine is stopped at the limit only after own ranges came) {
  transfer x{{0, 12}, settings(), zeros};
  decisions(x);
  x.switch_planned(3);
  x.spine_arrived(letters("abc"));
  CAF_CHECK_EQUAL(decisions(x), "[abc] read");
  x.chunk_arrived(peer, 6, letters("gh"), standing::claimed);
  CAF_CHECK_EQUAL(decisions(x), "");
  x.chunk_arrived(own, 9, letters("j"), standing::claimed);
  CAF_CHECK_EQUAL(decisions(x), "stop");
  CAF_CHECK(!x.spine_alive());
  x.chunk_arrived(own, 3, letters("def"), standing::claimed);
  CAF_CHECK_EQUAL(decisions(x), "[def] [gh]");
}

CAF_TEST(a spine before its limit reads on though own ranges came) {
  transfer x{{0, 12}, settings(), zeros};
  decisions(x);
  x.switch_planned(6);
  x.chunk_arrived(own, 8, letters("i"), standing::claimed);
  x.spine_arrived(letters("abc"));
  CAF_CHECK_EQUAL(decisions(x), "[abc] read");
  x.spine_arrived(letters("def"));
  CAF_CHECK_EQUAL(decisions(x), "[def] stop");
}

CAF_TEST(a lost spine is not read again and sources bring the rest) {
  transfer x{{0, 6}, settings(), zeros};
  decisions(x);
  x.spine_arrived(letters("ab"));
  CAF_CHECK_EQUAL(decisions(x), "[ab] read");
  x.spine_ended();
  CAF_CHECK_EQUAL(decisions(x), "");
  CAF_CHECK(!x.ended());
  x.chunk_arrived(own, 2, letters("cdef"), standing::claimed);
  CAF_CHECK_EQUAL(decisions(x), "[cdef]!");
}

CAF_TEST(the spine is stopped once all is here though the client is slow) {
  transfer x{{0, 6}, settings(1), zeros};
  decisions(x);
  x.chunk_arrived(peer, 0, letters("abcdef"), standing::claimed);
  CAF_CHECK_EQUAL(decisions(x), "[a] stop");
  x.client_took(10);
  CAF_CHECK_EQUAL(decisions(x), "[bcdef]!");
}

// -- what nobody vouches for --------------------------------------------------

CAF_TEST(the end of an unverified body waits for a recheck) {
  transfer x{{0, 8}, settings(), zeros};
  decisions(x);
  x.chunk_arrived(peer, 2, letters("cdefgh"), standing::foreign);
  x.spine_arrived(letters("ab"));
  CAF_CHECK_EQUAL(decisions(x), "recheck[2,8) [ab] [cd] stop");
  x.client_took(4);
  CAF_CHECK_EQUAL(decisions(x), "");
  x.rechecked(1, letters("cdefgh"));
  CAF_CHECK_EQUAL(decisions(x), "[efgh]!");
  CAF_CHECK_EQUAL(x.ledger().rechecked, 6u);
}

CAF_TEST(a body smaller than what is held back is held back whole) {
  transfer x{{0, 3}, settings(100, 1000), zeros};
  decisions(x);
  x.chunk_arrived(peer, 0, letters("abc"), standing::foreign);
  CAF_CHECK_EQUAL(decisions(x), "recheck[0,3) stop");
  x.rechecked(1, letters("abc"));
  CAF_CHECK_EQUAL(decisions(x), "[abc]!");
}

CAF_TEST(each source that nobody vouches for is rechecked) {
  transfer x{{0, 9}, settings(), zeros};
  decisions(x);
  x.chunk_arrived(other, 6, letters("ghi"), standing::foreign);
  x.chunk_arrived(peer, 3, letters("def"), standing::foreign);
  x.spine_arrived(letters("abc"));
  CAF_CHECK_EQUAL(decisions(x), "recheck[3,6) [abc] [de] stop");
  x.rechecked(1, letters("def"));
  CAF_CHECK_EQUAL(decisions(x), "recheck[6,9)");
  CAF_CHECK_EQUAL(x.ledger().rechecked, 0u);
  x.rechecked(2, letters("ghi"));
  CAF_CHECK_EQUAL(decisions(x), "[f] [ghi]!");
  CAF_CHECK_EQUAL(x.ledger().rechecked, 6u);
}

CAF_TEST(bytes other than the origin has fail the body before its end) {
  for (auto truth : {"abcdefgX", "Xbcdefgh", "abcdefg", ""}) {
    transfer x{{0, 8}, settings(), zeros};
    decisions(x);
    x.chunk_arrived(peer, 0, letters("abcdefgh"), standing::foreign);
    CAF_CHECK_EQUAL(decisions(x), "recheck[0,8) [abcd] stop");
    x.rechecked(1, letters(truth));
    CAF_CHECK_EQUAL(decisions(x), "again[0,8)");
    x.rechecked(2, letters(truth));
    CAF_CHECK_EQUAL(decisions(x), "accuse p abort");
    x.rechecked(2, letters("abcdefgh"));
    x.client_took(4);
    CAF_CHECK_EQUAL(decisions(x), "");
    CAF_CHECK_EQUAL(x.ledger().rechecked, 0u);
  }
}

CAF_TEST(only what a source contributed is rechecked) {
  transfer x{{0, 8}, settings(), zeros};
  decisions(x);
  x.chunk_arrived(own, 4, letters("ef"), standing::claimed);
  x.spine_arrived(letters("ab"));
  CAF_CHECK_EQUAL(decisions(x), "[ab] read");
  // The rest of these came first from sources that are believed.
  x.chunk_arrived(peer, 0, letters("XXcdXXgh"), standing::foreign);
  CAF_CHECK_EQUAL(decisions(x), "recheck[6,8) [cd] stop");
  x.rechecked(1, letters("gh"));
  CAF_CHECK_EQUAL(decisions(x), "[ef] [gh]!");
  CAF_CHECK_EQUAL(x.ledger().rechecked, 4u);
}

CAF_TEST(an answer that nobody waits for changes nothing) {
  transfer x{{0, 4}, settings(), zeros};
  decisions(x);
  x.chunk_arrived(peer, 2, letters("cd"), standing::foreign);
  x.rechecked(1, letters("XX"));
  CAF_CHECK_EQUAL(decisions(x), "");
  CAF_CHECK(!x.ended());
}

CAF_TEST(verified bytes need no recheck) {
  transfer x{{0, 6}, settings(), zeros};
  decisions(x);
  x.chunk_arrived(peer, 0, letters("abcdef"), standing::claimed);
  CAF_CHECK_EQUAL(decisions(x), "[abcdef]! stop");
  CAF_CHECK_EQUAL(x.ledger().rechecked, 0u);
}

CAF_TEST(unverified bytes that came second need no recheck) {
  transfer x{{0, 6}, settings(), zeros};
  decisions(x);
  x.spine_arrived(letters("abcd"));
  decisions(x);
  x.chunk_arrived(peer, 0, letters("XXXX"), standing::foreign);
  x.spine_arrived(letters("ef"));
  CAF_CHECK_EQUAL(decisions(x), "[ef]! stop");
}

// -- failures -----------------------------------------------------------------

CAF_TEST(a failure stops the spine and aborts once) {
  transfer x{{0, 6}, settings(), zeros};
  decisions(x);
  x.spine_arrived(letters("ab"));
  x.fail(make_error(errc::origin_refused, "gone"));
  CAF_CHECK_EQUAL(decisions(x), "stop abort");
  x.fail(make_error(errc::origin_refused, "gone again"));
  x.chunk_arrived(peer, 2, letters("cdef"), standing::claimed);
  x.client_took(6);
  CAF_CHECK_EQUAL(decisions(x), "");
  CAF_CHECK(x.ended());
}

CAF_TEST(a failure after the end changes nothing) {
  transfer x{{0, 2}, settings(), zeros};
  decisions(x);
  x.spine_arrived(letters("ab"));
  x.fail(make_error(errc::origin_refused, "late"));
  CAF_CHECK_EQUAL(decisions(x), "[ab]! stop");
}

CAF_TEST(hedged bytes are on record) {
  transfer x{{0, 2}, settings(), zeros};
  x.hedged(7);
  x.hedged(5);
  CAF_CHECK_EQUAL(x.ledger().hedged, 12u);
}
