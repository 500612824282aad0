#include "hosts/net/interfaces.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>

namespace peapod::net {

namespace {

namespace asio = boost::asio;

// -- listing ------------------------------------------------------------------

in_addr address_of(const sockaddr* x) {
  sockaddr_in out{};
  std::memcpy(&out, x, sizeof(out));
  return out.sin_addr;
}

network_interface describe(const ifaddrs& entry) {
  std::array<char, INET_ADDRSTRLEN> text{};
  auto address = address_of(entry.ifa_addr);
  inet_ntop(AF_INET, &address, text.data(), text.size());
  network_interface out;
  out.name = entry.ifa_name;
  out.index = if_nametoindex(entry.ifa_name);
  out.address = text.data();
  if (entry.ifa_netmask != nullptr) {
    auto mask = address_of(entry.ifa_netmask).s_addr;
    out.prefix_length = static_cast<unsigned>(std::popcount(mask));
  }
  constexpr unsigned running = IFF_UP | IFF_RUNNING;
  out.up = (entry.ifa_flags & running) == running;
  out.multicast = (entry.ifa_flags & IFF_MULTICAST) != 0;
  out.loopback = (entry.ifa_flags & IFF_LOOPBACK) != 0;
  out.point_to_point = (entry.ifa_flags & IFF_POINTOPOINT) != 0;
  return out;
}

// -- watching -----------------------------------------------------------------

int open_route_socket() {
  auto fd = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
                     NETLINK_ROUTE);
  if (fd < 0)
    return -1;
  sockaddr_nl local{};
  local.nl_family = AF_NETLINK;
  local.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR;
  if (::bind(fd, reinterpret_cast<sockaddr*>(&local), sizeof(local)) == 0)
    return fd;
  ::close(fd);
  return -1;
}

/// Reads announcements of the kernel only to know that there were some.
class route_socket : public std::enable_shared_from_this<route_socket> {
public:
  route_socket(asio::any_io_executor executor, int fd,
               std::function<void()> changed)
    : socket_(executor, fd), changed_(std::move(changed)) {}

  void wait() {
    socket_.async_wait(asio::posix::descriptor_base::wait_read,
                       [self = shared_from_this()](auto ec) {
                         if (!ec && self->socket_.is_open())
                           self->drain();
                       });
  }

  void close() {
    boost::system::error_code ignored;
    socket_.close(ignored);
    changed_ = nullptr;
  }

private:
  void drain() {
    std::array<char, 8192> buffer;
    ssize_t got = 0;
    // ENOBUFS says that announcements were lost: that is a change, too.
    do
      got = ::recv(socket_.native_handle(), buffer.data(), buffer.size(), 0);
    while (got > 0 || (got < 0 && (errno == EINTR || errno == ENOBUFS)));
    if (auto f = changed_)
      f();
    if (socket_.is_open())
      wait();
  }

  asio::posix::stream_descriptor socket_;
  std::function<void()> changed_;
};

class route_watcher : public interface_watcher {
public:
  explicit route_watcher(std::shared_ptr<route_socket> socket)
    : socket_(std::move(socket)) {
    socket_->wait();
  }

  ~route_watcher() override {
    socket_->close();
  }

private:
  std::shared_ptr<route_socket> socket_;
};

} // namespace

result<std::vector<network_interface>> list_interfaces() {
  ifaddrs* head = nullptr;
  if (::getifaddrs(&head) != 0)
    return make_error(errc::io_failed,
                      std::string{"cannot list network interfaces: "}
                          + std::strerror(errno));
  std::vector<network_interface> out;
  for (auto* entry = head; entry != nullptr; entry = entry->ifa_next)
    if (entry->ifa_addr != nullptr && entry->ifa_addr->sa_family == AF_INET)
      out.push_back(describe(*entry));
  ::freeifaddrs(head);
  return out;
}

result<std::vector<std::string>> own_addresses() {
  ifaddrs* head = nullptr;
  if (::getifaddrs(&head) != 0)
    return make_error(errc::io_failed,
                      std::string{"cannot list own addresses: "}
                          + std::strerror(errno));
  std::vector<std::string> out;
  for (auto* entry = head; entry != nullptr; entry = entry->ifa_next) {
    auto family = entry->ifa_addr ? entry->ifa_addr->sa_family : AF_UNSPEC;
    auto size = family == AF_INET    ? sizeof(sockaddr_in)
                : family == AF_INET6 ? sizeof(sockaddr_in6)
                                     : 0;
    char text[NI_MAXHOST];
    if (size == 0
        || ::getnameinfo(entry->ifa_addr, static_cast<socklen_t>(size), text,
                         sizeof(text), nullptr, 0, NI_NUMERICHOST)
               != 0)
      continue;
    std::string address{text};
    out.push_back(address.substr(0, address.find('%')));
  }
  ::freeifaddrs(head);
  return out;
}

std::unique_ptr<interface_watcher>
watch_interfaces(asio::any_io_executor executor,
                 std::function<void()> changed) {
  auto fd = open_route_socket();
  if (fd < 0)
    return nullptr;
  return std::make_unique<route_watcher>(std::make_shared<route_socket>(
      std::move(executor), fd, std::move(changed)));
}

} // namespace peapod::net
