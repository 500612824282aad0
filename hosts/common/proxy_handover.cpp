#include "hosts/common/proxy_handover.hpp"

#include <algorithm>
#include <utility>

namespace peapod {

namespace {

std::string line_of(const desktop_report& x) {
  return "the system's proxy: " + x.desktop + ": " + x.text;
}

std::vector<std::string> lines_of(const desktop_reports& outcome) {
  if (!outcome)
    return {"the system's proxy: " + outcome.error().detail};
  std::vector<std::string> out;
  for (auto& x : *outcome)
    out.push_back(line_of(x));
  return out;
}

/// Whether a later try may bring more.
bool is_incomplete(const desktop_reports& outcome) {
  return !outcome || std::ranges::any_of(*outcome, &desktop_report::failed);
}

} // namespace

void tell_reports(const desktop_reports& outcome, const line_sink& to) {
  if (!outcome)
    return to(severity::warn, lines_of(outcome).front());
  for (auto& x : *outcome)
    to(x.failed ? severity::warn : severity::info, line_of(x));
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

/// The same failure is told once. Looks on when all is done: another desktop
/// may begin.
void proxy_handover::follow(const desktop_reports& outcome) {
  auto lines = lines_of(outcome);
  if (lines != told_)
    tell(outcome);
  told_ = std::move(lines);
  bool done = !is_incomplete(outcome);
  timer_.expires_after(done ? pace_.longest : delay_);
  delay_ = done ? pace_.first : std::min(2 * delay_, pace_.longest);
  timer_.async_wait([this](boost::system::error_code ec) {
    if (!ec)
      follow(system_.switch_on_rest(url_));
  });
}

void proxy_handover::tell(const desktop_reports& outcome) {
  tell_reports(outcome, to_);
  if (!outcome || knows_upstream_)
    return;
  for (auto& x : *outcome)
    if (auto hint = upstream_hint(x); !hint.empty())
      to_(severity::warn, "the system's proxy: " + hint);
}

} // namespace peapod
