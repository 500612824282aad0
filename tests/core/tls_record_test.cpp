#define CAF_SUITE tls_record

#include "core/tls_record.hpp"
#include "core/types.hpp"

#include <caf/test/dsl.hpp>

#include <string_view>

using namespace peapod;

namespace {

byte_buffer record(uint8_t type, byte_buffer content) {
  byte_buffer out{type, 3, 1, static_cast<uint8_t>(content.size() >> 8),
                  static_cast<uint8_t>(content.size() & 0xff)};
  out.insert(out.end(), content.begin(), content.end());
  return out;
}

byte_buffer hello() {
  return record(22, {1, 0, 0, 3, 3, 3, 7});
}

byte_buffer operator+(byte_buffer x, const byte_buffer& y) {
  x.insert(x.end(), y.begin(), y.end());
  return x;
}

byte_buffer text(std::string_view x) {
  return {x.begin(), x.end()};
}

} // namespace

CAF_TEST(a client that begins with TLS is told from all others) {
  CAF_CHECK(opening_of(hello()) == opening::hello);
  CAF_CHECK(opening_of({}) == opening::unknown);
  for (size_t size = 1; size <= 5; ++size) {
    auto part = hello();
    part.resize(size);
    CAF_CHECK(opening_of(part) == opening::unknown);
  }
  CAF_CHECK(opening_of(text("G")) == opening::other);
  CAF_CHECK(opening_of(text("GET / HTTP/1.1\r\n")) == opening::other);
  CAF_CHECK(opening_of(text("SSH-2.0-x\r\n")) == opening::other);
  CAF_CHECK(opening_of(record(22, {2, 0})) == opening::other); // ServerHello
  CAF_CHECK(opening_of(record(23, {1, 0})) == opening::other);
  CAF_CHECK(opening_of(byte_buffer{22, 2}) == opening::other);
}

CAF_TEST(only an unanswered handshake may be sent again) {
  CAF_CHECK(may_be_replayed({}));
  CAF_CHECK(may_be_replayed(hello()));
  CAF_CHECK(may_be_replayed(hello() + record(20, {1})));
  CAF_CHECK(may_be_replayed(hello() + hello()));
  // Early data may be a request that must not happen twice.
  CAF_CHECK(!may_be_replayed(hello() + record(20, {1}) + record(23, {9, 9})));
  CAF_CHECK(!may_be_replayed(text("POST / HTTP/1.1\r\n\r\n")));
  // A record that is not whole is the beginning of one.
  auto part = hello();
  part.resize(part.size() - 2);
  CAF_CHECK(may_be_replayed(part));
  // What cannot be told apart is not sent again.
  CAF_CHECK(!may_be_replayed(hello() + byte_buffer{23}));
  CAF_CHECK(!may_be_replayed(hello() + byte_buffer{22, 9, 9, 0, 0}));
}

CAF_TEST(a server that only says no is recognised) {
  CAF_CHECK(is_alert_only(record(21, {2, 40})));
  CAF_CHECK(!is_alert_only({}));
  CAF_CHECK(!is_alert_only(record(22, {2, 0, 0, 0})));
  CAF_CHECK(!is_alert_only(record(21, {2, 40}) + record(22, {2})));
}
