#include "core/stun.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace peapod {

namespace {

using namespace std::chrono_literals;

// -- the message (RFC 8489, 5) ------------------------------------------------

constexpr size_t header_size = 20;
constexpr std::array<uint8_t, 4> cookie = {0x21, 0x12, 0xa4, 0x42};

constexpr uint16_t binding_request = 0x0001;
constexpr uint16_t binding_success = 0x0101;
constexpr uint16_t binding_error = 0x0111;

// -- attributes (RFC 8489, 18.3) ----------------------------------------------

constexpr uint16_t mapped_address = 0x0001;
constexpr uint16_t error_code = 0x0009;
constexpr uint16_t xor_mapped_address = 0x0020;

/// Attributes below must be understood (RFC 8489, 14). Those that are defined
/// say nothing that matters here.
constexpr uint16_t first_optional = 0x8000;
constexpr uint16_t last_defined = 0x0020;

constexpr uint8_t family_v4 = 1;
constexpr uint8_t family_v6 = 2;

// -- retransmission (RFC 8489, 6.2.1) -----------------------------------------

constexpr duration first_timeout = 500ms;
constexpr unsigned most_sent = 7;
constexpr duration last_timeout = 16 * first_timeout;

uint16_t number_at(std::span<const uint8_t> in, size_t at) {
  return static_cast<uint16_t>(in[at] << 8 | in[at + 1]);
}

error broken(const char* how) {
  return make_error(errc::bad_http,
                    std::string{"the STUN server's answer is broken: "} + how);
}

/// An address of `in`, which is covered with `mask` (RFC 8489, 14.1, 14.2).
result<stun_answer> read_address(std::span<const uint8_t> in,
                                 std::span<const uint8_t> mask) {
  constexpr size_t address_at = 4;
  if (in.size() < address_at)
    return broken("an address is too short");
  auto read = [&]<size_t Size>(std::array<uint8_t, Size> out) {
    for (size_t i = 0; i < Size; ++i)
      out[i] = in[address_at + i] ^ (mask.empty() ? 0 : mask[i]);
    return ip_address{out};
  };
  stun_answer out;
  out.port = number_at(in, 2);
  if (!mask.empty())
    out.port ^= number_at(mask, 0);
  auto size = in.size() - address_at;
  if (in[1] == family_v4 && size == 4)
    out.address = read(std::array<uint8_t, 4>{});
  else if (in[1] == family_v6 && size == 16)
    out.address = read(std::array<uint8_t, 16>{});
  else
    return broken("an address of no family");
  return out;
}

/// The code of a refusal (RFC 8489, 14.8).
error refusal(std::span<const uint8_t> in) {
  auto code = in.size() < 4 ? 0 : (in[2] & 7) * 100 + in[3];
  return make_error(errc::origin_refused, "the STUN server refuses with code "
                                              + std::to_string(code));
}

/// Calls `take(type, value)` for each attribute until it says no; false when
/// they do not fill `in`.
template <class Take>
bool each_attribute(std::span<const uint8_t> in, Take take) {
  while (in.size() >= 4) {
    auto type = number_at(in, 0);
    size_t length = number_at(in, 2);
    auto padded = (length + 3) / 4 * 4;
    if (padded > in.size() - 4)
      return false;
    if (!take(type, in.subspan(4, length)))
      return true;
    in = in.subspan(4 + padded);
  }
  return in.empty();
}

/// The cookie and the id, which addresses are covered with.
std::array<uint8_t, 16> mask_of(const stun_id& id) {
  std::array<uint8_t, 16> out{};
  auto rest = std::ranges::copy(cookie, out.begin()).out;
  std::ranges::copy(id.bytes, rest);
  return out;
}

result<stun_answer> read_success(std::span<const uint8_t> in,
                                 const stun_id& id) {
  auto mask = mask_of(id);
  std::optional<result<stun_answer>> plain;
  std::optional<result<stun_answer>> covered;
  bool unknown = false;
  // Of attributes that come twice the first counts (RFC 8489, 14).
  bool whole = each_attribute(in, [&](uint16_t type, auto value) {
    if (type == xor_mapped_address && !covered)
      covered = read_address(value, mask);
    else if (type == mapped_address && !plain)
      plain = read_address(value, {});
    unknown |= type > last_defined && type < first_optional;
    return true;
  });
  if (!whole)
    return broken("its attributes do not fit");
  if (unknown)
    return broken("it has an attribute that has to be understood");
  if (!covered && !plain)
    return broken("it has no address");
  return covered ? *covered : *plain;
}

} // namespace

std::array<uint8_t, 20> make_stun_request(const stun_id& id) {
  std::array<uint8_t, header_size> out{};
  out[1] = binding_request;
  auto rest = std::ranges::copy(cookie, out.begin() + 4).out;
  std::ranges::copy(id.bytes, rest);
  return out;
}

result<stun_answer> read_stun_answer(std::span<const uint8_t> in,
                                     const stun_id& id) {
  auto ignored = make_error(errc::not_found, "no answer to the question");
  if (in.size() < header_size || !std::ranges::equal(in.subspan(4, 4), cookie)
      || !std::ranges::equal(in.subspan(8, stun_id::size), id.bytes))
    return ignored;
  auto type = number_at(in, 0);
  if (type != binding_success && type != binding_error)
    return ignored;
  if (number_at(in, 2) != in.size() - header_size)
    return broken("its length is wrong");
  auto attributes = in.subspan(header_size);
  if (type == binding_success)
    return read_success(attributes, id);
  std::span<const uint8_t> code;
  bool whole = each_attribute(attributes, [&](uint16_t type, auto value) {
    if (type == error_code)
      code = value;
    return type != error_code;
  });
  return whole ? refusal(code) : broken("its attributes do not fit");
}

// -- the question -------------------------------------------------------------

void stun_query::start(instant now) {
  timeout_ = first_timeout;
  due_ = true;
  sent_ = 1;
  next_ = now + timeout_;
}

void stun_query::receive(std::span<const uint8_t> in) {
  if (outcome_ || sent_ == 0)
    return;
  auto answer = read_stun_answer(in, id_);
  if (answer || answer.error().code != errc::not_found)
    outcome_ = std::move(answer);
}

std::optional<std::array<uint8_t, 20>> stun_query::poll() {
  if (outcome_ || !std::exchange(due_, false))
    return std::nullopt;
  return make_stun_request(id_);
}

std::optional<instant> stun_query::deadline() const {
  return outcome_ || sent_ == 0 ? std::nullopt : std::optional{next_};
}

void stun_query::expire(instant now) {
  if (outcome_ || sent_ == 0 || now < next_)
    return;
  if (sent_ == most_sent) {
    outcome_ = make_error(errc::timed_out, "the STUN server does not answer");
    return;
  }
  ++sent_;
  due_ = true;
  timeout_ *= 2;
  next_ = now + (sent_ == most_sent ? last_timeout : timeout_);
}

} // namespace peapod
