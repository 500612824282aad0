#include "hosts/common/proxy_handover.hpp"

#include <algorithm>
#include <utility>

namespace peapod {

namespace {

struct line {
  severity level;
  std::string text;
};

std::vector<line> lines_of(const desktop_reports& outcome) {
  std::string about = "the system's proxy: ";
  if (!outcome)
    return {{severity::warn, about + outcome.error().detail}};
  std::vector<line> out;
  for (auto& x : *outcome)
    out.push_back({x.failed ? severity::warn : severity::info,
                   about + x.desktop + ": " + x.text});
  return out;
}

/// Whether a later try may bring more.
bool is_incomplete(const desktop_reports& outcome) {
  return !outcome || std::ranges::any_of(*outcome, &desktop_report::failed);
}

} // namespace

void tell_reports(const desktop_reports& outcome, const line_sink& to) {
  for (auto& [level, text] : lines_of(outcome))
    to(level, text);
}

proxy_handover::proxy_handover(boost::asio::io_context& main,
                               system_proxy& system, std::string url,
                               bool knows_upstream, line_sink to,
                               handover_pace tries)
  : timer_(main),
    system_(system),
    url_(std::move(url)),
    knows_upstream_(knows_upstream),
    to_(std::move(to)),
    pace_(tries),
    delay_(tries.first) {}

void proxy_handover::begin() {
  follow(system_.switch_on(url_));
}

/// Looks on when all is done: another desktop may begin.
void proxy_handover::follow(const desktop_reports& outcome) {
  tell(outcome);
  bool done = !is_incomplete(outcome);
  timer_.expires_after(done ? pace_.longest : delay_);
  delay_ = done ? pace_.first : std::min(2 * delay_, pace_.longest);
  timer_.async_wait([this](boost::system::error_code ec) {
    if (!ec)
      follow(system_.switch_on_rest(url_));
  });
}

/// The same failure is told once, whatever comes of others.
void proxy_handover::tell(const desktop_reports& outcome) {
  std::set<std::string> failures;
  for (auto& [level, text] : lines_of(outcome)) {
    bool failed = level == severity::warn;
    if (!failed || !failures_.contains(text))
      to_(level, text);
    if (failed)
      failures.insert(text);
  }
  failures_ = std::move(failures);
  if (!outcome || knows_upstream_)
    return;
  for (auto& x : *outcome)
    if (auto hint = upstream_hint(x); !hint.empty())
      to_(severity::warn, "the system's proxy: " + hint);
}

} // namespace peapod
