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
    audit_(random),
    spots_(cfg.audit, std::move(random)),
    spine_(body.begin),
    credit_(cfg.in_flight) {
  if (config_.digest)
    digest_.emplace(*config_.digest);
  advance();
}

// -- events -------------------------------------------------------------------

void transfer::spine_arrived(const slice& bytes) {
  spine_reading_ = false;
  count(config_.own, spine_, parts_.insert(spine_, bytes), bytes.size());
  spine_ += bytes.size();
  own_silent_ = false;
  advance();
}

void transfer::spine_ended() {
  spine_alive_ = spine_reading_ = false;
  if (alone_ && !parts_.complete())
    fail(make_error(errc::mismatch, "the origin contradicts itself, and its "
                                    "first answer has ended early"));
  advance();
}

void transfer::spine_dropped(uint64_t received) {
  auto read = spine_ - parts_.body().begin;
  ledger_.wasted += received - std::min(received, read);
}

void transfer::chunk_arrived(const device_id& source, uint64_t offset,
                             const slice& bytes, standing how) {
  if (ended_ || alone_ || liars_.contains(source)) {
    ledger_.wasted += bytes.size();
    return;
  }
  if (source == config_.own) {
    own_brings_ = true;
    own_silent_ = false;
    how = standing::vouched;
  }
  sample(source, offset, bytes, how);
  for (auto part : parts_.missing({offset, offset + bytes.size()})) {
    not_spine_.insert(part);
    if (source != config_.own)
      waiting_[source].insert(part);
  }
  auto added = parts_.insert(offset, bytes);
  count(source, offset, added, bytes.size());
  if (how == standing::foreign && added > 0)
    unverified_[source] += added;
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
  outstanding_ -= std::min(bytes, outstanding_);
  advance();
}

void transfer::fail(error why) {
  if (std::exchange(ended_, true))
    return;
  compared_.clear();
  std::erase_if(actions_,
                [](auto& x) { return !std::holds_alternative<accuse>(x); });
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
  recheck_foreign();
  ask_rechecks();
  auto limit = barrier();
  while (!judging_ && is_enough(credit_, config_.in_flight)) {
    auto part = parts_.next(credit_, limit);
    if (part.empty() || !hand_out(std::move(part)))
      break;
  }
  note_wait(limit);
  advance_spine();
}

/// The offset of the first byte that may not be handed out yet.
uint64_t transfer::barrier() {
  auto end = parts_.body().end;
  auto out = end;
  // What nobody vouches for is released only after a recheck.
  if (!unverified_.empty() && !rechecked_)
    out -= std::min(config_.hold_back, parts_.body().size());
  if (auto held = compared_.first_held())
    out = std::min(out, *held);
  // Nothing of a source goes out before one of its samples was right.
  for (auto& [source, ranges] : waiting_)
    if (!passed_.contains(source) && compared_.holds(source))
      if (auto first = ranges.first_from(parts_.head()))
        out = std::min(out, first->begin);
  return out;
}

/// Returns whether more may follow. The last bytes go out only when all have
/// the hash that the origin announced.
bool transfer::hand_out(slice part) {
  auto head = parts_.head();
  note_handed_out({head - part.size(), head});
  bool last = parts_.finished();
  if (digest_) {
    digest_->update(part.bytes());
    if (last && !digest_fits_) {
      digest_fits_ = digest_->matches();
      // The client would get the same bytes without us.
      if (!*digest_fits_ && !handed_out_.empty()) {
        judge_wrong_digest();
        return false;
      }
    }
  }
  credit_ -= part.size();
  outstanding_ += part.size();
  ended_ = last;
  actions_.push_back(deliver{std::move(part), ended_});
  return true;
}

void transfer::advance_spine() {
  if (!spine_alive_)
    return;
  bool handed_over =
      spine_limit_ && own_brings_ && spine_ >= *spine_limit_ && !alone_;
  if (ended_ || parts_.complete() || handed_over) {
    spine_alive_ = false;
    actions_.push_back(stop_spine{});
  } else if (!spine_reading_ && is_enough(credit_, config_.in_flight)) {
    spine_reading_ = true;
    actions_.push_back(read_spine{});
  }
}

void transfer::count(const device_id& source, uint64_t offset, uint64_t added,
                     uint64_t size) {
  if (added > 0)
    map_.add(source, {offset, offset + size});
  ledger_.bytes_by_source[source] += added;
  ledger_.wasted += size - added;
}

} // namespace peapod
