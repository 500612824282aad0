#include "core/transfer.hpp"

#include <algorithm>
#include <utility>

/// Whether what sources brought is what the origin has, and what follows.
namespace peapod {

namespace {

constexpr auto differs =
    "what a peer brought differs from what the origin says";

/// Who sets this many percent wants each block compared, whoever waits.
constexpr unsigned strict = 100;

/// Bytes that go out after somebody has waited for a sample before the next one
/// is taken: a quarter of what lies between two samples.
uint64_t first_pause(unsigned percent) {
  return spot_choice::block_size * 100 / std::max(percent, 1u) / 4;
}

/// The same, after an origin wanted fewer requests.
constexpr uint64_t first_busy_pause = 16_MiB;

} // namespace

std::string_view to_string(rung x) {
  switch (x) {
    case rung::validator:
      return "validator";
    case rung::audit:
      return "audit";
    case rung::digest:
      return "digest";
  }
  return "unknown";
}

rung transfer::stands_on() const {
  if (digest_)
    return rung::digest;
  return sampled_ ? rung::audit : rung::validator;
}

// -- samples ------------------------------------------------------------------

void transfer::sample(const device_id& source, uint64_t offset,
                      const slice& bytes, standing how) {
  if (source == config_.own)
    return;
  sampled_ = sampled_ || how == standing::foreign
             || (how == standing::claimed && config_.audit > 0);
  for (auto part : parts_.missing({offset, offset + bytes.size()})) {
    auto piece = bytes.sub(part.begin - offset, part.size());
    // Of use at the end, when nobody can be asked about all of it any more.
    if (how == standing::foreign || digest_)
      audit_.add(source, part.begin, piece);
    if (how == standing::vouched || own_silent_)
      continue;
    // What is far ahead is compared before anybody waits for it.
    auto head = parts_.head();
    auto from = head + (std::max(parts_.bound(), part.end) - head) / 2;
    for (auto spot : spots_.choose(source, part, from, room_for_samples()))
      compared_.add(source, spot.begin,
                    piece.sub(spot.begin - part.begin, spot.size()), true);
  }
}

/// Samples are taken only as fast as the own line compares them.
spot_choice::room transfer::room_for_samples() const {
  if (parts_.head() < busy_until_)
    return spot_choice::room::none;
  if (config_.audit >= strict)
    return spot_choice::room::all;
  if (compared_.size() >= 2 * comparison::max_questions)
    return spot_choice::room::none;
  return parts_.head() < quiet_until_ ? spot_choice::room::first
                                      : spot_choice::room::all;
}

/// When the client has had to wait for a sample, the next ones come later, and
/// later each time, until it need not wait any more.
void transfer::note_wait(uint64_t barrier) {
  auto head = parts_.head();
  if (barrier != head || !parts_.ready() || head < quiet_until_
      || compared_.first_held() != head)
    return;
  pause_ = std::max(first_pause(config_.audit), 2 * pause_);
  quiet_until_ = head + pause_;
}

void transfer::ask_rechecks() {
  while (auto x = compared_.poll())
    actions_.push_back(recheck{x->number, x->range, x->again, x->holds});
}

/// Foreign bytes are released only when all samples of them were compared.
void transfer::recheck_foreign() {
  if (unverified_.empty() || rechecked_ || !parts_.complete())
    return;
  if (!std::exchange(rechecking_, true))
    for (auto& x : audit_.samples())
      compared_.add(x.source, x.offset, x.bytes, false);
  if (compared_.others() > 0)
    return;
  rechecked_ = true;
  for (auto& [source, bytes] : unverified_)
    ledger_.rechecked += bytes;
}

// -- answers ------------------------------------------------------------------

void transfer::rechecked(uint64_t number, const slice& bytes) {
  if (ended_)
    return;
  if (auto found = compared_.answered(number, bytes))
    take(*found);
  advance();
}

void transfer::not_rechecked(uint64_t number, const std::string& why,
                             bool busy) {
  if (ended_)
    return;
  auto found = compared_.unanswered(number);
  if (!found)
    return;
  if (found->what == comparison::verdict::unanswered && !found->holds
      && !judging_) {
    fail(make_error(errc::mismatch,
                    "what a peer brought could not be confirmed: " + why));
    return;
  }
  if (busy) {
    busy_pause_ = busy_pause_ == 0 ? first_busy_pause : 2 * busy_pause_;
    busy_until_ = parts_.head() + busy_pause_;
  }
  take(*found);
  advance();
}

void transfer::version_differs(const std::string& why) {
  if (ended_ || alone_)
    return;
  auto error = make_error(errc::mismatch,
                          "what a peer brought could not be confirmed: " + why);
  if (judging_)
    fail(std::move(error));
  else
    take_contradiction(std::move(error));
  advance();
}

void transfer::spoiled(const device_id& source) {
  if (ended_)
    return;
  ++ledger_.lies;
  take_lie(source);
  advance();
}

void transfer::take(const comparison::finding& found) {
  switch (found.what) {
    case comparison::verdict::same:
      ++ledger_.samples;
      passed_.insert(found.source);
      if (found.holds && parts_.head() < found.range.begin)
        pause_ /= 2;
      break;
    case comparison::verdict::lied:
      ++ledger_.lies;
      take_lie(found.source);
      break;
    case comparison::verdict::inconsistent:
      if (!judging_)
        take_contradiction(make_error(errc::mismatch,
                                      "the origin gave different bytes for one "
                                      "range of one version"));
      break;
    case comparison::verdict::unanswered:
      own_silent_ = true;
      ledger_.unchecked += 1 + compared_.release();
      break;
  }
  if (judging_ && !ended_ && compared_.others() == 0)
    fail(make_error(errc::integrity_failed,
                    "the body does not have the hash that the origin "
                    "announced; "
                        + std::string{liars_.empty()
                                          ? "no sample tells whose bytes are "
                                            "wrong"
                                          : differs}));
}

/// The source is set aside, and what is here of it goes. What the client has of
/// it can only be told wrong by the hash of the whole, or by ending the body.
void transfer::take_lie(const device_id& source) {
  liars_.insert(source);
  compared_.forget(source);
  audit_.forget(source);
  unverified_.erase(source);
  std::vector<byte_range> dropped;
  bool behind_spine = drop(source, dropped);
  actions_.push_back(accuse{source, std::move(dropped)});
  if (judging_)
    return;
  if (handed_out_.contains(source) && !digest_) {
    fail(make_error(errc::mismatch, differs));
    return;
  }
  rechecking_ = false;
  // The spine has passed there: ranges bring it.
  if (behind_spine && std::exchange(spine_alive_, false)) {
    spine_reading_ = false;
    actions_.push_back(stop_spine{});
  }
}

/// Forgets what waits of `source`; returns whether the spine has passed any.
bool transfer::drop(const device_id& source, std::vector<byte_range>& dropped) {
  auto& ranges = waiting_[source];
  for (auto x = ranges.first_from(parts_.head()); x;
       x = ranges.first_from(x->end)) {
    parts_.remove(*x);
    not_spine_.erase(*x);
    ledger_.bytes_by_source[source] -= x->size();
    ledger_.wasted += x->size();
    dropped.push_back(*x);
  }
  waiting_.erase(source);
  return !dropped.empty() && dropped.front().begin < spine_;
}

/// Ranges of such an origin do not fit together. Its first answer is one, and
/// all that the client needs, as long as nothing else is mixed into it: neither
/// what the spine has passed nor what was handed out ahead of it.
void transfer::take_contradiction(error why) {
  byte_range settled{parts_.body().begin, std::max(spine_, parts_.head())};
  if (!spine_alive_ || not_spine_.intersects(settled)) {
    fail(std::move(why));
    return;
  }
  alone_ = true;
  compared_.clear();
  unverified_.clear();
  auto throw_away = [this](const device_id& source, const interval_set& x) {
    ledger_.bytes_by_source[source] -= x.size();
    ledger_.wasted += x.size();
  };
  if (auto ahead = not_spine_.bound(); ahead > spine_)
    parts_.remove({spine_, ahead});
  // What is in it and waits for nothing is the own line's.
  for (auto& [source, ranges] : std::exchange(waiting_, {})) {
    throw_away(source, ranges);
    for (auto x = ranges.first_from(0); x; x = ranges.first_from(x->end))
      not_spine_.erase(*x);
  }
  throw_away(config_.own, std::exchange(not_spine_, {}));
  actions_.push_back(go_alone{});
}

// -- what goes out ------------------------------------------------------------

void transfer::note_handed_out(byte_range part) {
  for (auto i = waiting_.begin(); i != waiting_.end();) {
    if (i->second.intersects(part)) {
      handed_out_.insert(i->first);
      i->second.erase(part);
    }
    i = i->second.empty() ? waiting_.erase(i) : std::next(i);
  }
}

/// The last bytes stay here. Who brought wrong ones is looked for, so that it
/// brings no more of them.
void transfer::judge_wrong_digest() {
  judging_ = true;
  compared_.clear();
  for (auto& x : audit_.samples())
    compared_.add(x.source, x.offset, x.bytes, false);
  if (compared_.others() > 0)
    ask_rechecks();
  else
    fail(make_error(errc::integrity_failed,
                    "the body does not have the hash that the origin "
                    "announced"));
}

} // namespace peapod
