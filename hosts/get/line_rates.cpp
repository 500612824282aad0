#include "hosts/get/line_rates.hpp"

#include "hosts/common/size_text.hpp"

#include <boost/json.hpp>

#include <optional>

namespace peapod {

namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using std::chrono::sys_seconds;

constexpr auto max_age = 24h;

/// More lines than any pod has.
constexpr size_t max_lines = 1000;

/// How much faster a peer's line has to be.
constexpr double worth_it = 1.25;
constexpr double worth_a_guess = 2;

using rate_map = std::map<std::string, measured_rate>;

std::optional<measured_rate> read_rate(const json::value& x, sys_seconds now) {
  if (!x.is_array() || x.get_array().size() != 2)
    return std::nullopt;
  boost::system::error_code ec;
  auto rate = x.get_array()[0].to_number<uint64_t>(ec);
  if (ec || rate == 0)
    return std::nullopt;
  auto at = x.get_array()[1].to_number<int64_t>(ec);
  auto today = now.time_since_epoch().count();
  auto oldest = (now - max_age).time_since_epoch().count();
  if (ec || at > today || at < oldest)
    return std::nullopt;
  return measured_rate{rate, sys_seconds{std::chrono::seconds{at}}};
}

rate_map read_rates(const json::object& in, std::string_view name,
                    sys_seconds now) {
  rate_map out;
  auto* list = in.if_contains(name);
  if (list == nullptr || !list->is_object())
    return out;
  for (auto& [key, x] : list->get_object())
    if (auto rate = read_rate(x, now); rate && out.size() < max_lines)
      out[std::string{key}] = *rate;
  return out;
}

json::object rates_json(const rate_map& rates) {
  json::object out;
  for (auto& [key, x] : rates)
    out[key] = json::array{x.rate, x.at.time_since_epoch().count()};
  return out;
}

uint64_t rate_in(const rate_map& rates, const std::string& key) {
  auto i = rates.find(key);
  return i == rates.end() ? 0 : i->second.rate;
}

/// The fastest peer by one kind of measurement, if it is worth it.
const upload_line* best_peer(const std::vector<upload_line>& lines,
                             const rate_map& rates, double factor) {
  auto own = static_cast<double>(rate_in(rates, own_line));
  const upload_line* out = nullptr;
  uint64_t best = 0;
  for (auto& x : lines) {
    auto rate = x.own || !x.adds ? 0 : rate_in(rates, to_string(x.id));
    if (rate > best && own > 0 && static_cast<double>(rate) >= own * factor) {
      best = rate;
      out = &x;
    }
  }
  return out;
}

line_choice take(const upload_line& x, const rate_map& rates,
                 const char* measured) {
  return {x.id, false,
          x.name + " (" + measured + " "
              + rate_text(rate_in(rates, to_string(x.id))) + ", own line "
              + rate_text(rate_in(rates, own_line)) + ")"};
}

} // namespace

line_rates parse_line_rates(std::string_view text, sys_seconds now) {
  json::parse_options options;
  options.allow_invalid_utf8 = true;
  options.max_depth = 4;
  boost::system::error_code ec;
  auto parsed = json::parse(text, ec, {}, options);
  if (ec || !parsed.is_object())
    return {};
  auto& in = parsed.get_object();
  return {read_rates(in, "up", now), read_rates(in, "down", now)};
}

std::string to_text(const line_rates& x) {
  return json::serialize(json::object{{"up", rates_json(x.up)},
                                      {"down", rates_json(x.down)}})
         + "\n";
}

line_choice choose_line(const std::vector<upload_line>& lines,
                        const line_rates& known) {
  if (auto* x = best_peer(lines, known.up, worth_it))
    return take(*x, known.up, "measured");
  line_choice out;
  bool peers = false;
  bool measured = rate_in(known.up, own_line) > 0;
  for (auto& x : lines) {
    if (x.own)
      out.id = x.id;
    else
      peers = true;
    measured = measured
               && (x.own || !x.adds || rate_in(known.up, to_string(x.id)) > 0);
  }
  auto* guess =
      measured ? nullptr : best_peer(lines, known.down, worth_a_guess);
  if (guess != nullptr)
    return take(*guess, known.down, "downloads came at");
  out.text = "this device's own line";
  if (peers)
    out.text += measured ? " (none is much faster)"
                         : " (not all lines were measured yet)";
  return out;
}

} // namespace peapod
