#pragma once

#include "actors/ports.hpp"
#include "core/types.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/address.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace peapod::net {

/// Looks up names with the system's resolver and remembers the answers for a
/// short while. Every lookup has a thread, so that a slow one delays no other;
/// who asks for a name that is being looked up waits for the same answer.
class dns_cache {
public:
  /// At most `max_lookups` at a time; others wait for their turn.
  explicit dns_cache(boost::asio::any_io_executor ex, size_t max_lookups = 16,
                     duration lifetime = std::chrono::seconds(30));
  ~dns_cache();

  /// The addresses of `host`, in the order to try them: the families take
  /// turns (RFC 8305, 4). Mapped IPv4 addresses come as IPv4. `host` may be an
  /// address itself. Errors: `dns_failed`, `limit_reached` when too many names
  /// are waiting, `cancelled` when the cache goes.
  void lookup(const std::string& host,
              handler<std::vector<boost::asio::ip::address>> done);

private:
  struct state;
  std::shared_ptr<state> state_;
};

} // namespace peapod::net
