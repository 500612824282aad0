#include "core/transfer.hpp"

#include <algorithm>
#include <utility>

namespace peapod {

namespace {

/// Whether so much credit is worth a piece. It comes back in the pieces that
/// were handed out: if every bit of it were used at once, they would be cut
/// smaller and smaller (the silly window of RFC 9293, 3.8.6.2).
bool is_enough(uint64_t credit, uint64_t in_flight) {
  return credit > 0 && credit >= in_flight / 4;
}

} // namespace

transfer::transfer(byte_range body, config cfg, random_source random)
  : config_(cfg),
    parts_(body),
    map_(body),
    audit_(std::move(random)),
    spine_(body.begin),
    credit_(cfg.in_flight) {
  advance();
}

// -- events -------------------------------------------------------------------

void transfer::spine_arrived(const slice& bytes) {
  spine_reading_ = false;
  count(config_.own, spine_, parts_.insert(spine_, bytes), bytes.size());
  spine_ += bytes.size();
  advance();
}

void transfer::spine_ended() {
  spine_alive_ = spine_reading_ = false;
  advance();
}

void transfer::chunk_arrived(const device_id& source, uint64_t offset,
                             const slice& bytes, bool verified) {
  if (!verified)
    for (auto part : parts_.missing({offset, offset + bytes.size()}))
      audit_.add(source, part.begin,
                 bytes.sub(part.begin - offset, part.size()));
  auto added = parts_.insert(offset, bytes);
  count(source, offset, added, bytes.size());
  if (!verified)
    unverified_ += added;
  if (source == config_.own)
    own_brings_ = true;
  advance();
}

void transfer::switch_planned(uint64_t limit) {
  spine_limit_ = limit;
  advance();
}

void transfer::hedged(uint64_t bytes) {
  ledger_.hedged += bytes;
}

void transfer::client_took(uint64_t bytes) {
  credit_ += bytes;
  advance();
}

void transfer::rechecked(const slice& bytes) {
  if (ended_ || to_recheck_.empty())
    return;
  if (bytes.text() != to_recheck_.back().bytes.text()) {
    fail(make_error(errc::mismatch,
                    "what a peer brought differs from what the origin says"));
    return;
  }
  to_recheck_.pop_back();
  if (!to_recheck_.empty()) {
    ask_recheck();
    return;
  }
  rechecked_ = true;
  ledger_.rechecked = unverified_;
  advance();
}

void transfer::fail(error why) {
  if (std::exchange(ended_, true))
    return;
  actions_.clear();
  if (std::exchange(spine_alive_, false))
    actions_.push_back(stop_spine{});
  actions_.push_back(abort{std::move(why)});
}

// -- machine ------------------------------------------------------------------

std::optional<transfer::action> transfer::poll() {
  if (actions_.empty())
    return std::nullopt;
  auto out = std::move(actions_.front());
  actions_.pop_front();
  return out;
}

void transfer::advance() {
  if (ended_)
    return;
  // What nobody vouches for is released only after a recheck.
  bool must_recheck = unverified_ > 0 && !rechecked_;
  auto end = parts_.body().end;
  auto barrier = must_recheck
                     ? end - std::min(config_.hold_back, parts_.body().size())
                     : end;
  if (must_recheck && parts_.complete() && !std::exchange(rechecking_, true)) {
    to_recheck_ = audit_.samples();
    ask_recheck();
  }
  while (is_enough(credit_, config_.in_flight)) {
    auto part = parts_.next(credit_, barrier);
    if (part.empty())
      break;
    credit_ -= part.size();
    ended_ = parts_.finished();
    actions_.push_back(deliver{std::move(part), ended_});
  }
  if (!spine_alive_)
    return;
  bool handed_over = spine_limit_ && own_brings_ && spine_ >= *spine_limit_;
  if (ended_ || parts_.complete() || handed_over) {
    spine_alive_ = false;
    actions_.push_back(stop_spine{});
  } else if (!spine_reading_ && is_enough(credit_, config_.in_flight)) {
    spine_reading_ = true;
    actions_.push_back(read_spine{});
  }
}

void transfer::ask_recheck() {
  actions_.push_back(recheck{to_recheck_.back().range()});
}

void transfer::count(const device_id& source, uint64_t offset, uint64_t added,
                     uint64_t size) {
  if (added > 0)
    map_.add(source, {offset, offset + size});
  ledger_.bytes_by_source[source] += added;
  ledger_.wasted += size - added;
}

} // namespace peapod
