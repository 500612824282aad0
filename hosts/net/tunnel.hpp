#pragma once

#include "actors/ports.hpp"
#include "hosts/net/http_ports.hpp"
#include "hosts/net/http_transport.hpp"
#include "hosts/net/pump.hpp"

#include <boost/intrusive/list.hpp>

#include <memory>
#include <string>
#include <vector>

namespace peapod::net {

/// The two connections of a tunnel, and what each has sent already.
struct tunnel_ends {
  std::shared_ptr<transport> client;
  std::shared_ptr<transport> origin;
  std::string from_client;
  std::string from_origin;
  /// Counts what else comes from the origin, if it is there.
  std::shared_ptr<own_use> own;
};

/// A tunnel in the list of those that are open, which it leaves by itself.
class live_tunnel
  : public boost::intrusive::list_base_hook<
        boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
  virtual ~live_tunnel() = default;

  /// Keeps it.
  virtual std::shared_ptr<live_tunnel> hold() = 0;

  /// Ends it if its connection to the origin leaves from none of these
  /// addresses, which are all that this device has.
  virtual void lose_unless_from(const std::vector<std::string>& addresses) = 0;
};

/// What all tunnels of one thread share.
struct tunnel_tools : pump_tools {
  /// Those that are open.
  boost::intrusive::list<live_tunnel,
                         boost::intrusive::constant_time_size<false>>
      tunnels;

  /// Tells all of them.
  void lose_unless_from(const std::vector<std::string>& addresses);
};

/// Moves bytes both ways between a client and an origin until both have ended
/// their side; the end of the first is passed on at once. Then the connection
/// to the origin is closed, that to the client is left to the caller, who
/// passes on the end of the other by closing it. Errors:
/// `connection_closed` when a side is reset, which resets the other, or the
/// address that it leaves from is gone;
/// `timed_out` when a limit is reached, which resets both. `tools` outlive the
/// tunnel.
void run_tunnel(tunnel_ends ends, const tunnel_limits& limits,
                std::shared_ptr<tunnel_tools> tools,
                handler<relay_totals> done);

/// The same for connections that are not plain, with coroutines and buffers.
void run_copied_tunnel(tunnel_ends ends, const tunnel_limits& limits,
                       std::shared_ptr<tunnel_tools> tools,
                       handler<relay_totals> done);

/// Why a tunnel ends that left from an address that is gone.
error lost_address(const std::string& address);

/// When a tunnel has to end, by the later of its bytes and by its beginning.
class tunnel_clock {
public:
  explicit tunnel_clock(const tunnel_limits& limits);

  /// How long from now on the tunnel may be quiet.
  duration next() const;

  /// Why it ended when that time was over.
  error verdict() const;

private:
  tunnel_limits limits_;
  std::chrono::steady_clock::time_point begun_;
};

} // namespace peapod::net
