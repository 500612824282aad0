#pragma once

#include "core/types.hpp"
#include "hosts/net/http_transport.hpp"
#include "hosts/net/network_epoch.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <compare>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace peapod::net {

class known_limit;

/// What a kept-alive connection can be used for. Connections made for peers
/// passed the exit policy, and those for other machines do not lead to this
/// one's own services: they are never mixed with others.
struct origin_key {
  std::string scheme;
  std::string host;
  uint16_t port = 0;
  bool for_peer = false;
  std::string line;   ///< the own one that it leaves through, or empty: any
  uint64_t login = 0; ///< `request_head::login`, when it is logged in
  bool from_elsewhere = false; ///< `request_head::from_elsewhere`

  auto operator<=>(const origin_key&) const = default;
};

/// How likely a kept connection must be to stand still when a request reaches
/// the origin.
enum class certainty {
  any,  ///< the request can be sent once more
  high, ///< it cannot
};

/// Kept-alive connections without a request.
class origin_pool : public std::enable_shared_from_this<origin_pool> {
public:
  /// Bounds: per origin, in all, and how long a connection waits.
  struct limits {
    size_t per_origin = 8;
    size_t total = 256;
    duration lifetime = std::chrono::seconds(30);
  };

  /// What was put in in an `epoch` is not taken in the next one; null: there is
  /// only one.
  origin_pool(asio::any_io_executor ex, limits bounds,
              std::shared_ptr<const network_epoch> epoch = nullptr);

  /// The connection used last, if there is one that is still open; else null.
  /// With `certainty::high` only one that the origin will hardly end meanwhile:
  /// many do so after some seconds.
  std::shared_ptr<transport> take(const origin_key& key,
                                  certainty need = certainty::any);

  /// Keeps `idle`, or closes it when there is no room. `promised`: how long the
  /// origin will wait for another request, if it has said so.
  void put(const origin_key& key, std::shared_ptr<transport> idle,
           std::optional<duration> promised = std::nullopt);

  /// Closes all connections and keeps none from now on.
  void close();

  /// How many connections wait.
  size_t size() const {
    return size_;
  }

private:
  struct entry {
    std::shared_ptr<transport> connection;
    instant good_until; ///< of the clock that goes on in sleep
    instant sure_until; ///< hardly ended by the origin
    uint64_t epoch = 0;
  };

  bool is_good(const entry& x) const;
  uint64_t epoch_now() const;
  void sweep_later();
  void sweep();

  known_limit& descriptors_;
  asio::steady_timer timer_;
  limits limits_;
  std::shared_ptr<const network_epoch> epoch_;
  std::map<origin_key, std::deque<entry>> idle_; // oldest first
  size_t size_ = 0;
  bool sweeping_ = false;
  bool closed_ = false;
};

} // namespace peapod::net
