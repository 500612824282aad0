#include "core/line_order.hpp"

#include <sodium.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string_view>

namespace peapod {

site_salt line_salt(const identity& self) {
  constexpr std::string_view purpose = "peapod lines of sites";
  site_salt out;
  auto key = self.secret();
  crypto_generichash(out.data(), out.size(),
                     reinterpret_cast<const uint8_t*>(purpose.data()),
                     purpose.size(), key.data(), key.size());
  return out;
}

std::vector<size_t> line_order::order(const std::vector<std::string>& lines,
                                      const std::string& user,
                                      const std::string& site,
                                      const check& is_up, instant now) const {
  struct place {
    bool usable = true;
    double score = 0;
  };
  std::vector<place> places;
  for (auto& line : lines) {
    auto i = records_.find(line);
    bool rests = i != records_.end() && now < i->second.rests_until;
    places.push_back(
        {!rests && (!is_up || is_up(line)), score(line, user, site)});
  }
  std::vector<size_t> out(lines.size());
  std::iota(out.begin(), out.end(), size_t{0});
  std::ranges::stable_sort(out, [&](size_t a, size_t b) {
    auto& x = places[a];
    auto& y = places[b];
    return x.usable != y.usable ? x.usable : x.score > y.score;
  });
  return out;
}

double line_order::score(const std::string& line, const std::string& user,
                         const std::string& site) const {
  auto hash = make_site_key(salt_, user + '\0' + site, line).bytes;
  uint64_t drawn = 0;
  for (size_t i = 0; i < sizeof drawn; ++i)
    drawn = drawn << 8 | hash[i];
  // Between 0 and 1, without both: a double has 53 bits, one is the half's.
  auto share = (static_cast<double>(drawn >> 12) + 0.5) * 0x1p-52;
  auto weight = weights_.find(line);
  return -(weight == weights_.end() ? 1 : weight->second) / std::log(share);
}

void line_order::worked(const std::string& line) {
  records_.erase(line);
}

void line_order::failed(const std::string& line, instant now) {
  auto& x = records_[line];
  if (++x.failures < max_failures)
    return;
  x.failures = 0;
  x.rests_until = now + rest_time;
}

} // namespace peapod
