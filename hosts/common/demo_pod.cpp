#include "hosts/common/demo_pod.hpp"

#include "core/address_policy.hpp"
#include "core/identity.hpp"
#include "hosts/common/identity_file.hpp"
#include "hosts/net/socket_address.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/json.hpp>

#include <ostream>

namespace peapod {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using boost::system::error_code;

/// Not the group of the daemon: the demo must not meet one.
constexpr auto demo_group = "239.255.60.61";

/// A UDP port that nothing on this machine uses.
result<uint16_t> free_udp_port() {
  asio::io_context io{1};
  asio::ip::udp::socket socket{io};
  error_code ec;
  socket.open(asio::ip::udp::v4(), ec);
  if (!ec)
    socket.bind({asio::ip::address_v4::any(), 0}, ec);
  if (ec)
    return net::error_of(ec, "cannot open a UDP port");
  return socket.local_endpoint().port();
}

std::string address_of(size_t index) {
  return "127.60.60." + std::to_string(index + 1);
}

} // namespace

// -- warnings -----------------------------------------------------------------

void demo_warnings::add(std::string line) {
  constexpr size_t max_lines = 20;
  std::lock_guard guard{mutex_};
  lines_.push_back(std::move(line));
  if (lines_.size() > max_lines)
    lines_.pop_front();
}

log_sink demo_warnings::sink_of(std::string name) {
  return
      [this, name = std::move(name)](log_level level, const std::string& line) {
        if (level >= log_level::warn)
          add(name + ": " + line);
      };
}

void demo_warnings::print(std::ostream& out) {
  std::lock_guard guard{mutex_};
  for (auto& line : lines_)
    out << "  " << line << '\n';
}

// -- starting devices ---------------------------------------------------------

result<std::unique_ptr<demo_pod>> demo_pod::make(unsigned devices,
                                                 const endpoint& origin,
                                                 std::filesystem::path folder) {
  auto port = free_udp_port();
  if (!port)
    return port.error();
  return std::unique_ptr<demo_pod>{
      new demo_pod{devices, origin, std::move(folder), *port}};
}

demo_pod::demo_pod(unsigned devices, const endpoint& origin,
                   std::filesystem::path folder, uint16_t discovery_port)
  : count_(devices),
    origin_(origin),
    folder_(std::move(folder)),
    discovery_port_(discovery_port) {}

result<void> demo_pod::add_device() {
  auto opened = open_device();
  if (!opened && multicast_) {
    multicast_ = false;
    opened = open_device();
  }
  if (!opened)
    return opened.error();
  auto name = name_of(devices_.size());
  devices_.push_back(std::move(*opened));
  devices_.back()->start([this, name](std::string reason) {
    warnings_.add(name + " gave up: " + reason);
  });
  return {};
}

result<void> demo_pod::add_all() {
  while (devices_.size() < count_)
    if (auto added = add_device(); !added)
      return added.error();
  return {};
}

result<void> demo_pod::restart_without_multicast() {
  multicast_ = false;
  devices_.resize(1);
  return add_all();
}

result<std::unique_ptr<node>> demo_pod::open_device() {
  auto x = settings_of(devices_.size());
  return node::open(x, identity::generate(system_random),
                    warnings_.sink_of(x.pod.name), "demo");
}

settings demo_pod::settings_of(size_t index) const {
  settings x;
  x.pod.name = name_of(index);
  x.pod.state_dir = folder_ / x.pod.name;
  x.proxy.listen = {"127.0.0.1", 0};
  x.transport.listen = {address_of(index), 0};
  x.discovery.enabled = multicast_;
  x.discovery.group = demo_group;
  x.discovery.port = discovery_port_;
  x.discovery.interfaces = {address_of(index)};
  if (!multicast_)
    for (auto& device : devices_)
      x.discovery.static_peers.push_back({device->transport(), device->id()});
  x.share.allow_private = {*parse_network("127.0.0.0/8")};
  // Nobody else is in the demo's group.
  x.trust.mode = trust_mode::open;
  x.share.ports = {origin_.port};
  x.wan.bind = {address_of(index)};
  if (index == 0)
    x.console.socket = socket();
  return x;
}

std::filesystem::path demo_pod::socket() const {
  return folder_ / "control.sock";
}

std::string demo_pod::name_of(size_t index) {
  return "device-" + std::to_string(index + 1);
}

// -- what the first device says -----------------------------------------------

json::value demo_pod::status_of_first() {
  error_code ec;
  return json::parse(devices_.front()->status_json(), ec);
}

size_t demo_pod::size() {
  auto status = status_of_first();
  error_code ec;
  auto* size = status.find_pointer("/pod_size", ec);
  return size == nullptr ? 1 : size->to_number<size_t>(ec);
}

std::optional<demo_ledger> demo_pod::ledger_of(const std::string& name) {
  auto status = status_of_first();
  error_code ec;
  auto* transfers = status.find_pointer("/transfers", ec);
  if (transfers == nullptr)
    return std::nullopt;
  for (auto& x : transfers->as_array()) {
    auto& transfer = x.as_object();
    if (std::string_view{transfer.at("url").as_string()}.ends_with(name))
      return read_ledger(transfer);
  }
  return std::nullopt;
}

demo_ledger demo_pod::read_ledger(const json::object& transfer) const {
  demo_ledger out;
  out.running = transfer.at("state").as_string() == "running";
  out.wasted = transfer.at("wasted").to_number<uint64_t>();
  out.by_device.resize(devices_.size());
  for (auto& [source, bytes] : transfer.at("bytes").as_object())
    for (size_t i = 0; i < devices_.size(); ++i)
      if (is_called(i, source))
        out.by_device[i] += bytes.to_number<uint64_t>();
  return out;
}

/// The first device speaks of itself, and of others by name or by id.
bool demo_pod::is_called(size_t index, std::string_view source) const {
  return source == (index == 0 ? "self" : name_of(index))
         || source == to_string(devices_[index]->id());
}

} // namespace peapod
