#include "core/own_first.hpp"

#include <algorithm>
#include <cmath>

namespace peapod {

namespace {

using namespace std::chrono_literals;

/// How long peers give way, at least and at most.
constexpr duration least_measuring = 1s;
constexpr duration most_measuring = 3s;

/// After so long without it, own use has ended.
constexpr duration quiet_time = 1s;

/// How long peers get less than what is left, and between two such dips.
constexpr duration dip_time = 1s;
constexpr duration dip_pause = 7s;

/// How long peers get more than what is left, and between two such probes.
constexpr duration probe_time = 2s;
constexpr duration least_probe_pause = 10s;
constexpr duration most_probe_pause = 40s;

/// A peak that is not seen again is half forgotten after this time.
constexpr duration half_life = 300s;

/// No peer waits for less than this, in bytes a second: leases would expire.
constexpr double least_rate = 16 * 1024;

} // namespace

std::optional<double> own_first::limit() const {
  switch (phase_) {
    case phase::idle:
      return std::nullopt;
    case phase::giving_way:
      return std::max(peak_ / 32, least_rate);
    case phase::sharing:
      return std::max(floor(), left());
    case phase::dipping:
      return std::max(floor(), dip_limit_);
    case phase::probing:
      return std::max(floor(), left()) + 0.3 * peak_before_;
  }
  return std::nullopt;
}

/// Peers always get something.
double own_first::floor() const {
  return std::max(0.1 * peak_, least_rate);
}

/// Of the line, besides what own use wants. Without a margin it would have no
/// room to show that it wants more.
double own_first::left() const {
  return 0.95 * peak_ - wanted_;
}

// -- measuring ----------------------------------------------------------------

void own_first::moved(uint64_t own, uint64_t for_peers, instant now) {
  if (!last_call_) {
    last_call_ = now;
    bin_end_ = now + bin_time;
    return;
  }
  bin rest{static_cast<double>(own), static_cast<double>(for_peers)};
  auto last = *last_call_;
  // Of a long time, the last second is known as an average.
  if (auto window = bins_a_second * bin_time; now - last > window) {
    auto part = seconds_of(window) / seconds_of(now - last);
    forget(now - last - window);
    rest = {rest.own * part, rest.for_peers * part};
    bins_ = {};
    last = now - window;
    bin_end_ = last + bin_time;
  }
  for (; bin_end_ <= now; bin_end_ += bin_time) {
    auto part =
        now > last ? seconds_of(bin_end_ - last) / seconds_of(now - last) : 0.0;
    bin share{rest.own * part, rest.for_peers * part};
    bins_[newest_].own += share.own;
    bins_[newest_].for_peers += share.for_peers;
    rest = {rest.own - share.own, rest.for_peers - share.for_peers};
    last = bin_end_;
    close_bin();
  }
  bins_[newest_].own += rest.own;
  bins_[newest_].for_peers += rest.for_peers;
  last_call_ = now;
}

void own_first::close_bin() {
  newest_ = (newest_ + 1) % bins_.size();
  bins_[newest_] = {};
  remember_peak();
  decide(bin_end_);
}

/// Of the last full bins but `skipped`.
double own_first::own_rate(size_t bins, size_t skipped) const {
  double out = 0;
  for (size_t i = 1 + skipped; i <= bins + skipped; ++i)
    out += bins_[(newest_ + bins_.size() - i) % bins_.size()].own;
  return out / (static_cast<double>(bins) * seconds_of(bin_time));
}

own_first::second own_first::last_second(size_t skipped) const {
  second out;
  for (size_t i = 1 + skipped; i <= bins_a_second + skipped; ++i) {
    auto& x = bins_[(newest_ + bins_.size() - i) % bins_.size()];
    out.own += x.own;
    out.for_peers += x.for_peers;
  }
  return out;
}

/// What was held in buffers is counted late and at once, so the peak is what
/// lasts for two seconds. Lines change: what is not seen again is forgotten.
/// Peers that get what is left keep a little below the peak, which confirms it.
void own_first::remember_peak() {
  auto total =
      std::min(last_second().total(), last_second(bins_a_second).total());
  if (total < 0.9 * peak_)
    forget(bin_time);
  peak_ = std::max(peak_, total);
}

void own_first::forget(duration time) {
  peak_ *= std::exp2(-seconds_of(time) / seconds_of(half_life));
}

/// Own use below this is not worth giving way: chat, notifications, mail. On a
/// slow line beside many peers a download may not show more.
double own_first::trickle() const {
  return std::clamp(peak_ / 32, 8.0 * 1024, 128.0 * 1024);
}

// -- deciding -----------------------------------------------------------------

void own_first::decide(instant now) {
  // Own use that has begun may be crowded until peers have given way.
  auto least = phase_ == phase::idle ? trickle() : trickle() / 4;
  if (own_rate(2) > least)
    last_use_ = now;
  if (phase_ == phase::idle) {
    if (last_use_ == now)
      give_way(now, std::nullopt);
    return;
  }
  if (now - last_use_ >= quiet_time) {
    phase_ = phase::idle;
    wanted_ = measured_ = 0;
    return;
  }
  if (phase_ == phase::giving_way)
    look_while_giving_way(now);
  else if (phase_ == phase::dipping)
    look_while_dipping(now);
  else if (phase_ == phase::probing)
    look_while_probing(now);
  else
    look_while_sharing(now);
}

/// `before`: what moved until now, if own use was the same then.
void own_first::give_way(instant now, std::optional<second> before) {
  phase_ = phase::giving_way;
  since_ = now;
  before_ = before;
}

void own_first::look_while_giving_way(instant now) {
  // A connection that has the line for itself takes a while to fill it.
  auto grows = own_rate(2) > 1.1 * own_rate(2, 2);
  auto time = now - since_;
  if (time < least_measuring || (grows && time < most_measuring))
    return;
  wanted_ = measured_ = own_rate(4);
  // Own use was crowded by peers although they kept to what was thought to be
  // left: the line is slower than thought.
  if (before_ && wanted_ > 1.15 * before_->own)
    peak_ = std::max(before_->total(), last_second().total());
  next_dip_ = now + dip_pause;
  share(now);
}

void own_first::share(instant now) {
  phase_ = phase::sharing;
  since_ = now;
}

void own_first::look_while_sharing(instant now) {
  auto all = last_second();
  // Beside the floor, own use gets what it wants, but for a moment.
  if (left() <= floor()) {
    if (now - since_ >= 1s)
      wanted_ = measured_ = std::max(own_rate(4), own_rate(4, 4));
    if (may_probe(now))
      probe(now);
    return;
  }
  // Something else has begun.
  if (own_rate(2) > 1.5 * measured_ + trickle())
    return give_way(now, std::nullopt);
  wanted_ = std::max(wanted_, own_rate(4));
  if (now - since_ < 1s)
    return;
  // It is crowded, or wants less.
  if (all.own < 0.85 * wanted_)
    give_way(now, all);
  else if (now >= next_dip_)
    dip(now);
  else if (may_probe(now))
    probe(now);
}

/// Own use that is crowded from its beginning does not fall. It shows what it
/// wants when it gets some room.
void own_first::dip(instant now) {
  phase_ = phase::dipping;
  since_ = now;
  before_ = last_second();
  dip_limit_ = 0.6 * std::min(left(), before_->for_peers);
}

void own_first::look_while_dipping(instant now) {
  if (now - since_ < dip_time)
    return;
  auto all = last_second();
  auto freed = before_->for_peers - all.for_peers;
  if (freed > 0.05 * all.total() && all.own > before_->own + freed / 2)
    return give_way(now, before_);
  next_dip_ = now + dip_pause;
  share(now);
}

/// Peers that keep below the peak never show a higher one.
bool own_first::may_probe(instant now) const {
  auto all = last_second();
  return now >= next_probe_ && now - since_ >= 1s && all.own >= 0.9 * wanted_
         && all.for_peers >= 0.8 * std::max(floor(), left());
}

void own_first::probe(instant now) {
  phase_ = phase::probing;
  since_ = now;
  peak_before_ = peak_;
}

void own_first::look_while_probing(instant now) {
  wanted_ = std::max(wanted_, own_rate(4));
  bool harms = own_rate(4) < 0.9 * wanted_ && now - since_ >= 500ms;
  if (!harms && now - since_ < probe_time)
    return;
  if (!harms && peak_ > 1.05 * peak_before_) {
    probe_pause_ = least_probe_pause;
    return probe(now);
  }
  next_probe_ = now + probe_pause_;
  probe_pause_ = std::min(2 * probe_pause_, most_probe_pause);
  share(now);
}

} // namespace peapod
