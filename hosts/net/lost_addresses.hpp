#pragma once

#include "hosts/net/network_epoch.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace peapod::net {

/// The address that a connection leaves from, unless it is one of `addresses`,
/// which are all that this device has: then no answer can come back. Nothing
/// for loopback and for addresses of a link.
std::optional<std::string>
lost_source(const boost::asio::ip::tcp::socket& socket,
            const std::vector<std::string>& addresses);

/// Looks for addresses that have gone and stayed away for some seconds: a radio
/// link that is lost for a moment gets the same address again, and connections
/// survive that. For one thread.
class lost_addresses {
public:
  using addresses_handler =
      std::function<void(const std::vector<std::string>&)>;

  /// Some seconds after a change of networks, calls `look` with all addresses
  /// that this device has or had since then. Without an `epoch` the networks
  /// never change.
  lost_addresses(const boost::asio::any_io_executor& ex,
                 const std::shared_ptr<network_epoch>& epoch,
                 addresses_handler look);

  lost_addresses(const lost_addresses&) = delete;

private:
  void on_other_network();
  void wait_for_return();
  void remember_addresses();

  addresses_handler look_;
  std::vector<std::string> seen_;      // since the wait began
  boost::asio::steady_timer patience_; // with addresses that have gone
  bool waiting_ = false;               // for them
  bool changed_ = false;               // the network, since the wait began
  std::shared_ptr<void> watching_;
};

} // namespace peapod::net
