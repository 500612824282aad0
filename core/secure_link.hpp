#pragma once

#include "core/integrity.hpp"
#include "core/pairing.hpp"
#include "core/peer_link.hpp"
#include "core/secure_session.hpp"

#include <map>
#include <optional>

namespace peapod {

/// A peer that speaks protocol 2: ranges come and go in parts, and only between
/// devices that trust each other (PROTOCOL, Protocol 2).
class secure_link final : public peer_link {
public:
  /// `self` must outlive the link. `waiting_timeout` is how long people have
  /// to compare codes.
  secure_link(const identity& self, secure_session_config config,
              random_source random,
              duration waiting_timeout = std::chrono::minutes(10));

  void start(instant now) override;
  void receive(const slice& bytes, instant now) override;
  void admit(bool yes, instant now) override;
  void trust(bool yes, instant now) override;
  void leave(wire2::goodbye_reason why, error reason) override;
  std::optional<instant> deadline() const override;
  void expire(instant now) override;
  bool is_closed() const override;
  bool is_secure() const override {
    return true;
  }

  result<void> ask(const range_ask& x) override;
  void call_off(ask_id id) override;
  result<void> ask_view() override;

  void bring(ask_id id, unsigned status, const representation& found,
             uint64_t offset, const slice& bytes) override;
  void finish(ask_id id) override;
  void refuse(ask_id id, const range_refusal& x) override;
  void show_view(std::string text) override;
  void offer(const wire2::sharing& x) override;
  void show_egress(const std::vector<egress_tags>& lines) override;

  result<tunnel_number> open_tunnel(const host_port& target) override;
  void accept_tunnel(tunnel_number id) override;
  void send_through_tunnel(tunnel_number id, const slice& bytes) override;
  void take_from_tunnel(tunnel_number id, uint64_t bytes) override;
  void end_tunnel(tunnel_number id, wire2::tunnel_end how,
                  std::string detail) override;

private:
  /// A range that we asked for; it is checked as it comes.
  struct wanted {
    range_ask what;
    uint64_t next = 0; ///< offset of the next part
    bool has_head = false;
    std::optional<sha256_hasher> hash{}; ///< nothing without a hash
  };

  /// A range that the peer asked for.
  struct served {
    range_ask what;
    uint64_t next = 0;
    bool has_head = false;
    std::optional<sha256_hasher> hash{}; ///< nothing without a hash
  };

  using want_iterator = std::map<uint32_t, wanted>::iterator;

  bool is_ready() const {
    return trusts_ && is_welcome_;
  }

  void pump(instant now);
  void open(secure_established& x);
  void become_ready();
  void pair(instant now);
  void pump_pairing();
  void misbehaves(std::string how);
  void say(const wire2::message& x);
  std::optional<sha256_hasher> new_hash() const;
  want_iterator find(wire2::exchange_id id);
  bool may_ask(uint32_t id);
  bool is_good(tunnel_table::verdict x);
  void settle(want_iterator i, std::optional<chunk_failure> failure,
              std::string reason,
              std::optional<duration> retry_after = std::nullopt);
  void give_up(want_iterator i, chunk_failure failure, std::string reason);

  void on(wire2::fetch& x, instant now);
  void on(wire2::fetch_head& x, instant now);
  void on(wire2::part& x, instant now);
  void on(wire2::fetch_done& x, instant now);
  void on(wire2::fetch_failed& x, instant now);
  void on(wire2::cancel& x, instant now);
  void on(wire2::sharing& x, instant now);
  void on(wire2::goodbye& x, instant now);
  void on(wire2::pairing_commit& x, instant now);
  void on(wire2::pairing_reveal& x, instant now);
  void on(wire2::welcome& x, instant now);
  void on(wire2::view_question& x, instant now);
  void on(wire2::view_piece& x, instant now);
  void on(wire2::egress& x, instant now);
  void on(wire2::open_tunnel& x, instant now);
  void on(wire2::tunnel_opened& x, instant now);
  void on(wire2::tunnel_data& x, instant now);
  void on(wire2::close_tunnel& x, instant now);
  void on(wire2::credit& x, instant now);
  template <class T>
  void on(T&, instant) {
    // Ping and Pong, which the session keeps to itself.
  }

  session_role role_;
  random_source random_;
  duration waiting_timeout_;
  bool hashes_; ///< a range ends with its hash
  secure_session core_;
  digest hash_; ///< of the handshake
  bool opened_ = false;
  bool trusts_ = false;     ///< we want the peer
  bool is_welcome_ = false; ///< the peer wants us
  std::optional<instant> waits_since_;
  std::optional<pairing> pairing_;
  bool has_views_ = false;
  bool has_tunnels_ = false;
  bool awaits_view_ = false;
  size_t told_ = 0;  ///< how often it said something of itself, lately
  byte_buffer view_; ///< what has come of the answer
  uint32_t next_id_; ///< even for an initiator, odd for a responder
  std::map<uint32_t, wanted> wants_;
  std::map<ask_id, uint32_t> numbers_; ///< of our asks
  std::map<uint32_t, served> serves_;
  tunnel_table tunnels_;
};

} // namespace peapod
