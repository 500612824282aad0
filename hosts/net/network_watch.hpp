#pragma once

#include "actors/ports.hpp"
#include "hosts/net/network_epoch.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <string>
#include <vector>

namespace peapod::net {

/// Watches the addresses and links of this machine, and for its sleep. Looks
/// when the operating system says that something has changed, and every second.
/// What comes on loopback, or on interfaces with names that match one of
/// `exclude` (`matches_pattern`), is no gain: it leads to no nearby device.
/// `epoch`, unless it is null, ends with each change and each sleep.
std::shared_ptr<network_watch>
watch_network(boost::asio::any_io_executor executor,
              std::vector<std::string> exclude,
              std::shared_ptr<network_epoch> epoch = nullptr);

} // namespace peapod::net
