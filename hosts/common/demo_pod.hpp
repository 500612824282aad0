#pragma once

#include "actors/environment.hpp"
#include "actors/ports.hpp"
#include "core/error.hpp"
#include "hosts/common/cli.hpp"
#include "hosts/common/node.hpp"

#include <boost/json/value.hpp>

#include <cstdint>
#include <deque>
#include <filesystem>
#include <iosfwd>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace peapod {

/// The last warnings of the demo's devices. Thread-safe.
class demo_warnings {
public:
  /// Keeps `line` and forgets the oldest ones.
  void add(std::string line);

  /// A log for the device that is called `name`; must not outlive this object.
  log_sink sink_of(std::string name);

  /// Writes a line for each.
  void print(std::ostream& out);

private:
  std::mutex mutex_;
  std::deque<std::string> lines_;
};

/// Who brought the bytes of a download.
struct demo_ledger {
  bool running = false;            ///< more may come
  std::vector<uint64_t> by_device; ///< bytes, the user's device first
  uint64_t wasted = 0;             ///< bytes that were not needed
};

/// The devices of the demo, whole ones but for their loopback addresses. The
/// first is the user's. They fetch for each other from one origin only.
class demo_pod {
public:
  /// At most `devices` of them, which keep what they write in `folder` and
  /// share no discovery group with devices that are not the demo's. Error:
  /// `io_failed` when there is no free UDP port for the group.
  static result<std::unique_ptr<demo_pod>>
  make(unsigned devices, const endpoint& origin, std::filesystem::path folder);

  /// Starts the next device; once discovery does not open, it is told the
  /// addresses of the others. Errors: those of `node::open`.
  result<void> add_device();

  /// Starts all devices that are not there yet. Errors: as `add_device`.
  result<void> add_all();

  /// Starts all devices but the first anew, and tells them the addresses of
  /// the others. Errors: as `add_device`.
  result<void> restart_without_multicast();

  /// Whether devices find each other by discovery.
  bool multicast() const {
    return multicast_;
  }

  /// Devices that the first one is connected to, and itself.
  size_t size();

  /// Who brought the bytes of the first device's download whose URL ends with
  /// `name`; nothing when it was not pooled.
  std::optional<demo_ledger> ledger_of(const std::string& name);

  const std::vector<std::unique_ptr<node>>& devices() const {
    return devices_;
  }

  /// The control socket of the first device.
  std::filesystem::path socket() const;

  demo_warnings& warnings() {
    return warnings_;
  }

  /// What the device with this index is called.
  static std::string name_of(size_t index);

private:
  demo_pod(unsigned devices, const endpoint& origin,
           std::filesystem::path folder, uint16_t discovery_port);

  result<std::unique_ptr<node>> open_device();
  settings settings_of(size_t index) const;
  boost::json::value status_of_first();
  demo_ledger read_ledger(const boost::json::object& transfer) const;
  bool is_called(size_t index, std::string_view source) const;

  unsigned count_;
  endpoint origin_;
  std::filesystem::path folder_;
  uint16_t discovery_port_;
  bool multicast_ = true;
  demo_warnings warnings_;
  std::vector<std::unique_ptr<node>> devices_;
};

} // namespace peapod
