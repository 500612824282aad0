#include "actors/wan_lines.hpp"

#include "core/line_id.hpp"

#include <algorithm>

namespace peapod {

wan_lines::wan_lines() {
  lines_.emplace_back();
}

void wan_lines::use(const std::vector<line_port>& ports,
                    const device_id& device) {
  if (ports.empty())
    return;
  lines_.clear();
  for (auto& port : ports) {
    auto& line = lines_.emplace_back();
    line.port = port;
    if (lines_.size() > 1)
      line.id = line_id(device, port.name);
  }
}

wan_line* wan_lines::other(const device_id& id) {
  auto i =
      std::ranges::find(lines_.begin() + 1, lines_.end(), id, &wan_line::id);
  return i == lines_.end() ? nullptr : &*i;
}

bool wan_lines::has(const wan_fetcher_actor& x) const {
  return std::ranges::any_of(
      lines_, [&](auto& line) { return line.fetcher.get() == x; });
}

wan_line* wan_lines::least_busy(instant now) {
  wan_line* best = nullptr;
  for (auto& x : lines_)
    if (x.fetcher.get() && x.up && x.rests_until.load() <= now
        && (!best || x.fetching < best->fetching))
      best = &x;
  // Without its own connection the first one takes whatever there is.
  return best || !first().fetcher.get() ? best : &first();
}

std::vector<egress_facts> wan_lines::facts() const {
  std::vector<egress_facts> out;
  for (auto& x : lines_)
    out.push_back(x.facts.get());
  return out;
}

void wan_lines::forget_actors() {
  for (auto& x : lines_)
    x.fetcher.clear();
}

void wan_lines::forget_ports() {
  for (auto& x : lines_)
    x.port = {};
}

} // namespace peapod
