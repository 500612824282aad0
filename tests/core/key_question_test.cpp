#define CAF_SUITE key_question

#include "core/secure_session.hpp"

#include <random>

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace std::chrono_literals;

namespace {

constexpr instant now{1h};

random_source seeded(unsigned seed) {
  return [engine = std::mt19937{seed}](std::span<uint8_t> out) mutable {
    for (auto& byte : out)
      byte = static_cast<uint8_t>(engine());
  };
}

/// A connector that does not know who answers, and what it does.
struct connector {
  identity self = identity::generate(seeded(1));
  identity other = identity::generate(seeded(2));
  std::optional<secure_session> session;
  std::string written;
  std::optional<error> closed;

  void ask(std::optional<device_id> expected) {
    secure_session_config config;
    config.expected_device = expected;
    session.emplace(self, std::move(config), seeded(3));
    session->start(now);
    drain();
  }

  void answer(const public_key& key) {
    auto& bytes = key.bytes;
    session->receive(slice{byte_buffer(bytes.begin(), bytes.end())}, now);
    drain();
  }

  void drain() {
    while (auto x = session->poll())
      if (auto* out = std::get_if<write_bytes>(&*x)) {
        for (auto& bytes : out->bytes)
          written += bytes.text();
      } else if (auto* end = std::get_if<session_closed>(&*x)) {
        closed = end->reason;
      }
  }
};

} // namespace

CAF_TEST(whoever answers is taken where nobody is expected) {
  connector x;
  x.ask({});
  CAF_CHECK_EQUAL(x.written, "?");
  x.answer(x.other.key());
  CAF_CHECK(!x.closed);
  CAF_CHECK(x.written.starts_with("?\x02"));
}

CAF_TEST(who is expected is taken) {
  connector x;
  x.ask(x.other.device());
  x.answer(x.other.key());
  CAF_CHECK(!x.closed);
  CAF_CHECK(x.written.starts_with("?\x02"));
}

CAF_TEST(nobody else is told more than the question) {
  connector x;
  x.ask(identity::generate(seeded(4)).device());
  x.answer(x.other.key());
  CAF_REQUIRE(x.closed.has_value());
  CAF_CHECK(x.closed->code == errc::policy_refused);
  CAF_CHECK(x.closed->detail.find(to_string(x.other.device()))
            != std::string::npos);
  CAF_CHECK_EQUAL(x.written, "?");
}
