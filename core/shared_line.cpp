#include "core/shared_line.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace peapod {

namespace {

using namespace std::chrono_literals;

/// What is looked at before, and what is looked at without the peer.
constexpr duration time_before = 3s;
constexpr duration time_without = 1500ms;

/// How long others take to become as fast as they can.
constexpr duration settle_time = 300ms;

/// What the peer had to bring may still come, but not for ever.
constexpr duration longest_trial = 6s;

/// Between two trials, of whichever peer.
constexpr duration pause = 3s;

/// How long a finding holds before the peer is looked at again.
constexpr duration memory = 10min;

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

/// Those who share a line evenly have similar rates: without anybody of this
/// part of the peer's rate it has a line of its own.
constexpr double similar = 0.35;

double seconds(duration x) {
  return std::chrono::duration<double>(x).count();
}

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

/// Bytes a second since `from`: between the first and the last time that
/// something came, because much of it comes in large pieces.
double shared_line::rate(const device_id& id, instant from) const {
  auto i = history_.find(id);
  if (i == history_.end())
    return 0;
  auto& points = i->second;
  auto first =
      std::ranges::find_if(points, [&](auto& x) { return x.at >= from; });
  if (first == points.end() || first->at == points.back().at)
    return 0;
  return static_cast<double>(points.back().brought - first->brought)
         / seconds(points.back().at - first->at);
}

/// Holds the peer that was looked at longest ago and brings enough to see.
void shared_line::begin(std::span<const source_sample> sources, instant now) {
  if (verdicts_.size() > max_verdicts)
    std::erase_if(verdicts_,
                  [now](auto& kv) { return kv.second.again <= now; });
  rates_.clear();
  for (auto& x : sources)
    rates_[x.id] = rate(x.id, now - time_before);
  const source_sample* best = nullptr;
  for (auto& x : sources) {
    auto& known = verdicts_[x.id];
    auto own = rates_.at(x.id);
    if (x.own || known.again > now || own <= 0)
      continue;
    bool matters = std::ranges::any_of(rates_, [&](auto& kv) {
      return kv.first != x.id && kv.second >= similar * own
             && own >= noticeable * kv.second;
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
  auto lost = rates_.at(id);
  std::optional<device_id> partner;
  double most = 0;
  double all = 0;
  for (auto& [other, before] : rates_) {
    auto gain = rate(other, from) - before;
    if (other == id || before <= 0 || gain < least_part * lost
        || gain < noticeable * before)
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
  x.again = now + memory;
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
