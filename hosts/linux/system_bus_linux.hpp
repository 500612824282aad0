#pragma once

#include "core/types.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>

/// Properties of services on the system bus (D-Bus), by libsystemd.
namespace peapod {

/// An object of a service and the interface that has the properties.
struct bus_object {
  std::string service;
  std::string path;
  std::string interface;
};

/// Properties of simple types by name; others are left out. Empty when the
/// service or the bus is not there.
using bus_values = std::map<std::string, std::variant<bool, uint32_t, double>>;

/// The value of a property; nothing when it is missing or of another type.
template <class T>
std::optional<T> value_of(const bus_values& in, const std::string& name) {
  auto i = in.find(name);
  auto* x = i == in.end() ? nullptr : std::get_if<T>(&i->second);
  return x ? std::optional{*x} : std::nullopt;
}

/// How long to wait before the bus is tried again, doubled each time.
struct bus_patience {
  duration first = std::chrono::seconds(5);
  duration longest = std::chrono::minutes(5);
};

/// Follows objects, also over the end and return of their services and of the
/// bus. Lives on one executor and never waits for an answer.
class system_bus {
public:
  explicit system_bus(boost::asio::any_io_executor executor,
                      bus_patience retries = {});
  system_bus(const system_bus&) = delete;
  system_bus& operator=(const system_bus&) = delete;

  /// Ends it: nobody is told anything any more.
  ~system_bus();

  /// Tells `changed` the properties of an object whenever they may have
  /// changed. To be called before `start`.
  void follow(bus_object object,
              std::function<void(const bus_values&)> changed);

  /// Connects to `$DBUS_SYSTEM_BUS_ADDRESS`, or where the system bus usually
  /// is, now and whenever the connection is lost.
  void start();

private:
  class impl;
  std::shared_ptr<impl> impl_;
};

} // namespace peapod
