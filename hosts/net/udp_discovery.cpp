#include "hosts/net/udp_discovery.hpp"

#include "hosts/net/socket_address.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/multicast.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <utility>

namespace peapod::net {

namespace {

namespace asio = boost::asio;
namespace multicast = asio::ip::multicast;
using asio::ip::address_v4;
using asio::ip::udp;
using boost::system::error_code;

/// How often to look for new interfaces where nobody announces them.
constexpr auto rescan_interval = std::chrono::seconds(2);

/// Received datagrams that wait for `receive`; what comes beyond is dropped,
/// as UDP may.
constexpr size_t max_waiting = 64;

/// Beacons have 75 bytes and a trailer; anything beyond this is not ours.
constexpr size_t max_datagram = 2048;

using receiver = std::function<void(datagram)>;

// -- sockets ------------------------------------------------------------------

/// A bound UDP socket that passes on what it receives until it is closed.
class udp_port : public std::enable_shared_from_this<udp_port> {
public:
  udp_port(udp::socket socket, receiver deliver)
    : socket_(std::move(socket)), deliver_(std::move(deliver)) {}

  void read() {
    socket_.async_receive_from(
        asio::buffer(buffer_), from_,
        [self = shared_from_this()](error_code ec, size_t count) {
          self->received(ec, count);
        });
  }

  void close() {
    error_code ignored;
    socket_.close(ignored);
    deliver_ = nullptr;
  }

  udp::socket& socket() {
    return socket_;
  }

private:
  void received(error_code ec, size_t count) {
    if (!socket_.is_open())
      return;
    // An error is the echo of a datagram sent before (ICMP unreachable).
    if (!ec) {
      auto first = buffer_.begin();
      auto last = first + static_cast<std::ptrdiff_t>(count);
      auto deliver = deliver_;
      deliver({from_asio(from_), slice{byte_buffer(first, last)}});
    }
    if (socket_.is_open())
      read();
  }

  udp::socket socket_;
  receiver deliver_;
  std::array<uint8_t, max_datagram> buffer_;
  udp::endpoint from_;
};

/// A UDP socket on `at` that shares the port with other daemons of this
/// machine.
result<udp::socket> open_shared(const asio::any_io_executor& executor,
                                const udp::endpoint& at) {
  udp::socket socket{executor};
  error_code ec;
  socket.open(udp::v4(), ec);
  if (!ec)
    socket.set_option(udp::socket::reuse_address(true), ec);
  if (!ec)
    socket.bind(at, ec);
  if (!ec)
    socket.non_blocking(true, ec);
  if (ec == asio::error::address_in_use)
    return make_error(
        errc::address_in_use,
        "UDP " + address_text(from_asio(at))
            + " is taken by a program that does not share it: stop "
              "it, or set [discovery] port");
  if (ec)
    return error_of(ec, "cannot use UDP " + address_text(from_asio(at)));
  return socket;
}

/// An interface in use: sends to the group and receives what is sent to its
/// address.
struct member {
  network_interface interface;
  address_v4 source;
  std::shared_ptr<udp_port> port;

  bool reaches(address_v4 to) const {
    auto bits = static_cast<unsigned short>(interface.prefix_length);
    auto net = asio::ip::make_network_v4(source, bits).canonical();
    return asio::ip::make_network_v4(to, bits).canonical() == net;
  }
};

// -- the group ----------------------------------------------------------------

/// The sockets of the group, kept alive by the operations on them.
class group_member : public std::enable_shared_from_this<group_member> {
public:
  group_member(asio::any_io_executor executor, discovery_config config,
               address_v4 group)
    : executor_(std::move(executor)),
      timer_(executor_),
      config_(std::move(config)),
      group_(group, config_.port) {}

  result<void> open() {
    auto socket = open_shared(executor_, group_bind_address());
    if (!socket)
      return socket.error();
    listen_only_to_joined(*socket);
    group_port_ = adopt(std::move(*socket));
    std::weak_ptr<group_member> weak = shared_from_this();
    watcher_ = watch_interfaces(executor_, [weak] {
      if (auto self = weak.lock())
        self->scan();
    });
    scan();
    schedule_scan();
    return {};
  }

  void receive(handler<datagram> done) {
    if (waiting_.empty() && group_port_ != nullptr) {
      done_ = std::move(done);
      return;
    }
    result<datagram> next = cancelled();
    if (group_port_ != nullptr) {
      next = std::move(waiting_.front());
      waiting_.pop_front();
    }
    asio::post(executor_, [done = std::move(done), next] { done(next); });
  }

  result<size_t> announce(const slice& bytes) {
    if (members_.empty())
      return make_error(errc::io_failed, problem_);
    size_t sent = 0;
    error_code last;
    for (auto& one : members_) {
      error_code ec;
      auto data = asio::buffer(bytes.data(), bytes.size());
      one.port->socket().send_to(data, group_, 0, ec);
      if (ec)
        last = ec;
      else
        ++sent;
    }
    if (sent == 0)
      return error_of(last, "cannot send to the discovery group");
    return sent;
  }

  void reply(const endpoint& to, const slice& bytes) {
    auto target = to_asio<udp::endpoint>(to);
    if (!target || !target->address().is_v4() || members_.empty())
      return;
    auto v4 = target->address().to_v4();
    auto near = std::find_if(members_.begin(), members_.end(),
                             [v4](auto& one) { return one.reaches(v4); });
    auto& chosen = near != members_.end() ? *near : members_.front();
    // A lost reply is like a lost datagram: the next beacon asks again.
    error_code ignored;
    auto data = asio::buffer(bytes.data(), bytes.size());
    chosen.port->socket().send_to(data, *target, 0, ignored);
  }

  void close() {
    watcher_.reset();
    timer_.cancel();
    for (auto& one : members_)
      one.port->close();
    members_.clear();
    if (auto port = std::exchange(group_port_, nullptr))
      port->close();
    if (auto done = std::exchange(done_, nullptr))
      asio::post(executor_,
                 [done = std::move(done), e = cancelled()] { done(e); });
  }

private:
  static error cancelled() {
    return make_error(errc::cancelled, "discovery ended");
  }

  /// Bound to the group, a socket does not get what is sent to an address of
  /// this machine; Windows cannot bind to a group.
  udp::endpoint group_bind_address() const {
#ifdef _WIN32
    return {address_v4::any(), config_.port};
#else
    return group_;
#endif
  }

  /// Linux would pass on the group's datagrams from every interface that any
  /// program has joined it on.
  static void listen_only_to_joined(udp::socket& socket) {
#ifdef IP_MULTICAST_ALL
    int off = 0;
    ::setsockopt(socket.native_handle(), IPPROTO_IP, IP_MULTICAST_ALL, &off,
                 sizeof(off));
#else
    static_cast<void>(socket);
#endif
  }

  std::shared_ptr<udp_port> adopt(udp::socket socket) {
    std::weak_ptr<group_member> weak = shared_from_this();
    auto port =
        std::make_shared<udp_port>(std::move(socket), [weak](datagram x) {
          if (auto self = weak.lock())
            self->deliver(std::move(x));
        });
    port->read();
    return port;
  }

  void deliver(datagram x) {
    if (auto done = std::exchange(done_, nullptr))
      done(std::move(x));
    else if (waiting_.size() < max_waiting)
      waiting_.push_back(std::move(x));
  }

  // -- following interfaces ---------------------------------------------------

  void schedule_scan() {
    timer_.expires_after(rescan_interval);
    timer_.async_wait([weak = weak_from_this()](error_code ec) {
      auto self = weak.lock();
      if (ec || self == nullptr || self->group_port_ == nullptr)
        return;
      self->scan();
      self->schedule_scan();
    });
  }

  void scan() {
    auto found = list_interfaces();
    if (!found) {
      problem_ = found.error().detail;
      return;
    }
    problem_ = config_.interfaces.empty()
                   ? "no network is up: connect one, or name it in [discovery] "
                     "interfaces"
                   : "no network of [discovery] interfaces is up";
    leave_all_but(*found);
    for (auto& interface : *found)
      if (auto source = discovery_source(interface, config_))
        if (!uses(interface.index))
          join(interface, asio::ip::make_address_v4(*source));
  }

  /// The group is joined once for an interface, however many addresses it has.
  bool uses(unsigned index) const {
    return std::any_of(members_.begin(), members_.end(), [index](auto& one) {
      return one.interface.index == index;
    });
  }

  void leave_all_but(const std::vector<network_interface>& present) {
    std::erase_if(members_, [&](member& one) {
      if (std::find(present.begin(), present.end(), one.interface)
          != present.end())
        return false;
      error_code ignored;
      group_port_->socket().set_option(
          multicast::leave_group(group_.address().to_v4(), join_address(one)),
          ignored);
      one.port->close();
      return true;
    });
  }

  void join(const network_interface& interface, address_v4 source) {
    auto socket = open_shared(executor_, {source, config_.port});
    if (!socket) {
      problem_ = socket.error().detail;
      return;
    }
    member one{interface, source, nullptr};
    error_code ec;
    group_port_->socket().set_option(
        multicast::join_group(group_.address().to_v4(), join_address(one)), ec);
    // An address that was replaced leaves the group joined on its interface.
    if (!ec || ec == asio::error::address_in_use)
      ec = prepare_to_send(*socket, join_address(one));
    if (ec) {
      problem_ = "cannot join the discovery group on " + interface.name + ": "
                 + ec.message();
      return;
    }
    one.port = adopt(std::move(*socket));
    members_.push_back(std::move(one));
  }

  static address_v4 join_address(const member& one) {
    return asio::ip::make_address_v4(one.interface.address);
  }

  static error_code prepare_to_send(udp::socket& socket, address_v4 through) {
    error_code ec;
    socket.set_option(multicast::outbound_interface(through), ec);
    if (!ec)
      socket.set_option(multicast::hops(1), ec);
    if (!ec)
      socket.set_option(multicast::enable_loopback(true), ec);
    return ec;
  }

  asio::any_io_executor executor_;
  asio::steady_timer timer_;
  discovery_config config_;
  udp::endpoint group_;
  std::shared_ptr<udp_port> group_port_;
  std::vector<member> members_;
  std::unique_ptr<interface_watcher> watcher_;
  std::deque<datagram> waiting_;
  handler<datagram> done_;
  std::string problem_;
};

/// Leaves the group when the owner lets go of it.
class udp_discovery : public discovery_port {
public:
  explicit udp_discovery(std::shared_ptr<group_member> group)
    : group_(std::move(group)) {}

  ~udp_discovery() override {
    group_->close();
  }

  void receive(handler<datagram> done) override {
    group_->receive(std::move(done));
  }

  result<size_t> announce(const slice& bytes) override {
    return group_->announce(bytes);
  }

  void reply(const endpoint& to, const slice& bytes) override {
    group_->reply(to, bytes);
  }

  void close() override {
    group_->close();
  }

private:
  std::shared_ptr<group_member> group_;
};

// -- which interfaces ---------------------------------------------------------

/// Networks of containers, virtual machines and VPNs lead to no nearby device.
bool has_virtual_name(const std::string& name) {
  constexpr std::array<std::string_view, 7> prefixes{
      "docker", "veth", "br-", "virbr", "tun", "tap", "wg"};
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](auto x) { return name.starts_with(x); });
}

bool is_loopback_text(const std::string& address) {
  error_code ec;
  auto parsed = asio::ip::make_address_v4(address, ec);
  return !ec && parsed.is_loopback();
}

/// Whether `address` is one of `interface`; the loopback interface has all of
/// 127.0.0.0/8.
bool owns(const network_interface& interface, const std::string& address) {
  return interface.address == address
         || (interface.loopback && is_loopback_text(address));
}

/// The entry of `listed` that means `interface`.
const std::string* find_listed(const network_interface& interface,
                               const std::vector<std::string>& listed) {
  for (auto& entry : listed)
    if (entry == interface.name || owns(interface, entry))
      return &entry;
  return nullptr;
}

} // namespace

std::optional<std::string> discovery_source(const network_interface& interface,
                                            const discovery_config& config) {
  if (!interface.up || !(interface.multicast || interface.loopback))
    return std::nullopt;
  auto* listed = find_listed(interface, config.interfaces);
  if (!config.interfaces.empty() && listed == nullptr)
    return std::nullopt;
  if (listed == nullptr
      && (interface.loopback || has_virtual_name(interface.name)))
    return std::nullopt;
  auto& own = config.listen.address;
  if (!own.empty() && own != "0.0.0.0" && own != "::")
    return owns(interface, own) ? std::optional{own} : std::nullopt;
  if (listed != nullptr && *listed != interface.name)
    return *listed;
  return interface.address;
}

result<std::unique_ptr<discovery_port>>
open_discovery(asio::any_io_executor executor, discovery_config config) {
  error_code ec;
  auto group = asio::ip::make_address_v4(config.group, ec);
  if (ec || !group.is_multicast())
    return make_error(errc::bad_config,
                      "[discovery] group: \"" + config.group
                          + "\" is not an IPv4 multicast address");
  auto member = std::make_shared<group_member>(std::move(executor),
                                               std::move(config), group);
  if (auto opened = member->open(); !opened) {
    member->close();
    return opened.error();
  }
  return std::unique_ptr<discovery_port>(
      std::make_unique<udp_discovery>(std::move(member)));
}

} // namespace peapod::net
