#include "hosts/net/udp_discovery.hpp"

#include "core/datagram_gate.hpp"
#include "hosts/net/socket_address.hpp"
#include "hosts/net/udp_port.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <deque>
#include <utility>

namespace peapod::net {

namespace {

namespace asio = boost::asio;
using asio::ip::address;
using asio::ip::address_v4;
using asio::ip::address_v6;
using asio::ip::udp;
using boost::system::error_code;

/// How often to look for new interfaces where nobody announces them.
constexpr auto rescan_interval = std::chrono::seconds(2);

/// Received datagrams that wait for `receive`: as many as devices that answer
/// at once. What comes beyond is dropped, as UDP may.
constexpr size_t max_waiting = 256;

instant steady_now() {
  return instant{std::chrono::steady_clock::now().time_since_epoch()};
}

/// An interface in use, with one address of it.
struct member {
  network_interface interface;
  address source;
  udp::endpoint group; ///< with the interface's zone, for IPv6
  link around;
  group_sockets sockets;

  bool reaches(const address& to) const {
    return to.is_v6() == source.is_v6() && around.has(text_of(to));
  }
};

/// The sockets of the group, kept alive by the operations on them.
class group_member : public std::enable_shared_from_this<group_member> {
public:
  group_member(asio::any_io_executor executor, discovery_config config,
               address_v4 group, address_v6 group_v6)
    : executor_(std::move(executor)),
      timer_(executor_),
      config_(std::move(config)),
      group_(group),
      group_v6_(group_v6) {}

  result<void> open() {
    // Tells at once of a program that does not share the port.
    auto probe = udp_port::open(
        executor_, group_bind_address({group_, config_.port}), nullptr);
    if (!probe)
      return probe.error();
    (**probe).close();
    open_ = true;
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
    if (waiting_.empty() && open_) {
      done_ = std::move(done);
      return;
    }
    result<datagram> next = cancelled();
    if (open_) {
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
      one.sockets.own->socket().send_to(data, one.group, 0, ec);
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
    if (!target)
      return;
    auto near = std::ranges::find_if(
        members_, [&](auto& one) { return one.reaches(target->address()); });
    if (near == members_.end())
      return;
    // A lost reply is like a lost datagram: the next beacon asks again.
    error_code ignored;
    auto data = asio::buffer(bytes.data(), bytes.size());
    near->sockets.own->socket().send_to(data, *target, 0, ignored);
  }

  void close() {
    watcher_.reset();
    timer_.cancel();
    for (auto& one : members_)
      one.sockets.close();
    members_.clear();
    open_ = false;
    if (auto done = std::exchange(done_, nullptr))
      asio::post(executor_,
                 [done = std::move(done), e = cancelled()] { done(e); });
  }

private:
  static error cancelled() {
    return make_error(errc::cancelled, "discovery ended");
  }

  // -- what is heard ----------------------------------------------------------

  /// Takes what neighbours on the interface say, and not too much of it.
  udp_port::receiver receiver_of(link around) {
    return [weak = weak_from_this(), around = std::move(around)](datagram x) {
      auto self = weak.lock();
      if (self && around.has(x.from.address)
          && self->gate_.admit(x.from.address, steady_now()))
        self->deliver(std::move(x));
    };
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
      if (ec || self == nullptr || !self->open_)
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
      if (auto source = discovery_source(interface, config_)) {
        error_code ec;
        auto parsed = asio::ip::make_address(*source, ec);
        if (!ec && !uses(interface.index, parsed.is_v6()))
          join(interface, parsed, link{interface.index, *found});
      }
  }

  /// The group is joined once for an interface, however many addresses it has.
  bool uses(unsigned index, bool v6) const {
    return std::ranges::any_of(members_, [=](auto& one) {
      return one.interface.index == index && one.source.is_v6() == v6;
    });
  }

  void leave_all_but(const std::vector<network_interface>& present) {
    std::erase_if(members_, [&](member& one) {
      auto is_present =
          std::ranges::find(present, one.interface) != present.end();
      if (is_present && one.around == link{one.interface.index, present})
        return false;
      one.sockets.close();
      return true;
    });
  }

  void join(const network_interface& interface, const address& source,
            const link& around) {
    address group = group_;
    if (source.is_v6()) {
      auto scoped = group_v6_;
      scoped.scope_id(interface.index);
      group = scoped;
    }
    udp::endpoint at{group, config_.port};
    error_code ignored;
    auto sockets = group_sockets::open(
        executor_, {source, config_.port}, at, interface.index,
        asio::ip::make_address(interface.address, ignored),
        receiver_of(around));
    if (sockets)
      members_.push_back({interface, source, at, around, std::move(*sockets)});
    else
      problem_ = interface.name + ": " + sockets.error().detail;
  }

  asio::any_io_executor executor_;
  asio::steady_timer timer_;
  discovery_config config_;
  address_v4 group_;
  address_v6 group_v6_;
  bool open_ = false;
  std::vector<member> members_;
  datagram_gate gate_;
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

} // namespace

result<std::unique_ptr<discovery_port>>
open_discovery(asio::any_io_executor executor, discovery_config config) {
  error_code ec;
  auto group = asio::ip::make_address_v4(config.group, ec);
  if (ec || !group.is_multicast())
    return make_error(errc::bad_config,
                      "[discovery] group: \"" + config.group
                          + "\" is not an IPv4 multicast address");
  auto group_v6 = asio::ip::make_address_v6(config.group_v6, ec);
  if (ec || !group_v6.is_multicast_link_local())
    return make_error(errc::bad_config,
                      "\"" + config.group_v6
                          + "\" is not a link-local IPv6 multicast address");
  auto member = std::make_shared<group_member>(
      std::move(executor), std::move(config), group, group_v6);
  if (auto opened = member->open(); !opened) {
    member->close();
    return opened.error();
  }
  return std::unique_ptr<discovery_port>(
      std::make_unique<udp_discovery>(std::move(member)));
}

} // namespace peapod::net
