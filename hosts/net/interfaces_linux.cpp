#include "hosts/net/interfaces.hpp"

#include "core/types.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/if_addr.h>
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
#include <cstddef>
#include <cstring>
#include <fstream>
#include <set>
#include <utility>

namespace peapod::net {

namespace {

namespace asio = boost::asio;

// -- listing ------------------------------------------------------------------

std::string text_of(const sockaddr* x) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (x->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, x, sizeof(v4));
    inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
  } else {
    sockaddr_in6 v6{};
    std::memcpy(&v6, x, sizeof(v6));
    inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
  }
  return text.data();
}

/// How many bits of a mask are set.
unsigned bits_of(const sockaddr* mask) {
  auto count = [](const auto& bytes) {
    unsigned out = 0;
    for (auto x : bytes)
      out += static_cast<unsigned>(std::popcount(x));
    return out;
  };
  std::array<uint8_t, 4> v4{};
  std::array<uint8_t, 16> v6{};
  auto* bytes = reinterpret_cast<const char*>(mask);
  if (mask->sa_family == AF_INET) {
    std::memcpy(v4.data(), bytes + offsetof(sockaddr_in, sin_addr), v4.size());
    return count(v4);
  }
  std::memcpy(v6.data(), bytes + offsetof(sockaddr_in6, sin6_addr), v6.size());
  return count(v6);
}

bool is_ip(const sockaddr* x) {
  return x != nullptr && (x->sa_family == AF_INET || x->sa_family == AF_INET6);
}

network_interface describe(const ifaddrs& entry) {
  network_interface out;
  out.name = entry.ifa_name;
  out.index = if_nametoindex(entry.ifa_name);
  out.address = text_of(entry.ifa_addr);
  if (is_ip(entry.ifa_netmask))
    out.prefix_length = bits_of(entry.ifa_netmask);
  constexpr unsigned running = IFF_UP | IFF_RUNNING;
  out.up = (entry.ifa_flags & running) == running;
  out.multicast = (entry.ifa_flags & IFF_MULTICAST) != 0;
  out.loopback = (entry.ifa_flags & IFF_LOOPBACK) != 0;
  out.point_to_point = (entry.ifa_flags & IFF_POINTOPOINT) != 0;
  if (out.point_to_point && is_ip(entry.ifa_dstaddr))
    out.peer = text_of(entry.ifa_dstaddr);
  return out;
}

using address_on = std::pair<unsigned, std::string>;

/// The IPv6 addresses that cannot be used yet, or at all: others may have them.
/// Lines of /proc/net/if_inet6 are address, index, length of the prefix, scope
/// and flags in hexadecimal, and the name of the interface.
std::set<address_on> unusable_addresses() {
  std::set<address_on> out;
  std::ifstream in{"/proc/net/if_inet6"};
  std::string digits;
  std::string name;
  unsigned index = 0, length = 0, scope = 0, flags = 0;
  while (in >> digits >> std::hex >> index >> length >> scope >> flags
         >> name) {
    in6_addr address{};
    auto bytes = from_hex(digits);
    if ((flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) == 0
        || bytes.size() != sizeof(address))
      continue;
    std::memcpy(&address, bytes.data(), bytes.size());
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(AF_INET6, &address, text.data(), text.size());
    out.emplace(index, text.data());
  }
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
  local.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
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
    if (is_ip(entry->ifa_addr))
      out.push_back(describe(*entry));
  ::freeifaddrs(head);
  std::erase_if(out, [unusable = unusable_addresses()](auto& x) {
    return unusable.contains({x.index, x.address});
  });
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
