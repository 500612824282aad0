#include "hosts/get/upload_choice.hpp"

#include <algorithm>
#include <chrono>

namespace peapod {

namespace {

using namespace std::chrono_literals;
using line = upload_state::line;

constexpr uint64_t max_part = 64_MiB;

/// Parts that each line should get, so that the slowest does not hold up all.
constexpr uint64_t parts_a_line = 8;

/// What a line has to bring before its rate says something about it.
constexpr uint64_t telling_bytes = 2_MiB;

/// What is smaller is there as soon over the own line.
constexpr uint64_t worth_choosing = 4_MiB;

duration worked(const line& x, instant now) {
  return x.worked + (x.busy > 0 ? now - x.since : 0s);
}

/// Bytes a second of a line's parts so far; 0: not known yet.
double rate_of(const line& x) {
  auto time = seconds_of(x.told);
  return x.bytes > 0 && time > 0 ? static_cast<double>(x.bytes) / time : 0;
}

/// The same of a line that may have stopped.
double rate_until(const line& x, instant now) {
  auto time = seconds_of(worked(x, now));
  return x.bytes > 0 && time > 0 ? static_cast<double>(x.bytes) / time : 0;
}

/// What has left this machine may wait anywhere: only what the server has is
/// certain, and what the line must have brought since by its rate.
line_load load_of(const upload_state& st, const device_id& id, const line& x,
                  instant now) {
  line_load out;
  out.rate = rate_of(x);
  for (auto& [number, y] : st.jobs)
    if (y.part && y.line == id)
      out.queued += static_cast<double>(y.at.range.size());
  auto brought = out.rate * seconds_of(worked(x, now) - x.told);
  out.queued = std::max(0.0, out.queued - brought);
  return out;
}

std::optional<size_t> cut(upload_state& st, const device_id& id, instant now) {
  std::vector<line_load> loads;
  size_t which = 0;
  for (auto& [other, x] : st.lines) {
    if (!may_bring(st, other) || (x.not_before > now && other != id))
      continue;
    if (other == id)
      which = loads.size();
    loads.push_back(load_of(st, other, x, now));
  }
  auto range = st.cutter->next(std::move(loads), which);
  if (!range)
    return std::nullopt;
  auto number = st.parts.size();
  st.parts.push_back({{*range, number, 0, 0, {}, {}}, false, 0, 0});
  return number;
}

} // namespace

std::vector<byte_range> choose_parts(const upload_state& st) {
  auto size = st.task.plan.size;
  auto part = st.task.part_size;
  if (part == 0)
    part =
        std::clamp(size / (parts_a_line * std::max<size_t>(st.task.lines, 1)),
                   st.task.min_part, max_part);
  auto least = (size + st.task.max_parts - 1) / st.task.max_parts;
  return parts_of(size, std::max({part, least, uint64_t{1}}));
}

part_cutter make_cutter(const upload_state& st) {
  auto size = st.task.plan.size;
  auto least = std::max(st.task.min_part,
                        (size + st.task.max_parts - 1) / st.task.max_parts);
  return {size, least, std::max(least, max_part)};
}

line_choice choose_only_line(const upload_state& st) {
  std::vector<upload_line> lines;
  for (auto& [id, x] : st.lines)
    if (x.own || st.task.plan.size >= worth_choosing)
      lines.push_back({id, x.name, x.own, x.adds});
  return choose_line(lines, st.task.known);
}

bool may_bring(const upload_state& st, const device_id& id) {
  if (st.only)
    return id == *st.only;
  return st.lines.at(id).own || st.task.plan.target.scheme == "https";
}

std::optional<size_t> next_part(upload_state& st, const device_id& id,
                                instant now) {
  for (size_t i = 0; i < st.parts.size(); ++i)
    if (!st.parts[i].done && st.parts[i].running == 0)
      return i;
  return st.cutter ? cut(st, id, now) : std::nullopt;
}

std::optional<size_t> worth_repeating(const upload_state& st, const line& by,
                                      instant now) {
  auto rate = rate_of(by);
  std::optional<size_t> out;
  double most = 0;
  for (auto& [number, x] : st.jobs) {
    if (!x.part || st.parts[*x.part].done || st.parts[*x.part].running > 1)
      continue;
    auto i = st.lines.find(x.line);
    if (i == st.lines.end())
      continue;
    auto& other = i->second;
    auto size = static_cast<double>(x.at.range.size());
    auto left = size - static_cast<double>(x.at.sent + x.what->sent());
    auto theirs = rate_until(other, now) / std::max(other.busy, 1u);
    // Nothing has come over it yet: it takes as long again as it took.
    auto time = theirs > 0 ? left / theirs : seconds_of(now - other.since);
    auto gain = rate > 0 ? time - 2 * size / rate - 0.5 : 0;
    if (gain > most) {
      most = gain;
      out = x.part;
    }
  }
  return out;
}

void note_brought(upload_state& st, const device_id& by, uint64_t bytes,
                  instant now) {
  auto& x = st.lines.at(by);
  x.bytes += bytes;
  x.told = worked(x, now);
  // Two parts that are under way have half of the line each.
  for (auto& [number, y] : st.jobs)
    if (y.part && y.line == by)
      x.told -= (now - y.began) / 2;
  x.told = std::max<duration>(x.told, 1ms);
}

bool has_room(const upload_state& st, const device_id& id) {
  if (!st.cutter)
    return true;
  return std::ranges::all_of(st.jobs, [&](auto& x) {
    return !x.second.part || x.second.line != id
           || x.second.what->sent() == x.second.at.range.size();
  });
}

std::map<std::string, uint64_t> measured_rates(const upload_state& st) {
  std::map<std::string, uint64_t> out;
  for (auto& [id, x] : st.lines)
    if (auto rate = rate_of(x); x.bytes >= telling_bytes && rate >= 1)
      out[x.own ? own_line : to_string(id)] = static_cast<uint64_t>(rate);
  return out;
}

bool is_before_body(const error& why) {
  switch (why.code) {
    case errc::certificate_refused:
    case errc::tls_failed:
    case errc::dns_failed:
    case errc::dns_unanswered:
    case errc::connection_refused:
    case errc::unreachable:
    case errc::connect_timed_out:
    case errc::upstream_refused:
    case errc::loop_detected:
    case errc::policy_refused:
      return true;
    default:
      return false;
  }
}

bool is_safe_again(const upload_state& st, const upload_state::job& x,
                   const error& why, const result<upload_answer>& outcome) {
  if (st.protocol->can_repeat())
    return true;
  if (!outcome)
    return x.what->sent() == 0 && is_before_body(why);
  // The server says itself that it has not taken it (RFC 9110, 15.5, 15.6.4).
  auto status = outcome->head.status;
  return status / 100 == 3 || status / 100 == 4 || status == 503;
}

bool is_passing(const error& why, const result<upload_answer>& outcome) {
  if (!outcome)
    return may_pass(why) || as_failure(why).code == get_exit::network;
  auto status = outcome->head.status;
  return status == 408 || status == 409 || status == 423 || status == 429
         || status >= 500;
}

bool is_impostor(const error& why) {
  return why.code == errc::certificate_refused;
}

get_failure in_words(const error& why) {
  return {as_failure(why).code, why.detail};
}

} // namespace peapod
