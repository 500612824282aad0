#include "core/shared_line.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

namespace peapod {

namespace {

using namespace std::chrono_literals;

/// What is looked at before, and what is looked at without the peer.
constexpr duration time_before = 6s;
constexpr duration time_without = 3s;

/// How long others take to become as fast as they can.
constexpr duration settle_time = 300ms;

/// What the peer had to bring may still come, but not for ever.
constexpr duration longest_trial = 8s;

/// Between two trials, of whichever peer: what is looked at before the next one
/// has nothing of the last.
constexpr duration pause = time_before + 1s;

/// How long a finding holds before the peer is looked at again.
constexpr duration finding_lasts = 10min;

constexpr unsigned votes_needed = 3;
constexpr unsigned votes_against = 2;

/// Devices that are remembered at a time.
constexpr size_t max_verdicts = 1024;

/// What others must gain together of the peer's rate; one of them, to count at
/// all; and which part of its own rate that must be, to be more than chance.
constexpr double taken_over = 0.6;
constexpr double too_much = 1.6;
constexpr double least_part = 0.25;
constexpr double noticeable = 0.2;

/// And of what it has changed by itself.
constexpr double clear = 1.5;

/// Those who share a line evenly have similar rates: without anybody of this
/// part of the peer's rate it has a line of its own.
constexpr double similar = 0.35;

} // namespace

std::optional<shared_line::finding>
shared_line::observe(std::span<const source_sample> sources, bool calm,
                     instant now) {
  note(sources, now);
  if (!calm) {
    calm_since_ = {};
    if (held_)
      let_go(now);
    return std::nullopt;
  }
  if (calm_since_ == instant{})
    calm_since_ = now;
  if (!held_) {
    if (now >= next_ && now - calm_since_ >= time_before)
      begin(sources, now);
    return std::nullopt;
  }
  auto held = std::ranges::find(sources, *held_, &source_sample::id);
  if (held == sources.end() || now - held_since_ > longest_trial) {
    let_go(now);
    return std::nullopt;
  }
  if (held->busy) {
    silent_since_ = {};
    return std::nullopt;
  }
  if (silent_since_ == instant{})
    silent_since_ = now;
  if (now - silent_since_ < settle_time + time_without)
    return std::nullopt;
  return end(now);
}

/// Remembers when each source has brought something.
void shared_line::note(std::span<const source_sample> sources, instant now) {
  for (auto& x : sources) {
    auto& points = history_[x.id];
    if (points.empty() || points.back().brought != x.brought)
      points.push_back({now, x.brought});
    while (points.size() > 1 && points[1].at + 2 * time_before < now)
      points.pop_front();
  }
  std::erase_if(history_, [&](auto& kv) {
    return std::ranges::find(sources, kv.first, &source_sample::id)
           == sources.end();
  });
}

/// Bytes a second between the first and the last time that something came,
/// because much of it comes in large pieces.
double shared_line::rate(const device_id& id, instant from, instant to) const {
  auto i = history_.find(id);
  if (i == history_.end())
    return 0;
  const point* first = nullptr;
  const point* last = nullptr;
  for (auto& x : i->second)
    if (x.at >= from && x.at <= to) {
      first = first ? first : &x;
      last = &x;
    }
  if (first == last)
    return 0;
  return static_cast<double>(last->brought - first->brought)
         / seconds_of(last->at - first->at);
}

shared_line::pace shared_line::pace_before(const device_id& id,
                                           instant now) const {
  auto middle = now - time_before / 2;
  auto first = rate(id, now - time_before, middle);
  auto second = rate(id, middle, now);
  return {rate(id, now - time_before, now), std::abs(first - second)};
}

/// Holds the peer that was looked at longest ago and brings enough to see.
void shared_line::begin(std::span<const source_sample> sources, instant now) {
  if (verdicts_.size() > max_verdicts)
    std::erase_if(verdicts_,
                  [now](auto& kv) { return kv.second.again <= now; });
  paces_.clear();
  for (auto& x : sources)
    paces_[x.id] = pace_before(x.id, now);
  const source_sample* best = nullptr;
  for (auto& x : sources) {
    auto& known = verdicts_[x.id];
    auto own = paces_.at(x.id).rate;
    if (x.own || known.again > now || own <= 0)
      continue;
    bool matters = std::ranges::any_of(paces_, [&](auto& kv) {
      return kv.first != x.id && kv.second.rate >= similar * own
             && own >= noticeable * kv.second.rate;
    });
    if (matters && (!best || known.again < verdicts_[best->id].again))
      best = &x;
  }
  if (!best)
    return;
  held_ = best->id;
  held_since_ = now;
  silent_since_ = {};
}

std::optional<shared_line::finding> shared_line::end(instant now) {
  auto id = *held_;
  auto from = silent_since_ + settle_time;
  auto lost = paces_.at(id).rate;
  std::optional<device_id> partner;
  double most = 0;
  double all = 0;
  for (auto& [other, before] : paces_) {
    auto gain = rate(other, from, now) - before.rate;
    if (other == id || before.rate <= 0 || gain < least_part * lost
        || gain < noticeable * before.rate || gain < clear * before.noise)
      continue;
    all += gain;
    if (gain > most) {
      partner = other;
      most = gain;
    }
  }
  // As much as it has brought, and not more, which would be chance.
  if (all < taken_over * lost || all > too_much * lost)
    partner.reset();
  let_go(now);
  return judge(id, partner, now);
}

/// One trial says little: three must speak for a shared line before two speak
/// against it, and the first one may settle that there is none.
std::optional<shared_line::finding>
shared_line::judge(const device_id& id, std::optional<device_id> partner,
                   instant now) {
  auto& x = verdicts_[id];
  (partner ? x.votes : x.against) += 1;
  if (partner)
    x.likely = partner;
  bool shared = x.votes >= votes_needed;
  if (!shared && x.votes > 0 && x.against < votes_against)
    return std::nullopt; // once more
  auto was = std::exchange(x.with, shared ? x.likely : std::nullopt);
  x.votes = x.against = 0;
  x.again = now + finding_lasts;
  if (was == x.with)
    return std::nullopt;
  return finding{id, x.with};
}

/// Lets the peer go on.
void shared_line::let_go(instant now) {
  held_.reset();
  next_ = now + pause;
}

std::optional<device_id> shared_line::partner(const device_id& source) const {
  auto i = verdicts_.find(source);
  return i != verdicts_.end() ? i->second.with : std::nullopt;
}

void shared_line::left(const device_id& source) {
  if (held_ == source)
    held_.reset();
  history_.erase(source); // it counts from zero when it comes again
}

} // namespace peapod
