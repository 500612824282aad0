#include "hosts/common/usage_file.hpp"

#include "hosts/common/state_file.hpp"

#include <boost/json.hpp>

#include <optional>
#include <string>
#include <utility>

namespace peapod {

namespace {

namespace json = boost::json;

template <class T>
bool read(const json::object& in, const char* name, T& to) {
  auto* x = in.if_contains(name);
  boost::system::error_code ec;
  if (x == nullptr || !x->is_number() || x->is_double())
    return false;
  to = x->to_number<T>(ec);
  return !ec;
}

std::optional<quota_usage> parse_usage(const std::string& text) {
  boost::system::error_code ec;
  auto parsed = json::parse(text, ec);
  if (ec || !parsed.is_object())
    return std::nullopt;
  auto& in = parsed.get_object();
  quota_usage out;
  auto complete = read(in, "day", out.day)
                  && read(in, "day_bytes", out.day_bytes)
                  && read(in, "month", out.month)
                  && read(in, "month_bytes", out.month_bytes);
  return complete ? std::optional{out} : std::nullopt;
}

std::string text_of(const quota_usage& x) {
  json::object out{{"day", x.day},
                   {"day_bytes", x.day_bytes},
                   {"month", x.month},
                   {"month_bytes", x.month_bytes}};
  return json::serialize(out) + "\n";
}

} // namespace

usage_file::usage_file(const std::filesystem::path& state_dir, log_sink log)
  : file_(state_dir.empty() ? state_dir : state_dir / "usage.json"),
    log_(std::move(log)) {}

quota_usage usage_file::load() {
  if (file_.empty())
    return {};
  auto text = read_state_file(file_);
  if (text && !*text)
    return {};
  auto usage = text ? parse_usage(**text) : std::nullopt;
  if (!usage && log_)
    log_(log_level::warn,
         "what was shared today and this month is not known: "
             + (text ? file_.string() + ": not what PeaPod writes"
                     : to_string(text.error())));
  written_ = usage.value_or(quota_usage{});
  return written_;
}

void usage_file::save(const quota_usage& x) {
  if (file_.empty() || x == written_)
    return;
  auto done = write_state_file(file_, text_of(x));
  if (done)
    written_ = x;
  else if (!failing_ && log_)
    log_(log_level::warn, "what was shared cannot be kept for the next start: "
                              + to_string(done.error()));
  failing_ = !done;
}

} // namespace peapod
