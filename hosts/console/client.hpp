#pragma once

#include "hosts/console/updates.hpp"

#include <filesystem>
#include <memory>
#include <vector>

namespace peapod::console {

/// Asks the daemon on a thread of its own, about once a second, and follows
/// its events, so that a daemon that is stuck holds up nobody. A daemon that
/// does not answer is asked again until it does.
class client : public wishes {
public:
  /// `pod_view`: also asks for the actors of all devices.
  static std::unique_ptr<client> start(std::filesystem::path socket,
                                       bool pod_view);

  /// What has come since the last call; never waits for the daemon.
  virtual std::vector<update> take() = 0;
};

} // namespace peapod::console
