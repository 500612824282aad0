#include "hosts/get/progress_view.hpp"

#include "hosts/common/json_text.hpp"
#include "hosts/common/progress.hpp"
#include "hosts/common/size_text.hpp"
#include "hosts/common/terminal_text.hpp"
#include "hosts/common/time_text.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <chrono>
#include <ostream>

namespace peapod {

namespace {

using namespace std::chrono_literals;
namespace json = boost::json;

constexpr auto rate_window = 3s;
constexpr auto json_interval = 500ms;
constexpr size_t bar_width = 20;
constexpr size_t narrow_bar = 10;
constexpr size_t narrow = 100; ///< columns
constexpr size_t name_width = 20;

std::string time_left(const board_view& view, uint64_t rate) {
  if (!view.total || rate == 0 || view.done > *view.total)
    return {};
  return "  ETA "
         + age_text(static_cast<double>(*view.total - view.done)
                    / static_cast<double>(rate));
}

std::string amount(const board_view& view) {
  if (!view.total)
    return size_text(view.done);
  return size_text(view.done) + " of " + size_text(*view.total);
}

std::string bar(const board_view& view, size_t width) {
  if (!view.total || *view.total == 0)
    return {};
  auto done = std::min(view.done, *view.total);
  return "[" + progress_bar(done, *view.total, width) + "] "
         + std::to_string(done * 100 / *view.total) + " %  ";
}

} // namespace

void recent_rate::note(uint64_t bytes, instant now) {
  seen_.emplace_back(now, bytes);
  while (seen_.size() > 2 && now - seen_[1].first >= rate_window)
    seen_.pop_front();
}

uint64_t recent_rate::get() const {
  if (seen_.size() < 2)
    return 0;
  auto time =
      std::chrono::duration<double>(seen_.back().first - seen_.front().first)
          .count();
  auto bytes = seen_.back().second - seen_.front().second;
  return time > 0 && seen_.back().second > seen_.front().second
             ? static_cast<uint64_t>(static_cast<double>(bytes) / time)
             : 0;
}

std::vector<std::string> progress_lines(const board_view& view, uint64_t rate,
                                        size_t width) {
  std::vector<std::string> out;
  // What matters least is last: it is cut first.
  out.push_back(fit_to(printable(view.name), name_width) + " "
                + bar(view, width < narrow ? narrow_bar : bar_width)
                + rate_text(rate) + time_left(view, rate) + "  "
                + amount(view));
  for (auto& x : view.devices)
    out.push_back(
        "  "
        + fit_to(printable(x.line.empty() ? x.name : x.name + " " + x.line),
                 name_width - 2)
        + " " + size_text(x.bytes) + (x.here ? "" : "  (gone)"));
  for (auto& x : out)
    x = cut_to(x, width);
  return out;
}

std::string progress_json(const board_view& view, uint64_t rate) {
  json::array devices;
  for (auto& x : view.devices) {
    json::object device{
        {"id", x.id.empty() ? json::value() : json::value(x.id)},
        {"name", clean_utf8(x.name)},
        {"bytes", x.bytes},
        {"here", x.here}};
    if (!x.line.empty())
      device["line"] = clean_utf8(x.line);
    devices.push_back(std::move(device));
  }
  json::object out{{"event", "progress"}, {"file", clean_utf8(view.name)},
                   {"done", view.done},   {"total", or_null(view.total)},
                   {"rate", rate},        {"devices", std::move(devices)}};
  return json::serialize(out);
}

// -- progress_view ------------------------------------------------------------

void progress_view::begin() {
  rate_ = {};
  shown_.reset();
}

void progress_view::show(const board_view& view, instant now) {
  rate_.note(view.done, now);
  for (auto& x : view.notes)
    say(x);
  if (style_ == progress_style::bar)
    draw(progress_lines(view, rate_.get(), width_));
  if (style_ == progress_style::json
      && (!shown_ || now - *shown_ >= json_interval)) {
    shown_ = now;
    out_ << progress_json(view, rate_.get()) << std::endl;
  }
}

void progress_view::finish(const board_view& view, const std::string& text,
                           const std::optional<get_failure>& failure) {
  for (auto& x : view.notes)
    say(x);
  if (style_ == progress_style::bar && !failure)
    draw(progress_lines(view, rate_.get(), width_));
  else
    erase();
  drawn_ = 0;
  if (style_ == progress_style::json) {
    out_ << progress_json(view, rate_.get()) << '\n';
    event(failure ? "failed" : "done", text,
          failure ? std::optional{static_cast<int>(failure->code)}
                  : std::nullopt);
  }
  if (failure)
    err_ << "peapod: " << printable(text) << std::endl;
  else if (style_ == progress_style::bar)
    err_ << printable(text) << std::endl;
}

void progress_view::say(const std::string& text) {
  erase();
  if (style_ == progress_style::json)
    event("note", text, std::nullopt);
  else
    err_ << "peapod: " << printable(text) << std::endl;
}

void progress_view::event(std::string_view name, const std::string& text,
                          std::optional<int> code) {
  json::object out{{"event", name}, {"text", clean_utf8(text)}};
  if (code)
    out["code"] = *code;
  out_ << json::serialize(out) << std::endl;
}

/// Each line is drawn over the one that stood there.
void progress_view::draw(const std::vector<std::string>& lines) {
  erase();
  for (auto& x : lines)
    err_ << x << '\n';
  err_ << std::flush;
  drawn_ = lines.size();
}

void progress_view::erase() {
  if (drawn_ > 0)
    err_ << "\x1b[" << drawn_ << "A\x1b[J";
  drawn_ = 0;
}

} // namespace peapod
