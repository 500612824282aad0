#pragma once

#include "core/address_policy.hpp"
#include "core/error.hpp"
#include "core/types.hpp"

#include <array>
#include <optional>
#include <span>

/// As much of STUN (RFC 8489) as it takes to learn one's public address.
namespace peapod {

/// Names one question, so that only its answer is taken (RFC 8489, 5).
using stun_id = raw_id<struct stun_id_tag, 12>;

/// A Binding request without attributes (RFC 8489, 6.1).
std::array<uint8_t, 20> make_stun_request(const stun_id& id);

/// Where a question came from.
struct stun_answer {
  ip_address address; ///< as the server saw it
  uint16_t port = 0;

  bool operator==(const stun_answer&) const = default;
};

/// Reads a server's datagram. Errors: `not_found` for what is no answer to `id`
/// and is to be ignored; `origin_refused` when the server refuses, with its
/// code; `bad_http` for an answer that breaks the rules, or has no address.
result<stun_answer> read_stun_answer(std::span<const uint8_t> in,
                                     const stun_id& id);

/// Machine: one question over UDP, repeated until it is answered (RFC 8489,
/// 6.2.1).
class stun_query {
public:
  explicit stun_query(const stun_id& id) : id_(id) {}

  void start(instant now);

  /// A datagram from the server.
  void receive(std::span<const uint8_t> in);

  /// The request, each time that it is to be sent.
  std::optional<std::array<uint8_t, 20>> poll();

  /// When to call `expire`; nothing once it has ended.
  std::optional<instant> deadline() const;

  void expire(instant now);

  /// How it has ended, if it has. Errors: those of `read_stun_answer` but
  /// `not_found`, and `timed_out`.
  const std::optional<result<stun_answer>>& outcome() const {
    return outcome_;
  }

private:
  stun_id id_;
  unsigned sent_ = 0;
  bool due_ = false; ///< to be sent
  duration timeout_{};
  instant next_{};
  std::optional<result<stun_answer>> outcome_;
};

} // namespace peapod
