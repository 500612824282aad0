#pragma once

#include "core/happy_eyeballs.hpp"
#include "hosts/net/dns.hpp"
#include "hosts/net/http_ports.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace peapod::net {

/// One address, reached from one of our own.
struct dial_candidate {
  boost::asio::ip::tcp::endpoint to;
  source_bind from;
};

/// Whether an address may be dialled; an error says why not.
using address_check =
    std::function<result<void>(const boost::asio::ip::address&)>;

/// The addresses that may be dialled, each from every bind of its family.
/// Errors: that of `permit` when there were addresses but none is allowed,
/// `io_failed` when no bind fits.
result<std::vector<dial_candidate>>
candidates_for(const addresses& found, uint16_t port,
               const std::vector<source_bind>& binds,
               const address_check& permit);

/// Looks up both families of a name and lets the addresses race, as
/// `happy_eyeballs` says. The first connection wins, all others are closed.
class dial_race
  : public boost::intrusive::list_base_hook<
        boost::intrusive::link_mode<boost::intrusive::auto_unlink>>,
    public std::enable_shared_from_this<dial_race> {
public:
  using socket_ptr = std::shared_ptr<boost::asio::ip::tcp::socket>;

  /// `done` is never called from within a call of this class.
  dial_race(boost::asio::any_io_executor ex, handler<socket_ptr> done);

  /// `names` is used within this call only. What it knows already costs no
  /// turn of the event loop.
  void run(dns_cache& names, const std::string& host, uint16_t port,
           std::vector<source_bind> binds, address_check permit);

  /// Ends it; the handler gets `cancelled`.
  void cancel();

  /// Begins those attempts anew that leave from none of these addresses, which
  /// are all that this device has: no answer can come back.
  void lose_unless_from(const std::vector<std::string>& addresses);

  /// Whether no address is known yet.
  bool is_looking_up() const {
    return !any_address_;
  }

  /// Where the connection that has won leads.
  const boost::asio::ip::tcp::endpoint& reached() const {
    return reached_;
  }

private:
  void on_found(address_family family, result<addresses> found);
  void advance();
  void attempt(const dial_candidate& x);
  void on_connected(const socket_ptr& socket, const dial_candidate& x,
                    boost::system::error_code ec);
  void note(error why);
  void settle(result<socket_ptr> outcome);
  handler<socket_ptr> end();

  boost::asio::any_io_executor ex_;
  boost::asio::steady_timer timer_;
  handler<socket_ptr> done_;
  happy_eyeballs<dial_candidate> order_;
  uint16_t port_ = 0;
  std::vector<source_bind> binds_;
  address_check permit_;
  std::vector<std::function<void()>> lookups_; // each to be called off
  std::vector<socket_ptr> sockets_;            // being connected
  std::optional<error> failure_;               // the one that says most
  boost::asio::ip::tcp::endpoint reached_;
  bool any_address_ = false;
};

/// Those that run; each leaves by itself when it is destroyed.
using dial_races =
    boost::intrusive::list<dial_race,
                           boost::intrusive::constant_time_size<false>>;

} // namespace peapod::net
