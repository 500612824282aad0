#pragma once

#include "actors/ports.hpp"
#include "core/happy_eyeballs.hpp"
#include "core/types.hpp"
#include "hosts/net/network_epoch.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/address.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace peapod::net {

/// The addresses of one family that a name has.
using addresses = std::vector<boost::asio::ip::address>;

/// Looks up a name; may block for long, and runs on several threads at once.
/// Errors: `dns_failed` for a name without such addresses, `dns_unanswered`.
using name_resolver = std::function<result<addresses>(const std::string& host,
                                                      address_family family)>;

/// Asks the operating system, which knows files and name servers.
result<addresses> resolve_by_system(const std::string& host,
                                    address_family family);

/// What a cache may do and keep.
struct dns_limits {
  size_t lookups = 32;   ///< at a time; further names wait
  size_t threads = 256;  ///< at a time, with those of lookups that are slow
  size_t waiting = 256;  ///< names that wait for a thread; more are refused
  size_t answers = 1024; ///< kept; the one that is stale first makes room
  /// A lookup that runs for longer is slow, and others need not wait for it: it
  /// counts as one of `threads` alone.
  duration slow = std::chrono::seconds(1);
  /// How long an answer is used again. The operating system does not tell how
  /// long it may be, so it is short; 0 keeps none.
  duration lifetime = std::chrono::seconds(30);
  /// The same for a name that does not exist, or had no answer.
  duration failure_lifetime = std::chrono::seconds(2);
};

/// Fewer threads for a process that may have few descriptors open: a lookup has
/// a socket for each name server that it has asked, three at most.
dns_limits with_threads_for(dns_limits x, size_t descriptors);

/// Looks up names off the event loop and remembers the answers for a short
/// while. Every lookup has a thread, so that a slow one delays no other; who
/// asks for what is being looked up waits for the same answer. What nobody
/// waits for any longer is not begun. It counts in `lookups` no more than what
/// is slow, or was asked in an epoch before.
class dns_cache {
public:
  /// What was learnt in an `epoch` goes with it; null: there is only one.
  explicit dns_cache(boost::asio::any_io_executor ex, dns_limits limits = {},
                     name_resolver resolver = resolve_by_system,
                     std::shared_ptr<const network_epoch> epoch = nullptr);
  ~dns_cache();

  /// The addresses of a family that `host` has; mapped IPv4 addresses come as
  /// IPv4. `host` may be an address itself. Errors: those of the resolver,
  /// `limit_reached` when too many names are waiting, `cancelled` when the
  /// cache goes. Returns what calls it off, now or when it is over: a handler
  /// that still waits gets `cancelled`.
  std::function<void()> lookup(const std::string& host, address_family family,
                               handler<addresses> done);

  /// What `lookup` would give without asking anybody: for addresses, and for
  /// names whose answer is remembered.
  std::optional<result<addresses>> known(const std::string& host,
                                         address_family family) const;

  /// The addresses of `host` lead nowhere: it may have moved, and is asked for
  /// again as soon as after a failure.
  void doubt(const std::string& host);

  /// Answers all who wait with `cancelled`, and whoever asks from now on.
  /// Lookups that still run in threads lead nowhere.
  void close();

private:
  struct state;
  std::shared_ptr<state> state_;
};

} // namespace peapod::net
