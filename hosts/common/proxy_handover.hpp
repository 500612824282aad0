#pragma once

#include "hosts/common/config.hpp"
#include "hosts/common/system_proxy.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace peapod {

/// What became of the desktops' proxies.
using desktop_reports = result<std::vector<desktop_report>>;

/// Where lines for the user go, as `log::write`.
using line_sink = std::function<void(severity, std::string_view)>;

/// Says all of it: what failed is a warning.
void tell_reports(const desktop_reports& x, const line_sink& to);

/// The time between tries: each is twice the last. The longest one is between
/// looks for further desktops, too.
struct handover_pace {
  duration first = std::chrono::seconds(5);
  duration longest = std::chrono::minutes(5);
};

/// Hands the desktop's proxy to a daemon. While there is no desktop, or one
/// refuses, it tries again, since a daemon may start before its user's session
/// does; and for as long as it runs it looks for desktops that begin later.
class proxy_handover {
public:
  /// To the daemon that serves the script at `url`. `knows_upstream` tells
  /// whether it has been told of the proxy that this network may need. What it
  /// is given has to outlive it.
  proxy_handover(boost::asio::io_context& main, system_proxy& system,
                 std::string url, bool knows_upstream, line_sink to,
                 handover_pace tries = {});

  /// Tries for the first time, and goes on for as long as `main` runs.
  void begin();

private:
  void follow(const desktop_reports& outcome);
  void tell(const desktop_reports& outcome);

  boost::asio::steady_timer timer_;
  system_proxy& system_;
  std::string url_;
  bool knows_upstream_;
  line_sink to_;
  handover_pace pace_;
  duration delay_;
  std::set<std::string> failures_; ///< lines about them, of the last try
};

} // namespace peapod
