#include "hosts/net/lost_addresses.hpp"

#include "hosts/net/interfaces.hpp"
#include "hosts/net/socket_address.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace peapod::net {

namespace {

/// How long an address may be gone.
constexpr auto return_wait = std::chrono::seconds(6);

} // namespace

std::optional<std::string>
lost_source(const boost::asio::ip::tcp::socket& socket,
            const std::vector<std::string>& addresses) {
  boost::system::error_code ec;
  auto from = unmapped(socket.local_endpoint(ec).address());
  auto of_link = from.is_v6() && from.to_v6().is_link_local(); // has a zone
  if (ec || from.is_loopback() || of_link)
    return std::nullopt;
  auto text = from.to_string();
  if (std::ranges::find(addresses, text) != addresses.end())
    return std::nullopt;
  return text;
}

lost_addresses::lost_addresses(const boost::asio::any_io_executor& ex,
                               const std::shared_ptr<network_epoch>& epoch,
                               addresses_handler look)
  : look_(std::move(look)), patience_(ex) {
  if (epoch)
    watching_ = epoch->listen([this] { on_other_network(); });
}

void lost_addresses::on_other_network() {
  changed_ = true;
  if (waiting_)
    remember_addresses();
  else
    wait_for_return();
}

/// Networks that change again and again do not begin the wait anew.
void lost_addresses::wait_for_return() {
  waiting_ = std::exchange(changed_, false);
  if (!waiting_)
    return;
  remember_addresses();
  patience_.expires_after(return_wait);
  std::weak_ptr<void> alive = watching_;
  patience_.async_wait([this, alive](boost::system::error_code ec) {
    if (ec || alive.expired())
      return;
    remember_addresses();
    if (auto seen = std::exchange(seen_, {}); !seen.empty())
      look_(seen);
    // Who looked may have ended the last that kept this.
    if (!alive.expired())
      wait_for_return();
  });
}

void lost_addresses::remember_addresses() {
  if (auto own = own_addresses())
    seen_.insert(seen_.end(), own->begin(), own->end());
}

} // namespace peapod::net
