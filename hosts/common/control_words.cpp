#include "hosts/common/control_text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <tuple>

namespace peapod::control {

namespace {

template <class... Ts>
std::string format(const char* how, Ts... values) {
  std::array<char, 48> out{};
  std::snprintf(out.data(), out.size(), how, values...);
  return out.data();
}

constexpr std::array<std::string_view, 12> sort_words{
    "id",   "name", "about", "state",   "mailbox",  "peak",
    "rate", "load", "busy",  "longest", "restarts", "uptime"};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

int urgency(std::string_view state) {
  return state == "hanging" ? 2 : state == "busy" ? 1 : 0;
}

/// A figure of an actor that the largest of comes first.
double figure(const actor& x, sort_key key) {
  switch (key) {
    case sort_key::state:
      return urgency(x.state);
    case sort_key::mailbox:
      return static_cast<double>(x.mailbox);
    case sort_key::peak:
      return static_cast<double>(x.mailbox_peak);
    case sort_key::rate:
      return x.rate;
    case sort_key::load:
      return x.load;
    case sort_key::busy:
      return x.busy;
    case sort_key::longest:
      return x.longest;
    case sort_key::restarts:
      return static_cast<double>(x.restarts);
    case sort_key::uptime:
      return x.uptime;
    default:
      return 0;
  }
}

} // namespace

std::string_view to_string(sort_key key) {
  return sort_words[static_cast<size_t>(key)];
}

const std::vector<sort_key>& sort_keys() {
  static const auto all = [] {
    std::vector<sort_key> out;
    for (size_t i = 0; i < sort_words.size(); ++i)
      out.push_back(static_cast<sort_key>(i));
    return out;
  }();
  return all;
}

std::optional<sort_key> parse_sort_key(std::string_view word) {
  for (auto key : sort_keys())
    if (to_string(key) == word)
      return key;
  return std::nullopt;
}

bool comes_before(const actor& a, const actor& b, sort_key key) {
  if (key == sort_key::name)
    return std::tie(a.name, a.id) < std::tie(b.name, b.id);
  if (key == sort_key::about)
    return std::tie(a.about, a.id) < std::tie(b.about, b.id);
  auto x = figure(a, key);
  auto y = figure(b, key);
  return x > y || (x == y && a.id < b.id);
}

bool contains(std::string_view whole, std::string_view part) {
  auto same = [](char a, char b) { return lower(a) == lower(b); };
  return std::search(whole.begin(), whole.end(), part.begin(), part.end(), same)
             != whole.end()
         || part.empty();
}

bool matches(const actor& x, std::string_view text) {
  return contains(x.name, text) || contains(x.about, text)
         || contains(x.state, text) || contains(x.summary, text)
         || std::to_string(x.id) == text;
}

std::string title_of(std::string_view name, uint64_t id,
                     std::string_view about) {
  std::string out{name};
  if (id != 0 && !out.empty())
    out += ' ';
  if (id != 0)
    out += std::to_string(id);
  if (!about.empty())
    out.append(" (").append(about).append(")");
  return out;
}

std::string title_of(const actor& x) {
  return title_of(x.name, x.id, x.about);
}

tone tone_of_state(const actor& x) {
  auto level = urgency(x.state);
  return level == 2 ? tone::bad : level == 1 ? tone::active : tone::plain;
}

tone tone_of_kind(std::string_view kind) {
  if (kind == "crashed" || kind == "gave_up" || kind == "transfer_failed"
      || kind == "source_lied" || kind == "digest_wrong")
    return tone::bad;
  if (kind == "hanging" || kind == "peer_untrusted" || kind == "peer_down"
      || kind == "lease_lost" || kind == "transfer_replaced"
      || kind == "dropped" || kind == "overloaded" || kind == "line_shared")
    return tone::warn;
  if (kind == "peer_up" || kind == "peer_trusted" || kind == "transfer_done"
      || kind == "restarted")
    return tone::good;
  if (kind == "lease_moved" || kind == "transfer_opened")
    return tone::active;
  return tone::dim;
}

tone tone_of_transfer(std::string_view state) {
  return state == "running" ? tone::active
         : state == "done"  ? tone::good
                            : tone::bad;
}

tone tone_of_peer(std::string_view state) {
  if (state == "connected")
    return tone::good;
  return state == "known" || state == "dialling" ? tone::plain : tone::warn;
}

tone tone_of_trust(std::string_view trust) {
  if (trust == "trusted")
    return tone::good;
  return trust == "waiting" || trust == "insecure" ? tone::warn : tone::dim;
}

std::string count_text(double count) {
  constexpr std::array<const char*, 5> units{"", "k", "M", "G", "T"};
  size_t unit = 0;
  for (; count >= 999.5 && unit + 1 < units.size(); ++unit)
    count /= 1000;
  return unit > 0 && count < 9.95 ? format("%.1f%s", count, units[unit])
                                  : format("%.0f%s", count, units[unit]);
}

std::string message_rate_text(double rate) {
  if (rate < 0.05)
    return "0";
  return rate < 9.95 ? format("%.1f", rate) : count_text(rate);
}

std::string load_text(double load) {
  return format("%.0f%%", std::clamp(load, 0.0, 1.0) * 100);
}

std::string name_of(const peer& x) {
  return x.name.empty() ? x.id.substr(0, 12) : x.name;
}

} // namespace peapod::control
