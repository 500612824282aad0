#include "hosts/common/control_routes.hpp"

#include <boost/json/parse.hpp>

#include <array>
#include <cmath>
#include <utility>

namespace peapod {

namespace {

namespace json = boost::json;

/// In seconds. Nobody waits longer for a message that is delayed; an actor that
/// hangs for half of it ends the daemon.
constexpr double max_delay = 60;

std::optional<fault::kind> parse_action(const json::value& x) {
  constexpr std::array<std::pair<std::string_view, fault::kind>, 6> words{{
      {"crash", fault::kind::crash},
      {"drop", fault::kind::drop},
      {"delay", fault::kind::delay},
      {"duplicate", fault::kind::duplicate},
      {"hang", fault::kind::hang},
      {"clear", fault::kind::none},
  }};
  for (auto& [word, kind] : words)
    if (x.is_string() && std::string_view{x.get_string()} == word)
      return kind;
  return std::nullopt;
}

std::optional<uint64_t> parse_count(const json::value& x) {
  if (x.is_uint64())
    return x.get_uint64();
  if (x.is_int64() && x.get_int64() >= 1)
    return static_cast<uint64_t>(x.get_int64());
  return std::nullopt;
}

std::optional<duration> parse_delay(const json::value& x) {
  boost::system::error_code ec;
  auto seconds = x.is_number() ? x.to_number<double>(ec) : -1;
  if (ec || !std::isfinite(seconds) || seconds < 0 || seconds > max_delay)
    return std::nullopt;
  return std::chrono::duration_cast<duration>(
      std::chrono::duration<double>(seconds));
}

/// Moves a value to its place; whether there was one.
template <class T>
bool store(T& to, const std::optional<T>& from) {
  if (from)
    to = *from;
  return from.has_value();
}

/// What is wrong with one member, or nothing.
std::string read_member(fault& out, std::string_view name,
                        const json::value& x) {
  if (name == "action")
    return store(out.what, parse_action(x))
               ? ""
               : "action must be crash, drop, delay, duplicate, hang or clear";
  if (name == "every")
    return store(out.every, parse_count(x))
               ? ""
               : "every must be a whole number of at least 1";
  if (name == "times")
    return store(out.times, parse_count(x))
               ? ""
               : "times must be a whole number of at least 1";
  if (name == "delay")
    return store(out.delay, parse_delay(x))
               ? ""
               : "delay must be a number of seconds from 0 to 60";
  return "a fault has the members action, every, times and delay";
}

} // namespace

or_refusal<fault> parse_fault(std::string_view body) {
  boost::system::error_code ec;
  auto parsed = json::parse(json::string_view{body.data(), body.size()}, ec);
  if (ec || !parsed.is_object())
    return bad_request(
        "the body must be a JSON object such as {\"action\":\"crash\"}");
  auto& members = parsed.get_object();
  if (!members.contains("action"))
    return bad_request(
        "action is missing: crash, drop, delay, duplicate, hang or clear");
  fault out;
  for (auto& member : members) {
    std::string_view name{member.key().data(), member.key().size()};
    if (auto wrong = read_member(out, name, member.value()); !wrong.empty())
      return bad_request(std::move(wrong));
  }
  return out;
}

} // namespace peapod
