#pragma once

#include "actors/current.hpp"
#include "actors/interfaces.hpp"
#include "actors/line_probe.hpp"
#include "actors/ports.hpp"
#include "core/egress_map.hpp"
#include "core/types.hpp"

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// This device's own internet connections, each a source of ranges.
namespace peapod {

/// What a line needs of the host.
struct line_port {
  std::string name;                  ///< as the user names it
  std::shared_ptr<http_client> http; ///< over this line alone
  std::shared_ptr<line_probe> probe; ///< or null: nothing is known of it
};

/// One line and what it has done since the start. Its members may be used from
/// any thread; the ports only on theirs.
struct wan_line {
  line_port port; ///< without a client: the pod's
  device_id id{}; ///< as a source; the first line has the device's own
  current<wan_fetcher_actor> fetcher;
  std::atomic<bool> up{true};          ///< as far as the system knows
  std::atomic<uint64_t> fetching{0};   ///< ranges under way
  std::atomic<uint64_t> own_bytes{0};  ///< of ranges for own transfers
  std::atomic<uint64_t> peer_bytes{0}; ///< of ranges for peers
  std::atomic<instant> rests_until{};  ///< it gets nothing: it has failed
  current<egress_facts> facts;
};

/// All lines of this device, at least one. Which there are is said before the
/// pod starts, and does not change.
class wan_lines {
public:
  /// One line without a name, as the system chooses.
  wan_lines();

  /// These lines of `device` instead of that one, unless there are none.
  void use(const std::vector<line_port>& ports, const device_id& device);

  wan_line& first() {
    return lines_.front();
  }

  std::deque<wan_line>& all() {
    return lines_;
  }

  bool several() const {
    return lines_.size() > 1;
  }

  /// The line besides the first one with this id, or null.
  wan_line* other(const device_id& id);

  /// Whether it is the current actor of any line.
  bool has(const wan_fetcher_actor& x) const;

  /// Who has the least to do of those that can be used now, to serve a peer; or
  /// null.
  wan_line* least_busy(instant now);

  /// What is known of them, in their order.
  std::vector<egress_facts> facts() const;

  /// Changes with what is known of them.
  std::atomic<uint64_t> edition{1};

  /// Tells the actors of all lines.
  template <class T>
  void tell(const T& x) const {
    for (auto& line : lines_)
      line.fetcher.tell(x);
  }

  /// Lets go of their actors.
  void forget_actors();

  /// Lets go of their ports, on the ports' thread.
  void forget_ports();

private:
  std::deque<wan_line> lines_;
};

} // namespace peapod
