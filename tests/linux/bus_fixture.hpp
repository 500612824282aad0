#pragma once

#include <boost/asio/io_context.hpp>

#include <systemd/sd-bus.h>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>

#include <caf/test/dsl.hpp>

/// A bus of a test's own and services that it makes up.
namespace peapod::fakes {

using namespace std::chrono_literals;

/// A dbus-daemon in a folder of its own. While it lives it is the system bus of
/// this process.
class private_bus {
public:
  private_bus() {
    std::string pattern = std::filesystem::temp_directory_path() / "bus-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    std::ofstream{folder_ / "bus.conf"}
        << "<busconfig><listen>unix:path=" << socket().string()
        << "</listen><policy context='default'><allow send_destination='*' "
           "eavesdrop='true'/>"
           "<allow eavesdrop='true'/><allow own='*'/></policy></busconfig>";
    ::setenv("DBUS_SYSTEM_BUS_ADDRESS", address().c_str(), 1);
  }

  ~private_bus() {
    stop();
    std::filesystem::remove_all(folder_);
  }

  std::string address() const {
    return "unix:path=" + socket().string();
  }

  void start() {
    int ready[2];
    CAF_REQUIRE_EQUAL(::pipe(ready), 0);
    child_ = ::fork();
    if (child_ == 0) {
      // It does not outlive a test that is killed.
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      auto config = "--config-file=" + (folder_ / "bus.conf").string();
      auto told = "--print-address=" + std::to_string(ready[1]);
      ::execlp("dbus-daemon", "dbus-daemon", "--nofork", config.c_str(),
               told.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(ready[1]);
    char byte = 0;
    CAF_REQUIRE_EQUAL(::read(ready[0], &byte, 1), 1);
    ::close(ready[0]);
  }

  void stop() {
    if (child_ <= 0)
      return;
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    child_ = 0;
    std::filesystem::remove(socket());
  }

private:
  std::filesystem::path socket() const {
    return folder_ / "socket";
  }

  std::filesystem::path folder_;
  pid_t child_ = 0;
};

/// NetworkManager and UPower, as far as anybody here asks them.
class fake_services {
public:
  explicit fake_services(const private_bus& at) {
    CAF_REQUIRE(sd_bus_new(&bus_) >= 0);
    CAF_REQUIRE(sd_bus_set_address(bus_, at.address().c_str()) >= 0);
    CAF_REQUIRE(sd_bus_set_bus_client(bus_, 1) >= 0);
    CAF_REQUIRE(sd_bus_start(bus_) >= 0);
    add(manager_path, manager, manager_table());
    add(power_path, power, power_table());
    add(battery_path, battery, battery_table());
  }

  fake_services(const fake_services&) = delete;

  ~fake_services() {
    sd_bus_close_unref(bus_);
  }

  void own(const char* name) {
    CAF_REQUIRE(sd_bus_request_name(bus_, name, 0) >= 0);
  }

  void disown(const char* name) {
    CAF_REQUIRE(sd_bus_release_name(bus_, name) >= 0);
  }

  void set_metered(uint32_t x) {
    metered_ = x;
    tell(manager_path, manager, "Metered");
  }

  void set_on_battery(bool x) {
    on_battery_ = x;
    tell(power_path, power, "OnBattery");
  }

  void set_battery(bool present, double percent, uint32_t state) {
    present_ = present;
    percent_ = percent;
    state_ = state;
    tell(battery_path, battery, "Percentage");
  }

  void run() {
    while (sd_bus_process(bus_, nullptr) > 0)
      ;
    sd_bus_flush(bus_);
  }

  static constexpr auto manager = "org.freedesktop.NetworkManager";
  static constexpr auto power = "org.freedesktop.UPower";

private:
  static constexpr auto manager_path = "/org/freedesktop/NetworkManager";
  static constexpr auto power_path = "/org/freedesktop/UPower";
  static constexpr auto battery_path =
      "/org/freedesktop/UPower/devices/DisplayDevice";
  static constexpr auto battery = "org.freedesktop.UPower.Device";

  void add(const char* path, const char* interface,
           const sd_bus_vtable* table) {
    CAF_REQUIRE(
        sd_bus_add_object_vtable(bus_, nullptr, path, interface, table, this)
        >= 0);
  }

  void tell(const char* path, const char* interface, const char* name) {
    sd_bus_emit_properties_changed(bus_, path, interface, name, nullptr);
    sd_bus_flush(bus_);
  }

  template <auto Member, class Wire>
  static int give(sd_bus*, const char*, const char*, const char*,
                  sd_bus_message* to, void* data, sd_bus_error*) {
    auto x = static_cast<Wire>(static_cast<fake_services*>(data)->*Member);
    constexpr char type = std::is_same_v<Wire, double>     ? 'd'
                          : std::is_same_v<Wire, uint32_t> ? 'u'
                                                           : 'b';
    return sd_bus_message_append_basic(to, type, &x);
  }

  static int give_list(sd_bus*, const char*, const char*, const char*,
                       sd_bus_message* to, void*, sd_bus_error*) {
    return sd_bus_message_append(to, "as", 2, "of", "texts");
  }

  static const sd_bus_vtable* manager_table() {
    static const sd_bus_vtable out[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("ActiveConnections", "as", give_list, 0, 0),
        SD_BUS_PROPERTY("Metered", "u",
                        (give<&fake_services::metered_, uint32_t>), 0,
                        SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_VTABLE_END};
    return out;
  }

  static const sd_bus_vtable* power_table() {
    static const sd_bus_vtable out[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("OnBattery", "b",
                        (give<&fake_services::on_battery_, int>), 0,
                        SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_VTABLE_END};
    return out;
  }

  static const sd_bus_vtable* battery_table() {
    static const sd_bus_vtable out[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("IsPresent", "b", (give<&fake_services::present_, int>),
                        0, 0),
        SD_BUS_PROPERTY("Percentage", "d",
                        (give<&fake_services::percent_, double>), 0,
                        SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("State", "u", (give<&fake_services::state_, uint32_t>),
                        0, 0),
        SD_BUS_VTABLE_END};
    return out;
  }

  sd_bus* bus_ = nullptr;
  uint32_t metered_ = 0;
  bool on_battery_ = false;
  bool present_ = false;
  double percent_ = 0;
  uint32_t state_ = 0;
};

} // namespace peapod::fakes
