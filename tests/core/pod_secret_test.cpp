#define CAF_SUITE pod_secret

#include "core/pod_secret.hpp"

#include <caf/test/unit_test.hpp>

#include <algorithm>
#include <numeric>
#include <string>

using namespace peapod;

namespace {

/// The bytes 0, 1, 2 and so on.
pod_secret counting() {
  return pod_secret::generate([](std::span<uint8_t> to) {
    std::iota(to.begin(), to.end(), uint8_t{0});
  });
}

/// Outlives the secret, as checks need it.
std::string text_of(const pod_secret& x) {
  return std::string{x.text().view()};
}

constexpr std::string_view counting_text =
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

} // namespace

CAF_TEST(a secret has a text form that gives it back) {
  CAF_CHECK_EQUAL(text_of(counting()), counting_text);
  CAF_CHECK(pod_secret::from_text(counting_text).value() == counting());
  auto pasted = "  " + std::string{counting_text} + "\r\n";
  CAF_CHECK(pod_secret::from_text(pasted).value() == counting());
}

CAF_TEST(another text is no secret and is not repeated) {
  auto refused = [](std::string text) {
    auto out = pod_secret::from_text(text);
    CAF_REQUIRE(!out);
    CAF_CHECK(out.error().code == errc::bad_config);
    CAF_CHECK(text.size() < 8 || out.error().detail.find(text) == text.npos);
  };
  std::string text{counting_text};
  refused("");
  refused("secret");
  refused(text.substr(0, 43));
  refused(text + "A");
  refused(text.substr(0, 43) + "A"); // 33 bytes
  refused("_" + text.substr(1));
  refused(text.substr(0, 20) + " " + text.substr(21));
  refused(std::string(44, '\0'));
}

CAF_TEST(the key of handshakes follows from the secret) {
  // HMAC-SHA256 with other tools: temp = HMAC(secret, "peapod/2 psk"), then
  // HMAC(temp, 0x01).
  CAF_CHECK_EQUAL(
      to_hex(counting().psk().bytes()),
      "88c2af8483bfa8850d90dd3759eebe23435f00340a68a9a41ac140c51f733550");
  auto other = pod_secret::generate(
      [](std::span<uint8_t> to) { std::ranges::fill(to, uint8_t{1}); });
  CAF_CHECK(to_hex(other.psk().bytes()) != to_hex(counting().psk().bytes()));
  CAF_CHECK(!(other == counting()));
}

CAF_TEST(a passphrase and the name of the pod make the same secret everywhere) {
  constexpr std::string_view words = "correct horse battery staple";
  auto home = pod_secret::from_passphrase(words, "home").value();
  // Argon2id with other tools: 3 passes, 256 MiB, one lane, salt as documented.
  CAF_CHECK_EQUAL(text_of(home),
                  "cbSdnAX0w15XhDqR+edRjQFusJQhpulVzQ+aqJE+hek=");
  CAF_CHECK(pod_secret::from_passphrase(words, " Home ").value() == home);
  CAF_CHECK(!(pod_secret::from_passphrase(words, "office").value() == home));
}

CAF_TEST(what is too short or no name is refused before any work) {
  auto refused = [](std::string_view passphrase, std::string_view pod) {
    auto out = pod_secret::from_passphrase(passphrase, pod);
    CAF_REQUIRE(!out);
    CAF_CHECK(out.error().code == errc::bad_config);
  };
  refused("too short", "home");
  refused(std::string(1025, 'x'), "home");
  refused("correct horse battery staple", "");
  refused("correct horse battery staple", "  ");
  refused("correct horse battery staple", "zu\tHause");
  refused("correct horse battery staple", "Küche");
  refused("correct horse battery staple", std::string(65, 'x'));
}
