#define CAF_SUITE device_lookup

#include "core/device_lookup.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

device_id id(std::string_view hex) {
  return device_id::from(from_hex(hex));
}

const std::vector<named_device> devices{
    {id("a1b2c3d4000000000000000000000001"), "kitchen"},
    {id("a1b2ffff000000000000000000000002"), "phone"},
    {id("c0c0c0c0000000000000000000000003"), "phone"},
    {id("d0d0d0d0000000000000000000000004"), "a1b2c"},
    {id("e0e0e0e0000000000000000000000005"), ""},
};

/// The last digit of the id that is found, or the error's name.
std::string found(std::string_view who) {
  auto out = find_device(who, devices);
  return out ? to_string(*out).substr(31)
             : std::string{to_string(out.error().code)};
}

} // namespace

CAF_TEST(a device is found by its name its id or the beginning of its id) {
  CAF_CHECK_EQUAL(found("kitchen"), "1");
  CAF_CHECK_EQUAL(found("c0c0c0c0000000000000000000000003"), "3");
  CAF_CHECK_EQUAL(found("C0C0C0C0000000000000000000000003"), "3");
  CAF_CHECK_EQUAL(found("a1b2f"), "2");
  CAF_CHECK_EQUAL(found("E0e0"), "5");
}

CAF_TEST(what names nobody is not found) {
  CAF_CHECK_EQUAL(found(""), "not found");
  CAF_CHECK_EQUAL(found("Kitchen"), "not found");
  CAF_CHECK_EQUAL(found("garage"), "not found");
  // Three digits are too few, and a longer text is no beginning.
  CAF_CHECK_EQUAL(found("c0c"), "not found");
  CAF_CHECK_EQUAL(found("c0c0c0c00000000000000000000000030"), "not found");
}

CAF_TEST(what several devices are called is refused and names them) {
  auto phones = find_device("phone", devices);
  CAF_REQUIRE(!phones);
  CAF_CHECK(phones.error().code == errc::mismatch);
  CAF_CHECK_EQUAL(phones.error().detail,
                  "2 devices are called \"phone\": phone "
                  "a1b2ffff000000000000000000000002, phone "
                  "c0c0c0c0000000000000000000000003; name one of them by its "
                  "id");
  CAF_CHECK_EQUAL(found("a1b2"), to_string(errc::mismatch));
}

CAF_TEST(a device that is named like the id of another does not take it) {
  // The beginning of one device is the name of another.
  CAF_CHECK_EQUAL(found("a1b2c"), to_string(errc::mismatch));
  auto all = devices;
  all.push_back({id("f0f0f0f0000000000000000000000006"),
                 "a1b2c3d4000000000000000000000001"});
  CAF_CHECK(find_device("a1b2c3d4000000000000000000000001", all).value()
            == all.front().id);
}

CAF_TEST(a sentence names five candidates at most) {
  std::vector<named_device> many;
  for (uint8_t i = 0; i < 200; ++i) {
    named_device x{{}, "tv"};
    x.id.bytes[0] = i;
    many.push_back(x);
  }
  auto out = find_device("tv", many);
  CAF_REQUIRE(!out);
  CAF_CHECK(out.error().detail.starts_with("200 devices are called \"tv\": "));
  CAF_CHECK(out.error().detail.size() < 400);
}
