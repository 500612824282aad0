#define CAF_SUITE trust_store

#include "core/trust_store.hpp"

#include "core/identity.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

/// The `n`th of many keys.
public_key key(unsigned n) {
  public_key out;
  out.bytes[0] = static_cast<uint8_t>(n);
  out.bytes[1] = static_cast<uint8_t>(n >> 8);
  return out;
}

trust_store with_phone() {
  trust_store out;
  CAF_REQUIRE(out.trust(key(1), "phone", 100, trust_origin::paired));
  return out;
}

} // namespace

CAF_TEST(a device that was let in is trusted under the id of its key) {
  auto x = with_phone();
  CAF_CHECK(x.is_trusted(key(1)));
  CAF_CHECK(!x.is_trusted(key(2)));
  auto* phone = x.find(key(1));
  CAF_REQUIRE(phone != nullptr);
  CAF_CHECK(phone->id == derive_device_id(key(1)));
  CAF_CHECK_EQUAL(phone->name, "phone");
  CAF_CHECK_EQUAL(phone->since, 100u);
  CAF_CHECK(phone->origin == trust_origin::paired);
  CAF_CHECK(x.find(phone->id) == phone);
}

CAF_TEST(letting a device in again keeps since when and the better reason) {
  trust_store x;
  CAF_REQUIRE(x.trust(key(1), "a", 100, trust_origin::open));
  CAF_REQUIRE(x.trust(key(1), "b", 200, trust_origin::paired));
  CAF_REQUIRE(x.trust(key(1), "", 300, trust_origin::secret));
  CAF_REQUIRE_EQUAL(x.list().size(), 1u);
  CAF_CHECK_EQUAL(x.list()[0].since, 100u);
  CAF_CHECK_EQUAL(x.list()[0].name, "b");
  CAF_CHECK(x.list()[0].origin == trust_origin::paired);
}

CAF_TEST(trust can be taken back once) {
  auto x = with_phone();
  CAF_CHECK(x.untrust(key(1)).value());
  CAF_CHECK(!x.is_trusted(key(1)));
  CAF_CHECK(!x.untrust(key(1)).value());
  CAF_CHECK(x.list().empty());
  CAF_CHECK(x.is_refused(key(1)));
}

CAF_TEST(trusted devices are found as people name them) {
  auto x = with_phone();
  auto id = to_string(derive_device_id(key(1)));
  CAF_CHECK(x.find("phone").value().key == key(1));
  CAF_CHECK(x.find(id).value().key == key(1));
  CAF_CHECK(x.find(id.substr(0, 4)).value().key == key(1));
  CAF_CHECK(x.find("tablet").error().code == errc::not_found);
  CAF_REQUIRE(x.trust(key(2), "phone", 200, trust_origin::secret));
  CAF_CHECK(x.find("phone").error().code == errc::mismatch);
}

CAF_TEST(a device takes a new name but no empty one and strangers none) {
  auto x = with_phone();
  CAF_CHECK(x.rename(key(1), "hand\nset"));
  CAF_CHECK_EQUAL(x.list()[0].name, "hand set");
  CAF_CHECK(!x.rename(key(1), "hand set"));
  CAF_CHECK(!x.rename(key(1), ""));
  CAF_CHECK(!x.rename(key(2), "tablet"));
  CAF_CHECK_EQUAL(x.list()[0].name, "hand set");
}

// -- protocols ----------------------------------------------------------------

CAF_TEST(a key that has spoken protocol 2 is never taken with less) {
  trust_store x;
  CAF_CHECK(x.may_speak(key(1), 1));
  CAF_CHECK(x.note_protocol(key(1), 1));
  CAF_CHECK(x.may_speak(key(1), 1));
  CAF_CHECK(x.note_protocol(key(1), 2));
  CAF_CHECK(!x.may_speak(key(1), 1));
  CAF_CHECK(x.may_speak(key(1), 2));
  CAF_CHECK(!x.note_protocol(key(1), 1));
  CAF_CHECK(!x.may_speak(key(1), 1));
  CAF_CHECK(x.may_speak(key(2), 1));
}

CAF_TEST(what a key has spoken outlives trust in both directions) {
  trust_store x;
  x.note_protocol(key(1), 2);
  CAF_REQUIRE(x.trust(key(1), "phone", 100, trust_origin::paired));
  CAF_CHECK_EQUAL(unsigned{x.list()[0].protocol}, 2u);
  CAF_CHECK(x.known().empty());
  CAF_CHECK(x.untrust(key(1)).value());
  CAF_CHECK(!x.may_speak(key(1), 1));
  CAF_CHECK_EQUAL(x.known().size(), 1u);
}

CAF_TEST(trust that was taken back stays away until it is given again) {
  trust_store x;
  CAF_CHECK(!x.is_refused(key(1)));
  CAF_CHECK(x.untrust(key(1)).value()); // never trusted by itself
  CAF_CHECK(!x.untrust(key(1)).value());
  CAF_CHECK(x.is_refused(key(1)));
  for (unsigned i = 2; i < 3000; ++i)
    x.note_protocol(key(i), 2);
  CAF_CHECK(x.is_refused(key(1)));
  CAF_REQUIRE(x.trust(key(1), "phone", 100, trust_origin::paired));
  CAF_CHECK(!x.is_refused(key(1)));
}

CAF_TEST(strangers that were not heard for longest are forgotten first) {
  trust_store x;
  CAF_REQUIRE(x.trust(key(0), "phone", 100, trust_origin::paired));
  for (unsigned i = 1; i <= trust_store::max_strangers; ++i)
    CAF_REQUIRE(x.note_protocol(key(i), 2));
  x.note_protocol(key(1), 2); // heard again
  CAF_CHECK(x.note_protocol(key(2000), 2));
  CAF_CHECK(!x.may_speak(key(1), 1));
  CAF_CHECK(x.may_speak(key(2), 1));
  CAF_CHECK(!x.may_speak(key(3), 1));
  CAF_CHECK(x.is_trusted(key(0)));
  CAF_CHECK_EQUAL(x.known().size(), trust_store::max_strangers);
}

CAF_TEST(no number of strangers makes a peer forgotten) {
  trust_store x;
  CAF_CHECK(x.note_peer(key(1), 2));
  CAF_CHECK(!x.note_peer(key(1), 2));
  CAF_CHECK(!x.is_stranger(key(1)));
  for (unsigned i = 2; i < 5000; ++i)
    x.note_protocol(key(i), 2);
  CAF_CHECK(x.is_stranger(key(4999)));
  CAF_CHECK(!x.may_speak(key(1), 1));
}

CAF_TEST(of too many peers the one that was not heard for longest goes) {
  trust_store x;
  x.note_protocol(key(9000), 2);
  for (unsigned i = 0; i < trust_store::max_keys; ++i)
    CAF_REQUIRE(x.note_peer(key(i), 2));
  CAF_CHECK(x.may_speak(key(9000), 1)); // the stranger before all of them
  CAF_CHECK(!x.may_speak(key(0), 1));
  CAF_CHECK(x.note_peer(key(9001), 2));
  CAF_CHECK(x.may_speak(key(0), 1));
  CAF_CHECK_EQUAL(x.known().size(), trust_store::max_keys);
}

CAF_TEST(who is in use is not forgotten) {
  trust_store x;
  auto spared = [](const public_key& k) { return k == key(1); };
  CAF_REQUIRE(x.note_protocol(key(1), 2));
  for (unsigned i = 2; i < 5000; ++i)
    x.note_protocol(key(i), 2, spared);
  CAF_CHECK(!x.may_speak(key(1), 1));
  CAF_CHECK(!x.may_speak(key(4999), 1));
  for (unsigned i = 0; i < 2 * trust_store::max_keys; ++i)
    x.note_peer(key(10'000 + i), 2, spared);
  CAF_CHECK(!x.may_speak(key(1), 1));
}

CAF_TEST(whom there is no room to keep out is not said to be kept out) {
  trust_store x;
  for (unsigned i = 0; i < trust_store::max_keys; ++i)
    CAF_REQUIRE(x.trust(key(i), "", 0, trust_origin::secret));
  auto full = x.untrust(key(5000));
  CAF_REQUIRE(!full);
  CAF_CHECK(full.error().code == errc::limit_reached);
  CAF_CHECK(x.untrust(key(0)).value());
}

CAF_TEST(trust takes the place of strangers and is bounded itself) {
  trust_store x;
  for (unsigned i = 0; i < trust_store::max_keys; ++i)
    x.note_protocol(key(i), 2);
  for (unsigned i = 0; i < trust_store::max_keys; ++i)
    CAF_REQUIRE(x.trust(key(5000 + i), "", 0, trust_origin::secret));
  CAF_CHECK(x.known().empty());
  auto full = x.trust(key(1), "", 0, trust_origin::paired);
  CAF_REQUIRE(!full);
  CAF_CHECK(full.error().code == errc::limit_reached);
  CAF_CHECK(!x.note_protocol(key(1), 2));
  CAF_CHECK(x.trust(key(5000), "again", 0, trust_origin::paired));
}
