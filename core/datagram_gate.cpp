#include "core/datagram_gate.hpp"

#include "core/handshake_gate.hpp"

#include <algorithm>

namespace peapod {

namespace {

/// Looking through all sources for a silent one must not be a way to keep this
/// device busy.
constexpr duration search_interval = std::chrono::seconds(1);

} // namespace

datagram_gate::datagram_gate(limits x)
  : limits_(x), all_{x.burst, {}}, rest_{x.source_burst, {}} {}

bool datagram_gate::admit(const std::string& address, instant now) {
  all_.fill(limits_.per_second, limits_.burst, now);
  auto& source = of(gate_name(address), now);
  source.fill(limits_.source_per_second, limits_.source_burst, now);
  auto kept = &source == &rest_ ? limits_.burst / 2 : 0;
  if (source.left < 1 || all_.left < kept + 1)
    return false;
  source.left -= 1;
  all_.left -= 1;
  return true;
}

void datagram_gate::allowance::fill(double per_second, double burst,
                                    instant now) {
  auto passed = std::chrono::duration<double>(now - at).count();
  left = std::min(burst, left + std::max(0.0, passed) * per_second);
  at = now;
}

datagram_gate::allowance& datagram_gate::of(const std::string& name,
                                            instant now) {
  if (auto i = sources_.find(name); i != sources_.end())
    return i->second;
  if (sources_.size() >= limits_.max_sources)
    forget_silent(now);
  if (sources_.size() >= limits_.max_sources)
    return rest_;
  return sources_[name] = {limits_.source_burst, now};
}

void datagram_gate::forget_silent(instant now) {
  if (now < next_search_)
    return;
  next_search_ = now + search_interval;
  std::erase_if(sources_, [&](auto& x) {
    return now - x.second.at >= limits_.remembered;
  });
}

} // namespace peapod
