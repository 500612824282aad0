#include "hosts/common/site_file.hpp"

#include "hosts/common/state_file.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace peapod {

namespace {

namespace json = boost::json;
using std::chrono::duration_cast;
using std::chrono::seconds;
using wall = site_file::wall_clock::time_point;

/// What has not been used for longer is no longer of use.
constexpr auto lifetime = std::chrono::hours(24);

bool read_hex(const json::object& in, const char* name, std::span<uint8_t> to) {
  auto* x = in.if_contains(name);
  if (x == nullptr || !x->is_string())
    return false;
  auto bytes = from_hex(std::string_view{x->get_string()});
  if (bytes.size() != to.size())
    return false;
  std::ranges::copy(bytes, to.begin());
  return true;
}

std::optional<site_memory::entry> parse_entry(const json::value& x, instant now,
                                              wall today) {
  auto* in = x.if_object();
  auto* used = in ? in->if_contains("used") : nullptr;
  site_memory::entry out;
  if (used == nullptr || !used->is_int64()
      || !read_hex(*in, "site", out.key.bytes)
      || !read_hex(*in, "line", out.line.bytes))
    return std::nullopt;
  // A clock that was set says nothing about how old something is.
  auto day = seconds{lifetime}.count();
  auto ago = std::clamp<int64_t>(
      duration_cast<seconds>(today.time_since_epoch()).count()
          - used->get_int64(),
      0, day + 1);
  if (ago > day)
    return out; // older than all that counts: `used` stays 0
  out.used = now - seconds{ago};
  return out;
}

std::optional<site_memory> parse_sites(const std::string& text, instant now,
                                       wall today) {
  boost::system::error_code ec;
  auto parsed = json::parse(text, ec);
  auto* all = !ec ? parsed.if_object() : nullptr;
  auto* sites = all ? all->if_contains("sites") : nullptr;
  site_memory out;
  if (sites == nullptr || !sites->is_array()
      || !read_hex(*all, "salt", out.salt))
    return std::nullopt;
  for (auto& x : sites->get_array()) {
    auto entry = parse_entry(x, now, today);
    if (!entry)
      return std::nullopt;
    if (entry->used != instant{})
      out.entries.push_back(*entry);
  }
  return out;
}

std::string text_of(const site_memory& x, instant now, wall today) {
  json::array sites;
  for (auto& y : x.entries) {
    if (now - y.used > lifetime)
      continue;
    auto used =
        today - duration_cast<site_file::wall_clock::duration>(now - y.used);
    sites.push_back(json::object{
        {"site", to_hex(y.key.bytes)},
        {"line", to_hex(y.line.bytes)},
        {"used", duration_cast<seconds>(used.time_since_epoch()).count()}});
  }
  json::object out{{"salt", to_hex(x.salt)}, {"sites", std::move(sites)}};
  return json::serialize(out) + "\n";
}

} // namespace

site_file::site_file(const std::filesystem::path& state_dir,
                     random_source random, log_sink log)
  : file_(state_dir.empty() ? state_dir : state_dir / "sites.json"),
    random_(std::move(random)),
    log_(std::move(log)) {}

site_memory site_file::load(instant now, wall today) {
  site_memory fresh;
  random_(fresh.salt);
  if (file_.empty())
    return fresh;
  auto text = read_state_file(file_);
  if (text && !*text)
    return fresh;
  auto sites = text ? parse_sites(**text, now, today) : std::nullopt;
  if (!sites && log_)
    log_(log_level::warn,
         "which lines sites used is not known: "
             + (text ? file_.string() + ": not what PeaPod writes"
                     : to_string(text.error())));
  written_ = sites.value_or(fresh);
  return written_;
}

void site_file::save(const site_memory& x, instant now, wall today) {
  if (file_.empty() || x == written_ || x.entries.empty())
    return;
  auto done = write_state_file(file_, text_of(x, now, today));
  if (done)
    written_ = x;
  else if (!failing_ && log_)
    log_(log_level::warn, "which lines sites use cannot be kept for the next "
                          "start: "
                              + to_string(done.error()));
  failing_ = !done;
}

} // namespace peapod
