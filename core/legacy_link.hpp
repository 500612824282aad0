#pragma once

#include "core/peer_link.hpp"
#include "core/session.hpp"

#include <map>
#include <vector>

namespace peapod {

/// A peer that speaks protocol 1: ranges come and go as whole chunks
/// (PROTOCOL, Protocol 1).
class legacy_link final : public peer_link {
public:
  /// `self` must outlive the link.
  legacy_link(const identity& self, session_config config);

  void start(instant now) override;
  void receive(const slice& bytes, instant now) override;
  void admit(bool yes, instant now) override;
  void trust(bool yes, instant now) override;
  void leave(wire2::goodbye_reason why, error reason) override;
  std::optional<instant> deadline() const override;
  void expire(instant now) override;
  bool is_closed() const override;
  bool is_secure() const override {
    return false;
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

private:
  /// A range that we asked for.
  struct wanted {
    range_ask what;
    bool called_off = false;
  };

  /// A range that the peer asked for.
  struct served {
    chunk_request what;
    byte_buffer bytes{};
    unsigned status = 0;
    representation found{};
  };

  void pump();
  void open(const wire_message& first);
  void limit_frames();
  bool is_behind() const;
  std::map<ask_id, wanted>::iterator find(const transfer_id& transfer,
                                          byte_range range);
  void settle(std::map<ask_id, wanted>::iterator i,
              std::optional<chunk_failure> failure, std::string reason = {});

  void on(chunk_data& x, bool hash_matches);
  void on(nack& x, bool);
  void on(chunk_request& x, bool);
  void on(join& x, bool);
  void on(struct leave& x, bool);
  template <class T>
  void on(T&, bool) {
    // Heartbeats count in the session; the rest says nothing on a connection.
  }

  const identity* self_;
  session core_;
  device_id device_;
  public_key key_;
  bool opened_ = false;
  bool foreign_ = true;
  bool has_views_ = false;
  bool ready_ = false;
  bool awaits_view_ = false;
  std::map<ask_id, wanted> wants_;
  std::map<ask_id, served> serves_;
  std::vector<chunk_request> early_; ///< what came before it was trusted
  ask_id next_serve_ = 1;
};

} // namespace peapod
