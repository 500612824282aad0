#include "hosts/net/routes.hpp"

#include "core/address_policy.hpp"

#include <arpa/inet.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <optional>
#include <span>

namespace peapod::net {

namespace {

/// Addresses of the public internet that nobody filters (two of the DNS root
/// servers): routes are looked up for them, and nothing is sent.
constexpr auto somewhere_v4 = "198.41.0.4";
constexpr auto somewhere_v6 = "2001:503:ba3e::2:30";

// -- one question to the kernel (rtnetlink(7)) --------------------------------

class route_question {
public:
  /// `body` is what follows the header, as in `rtmsg`.
  template <class Body>
  route_question(uint16_t type, const Body& body) {
    auto* header = head();
    header->nlmsg_len = NLMSG_LENGTH(sizeof(body));
    header->nlmsg_type = type;
    header->nlmsg_flags = NLM_F_REQUEST;
    header->nlmsg_seq = 1;
    std::memcpy(NLMSG_DATA(header), &body, sizeof(body));
  }

  void add(uint16_t type, std::span<const uint8_t> value) {
    auto* header = head();
    auto* at = bytes_.data() + NLMSG_ALIGN(header->nlmsg_len);
    rtattr attribute{static_cast<uint16_t>(RTA_LENGTH(value.size())), type};
    std::memcpy(at, &attribute, sizeof(attribute));
    std::memcpy(at + RTA_LENGTH(0), value.data(), value.size());
    header->nlmsg_len =
        NLMSG_ALIGN(header->nlmsg_len) + RTA_ALIGN(attribute.rta_len);
  }

  void add(uint16_t type, uint32_t value) {
    std::array<uint8_t, sizeof(value)> bytes;
    std::memcpy(bytes.data(), &value, sizeof(value));
    add(type, bytes);
  }

  /// Calls `take` with the answer. The kernel has it ready when the question
  /// has been sent. Errors: what it says instead.
  result<void> ask(const std::function<void(const nlmsghdr&)>& take) {
    auto fd = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
                       NETLINK_ROUTE);
    if (fd < 0)
      return failed(errno);
    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    alignas(nlmsghdr) std::array<char, 8192> answer;
    auto* to = reinterpret_cast<sockaddr*>(&kernel);
    ssize_t got = -1;
    if (::sendto(fd, bytes_.data(), head()->nlmsg_len, 0, to, sizeof(kernel))
        >= 0)
      got = ::recv(fd, answer.data(), answer.size(), 0);
    auto why = errno;
    ::close(fd);
    if (got < 0)
      return failed(why);
    auto* header = reinterpret_cast<nlmsghdr*>(answer.data());
    if (!NLMSG_OK(header, static_cast<size_t>(got)))
      return failed(EBADMSG);
    if (header->nlmsg_type != NLMSG_ERROR) {
      take(*header);
      return {};
    }
    nlmsgerr said{};
    std::memcpy(&said, NLMSG_DATA(header), sizeof(said));
    return failed(-said.error);
  }

private:
  static error failed(int why) {
    auto no_way = why == ENETUNREACH || why == EHOSTUNREACH || why == ENODEV
                  || why == EINVAL || why == ENONET || why == EACCES;
    return make_error(no_way ? errc::unreachable : errc::io_failed,
                      std::string{"routes: "} + std::strerror(why));
  }

  nlmsghdr* head() {
    return reinterpret_cast<nlmsghdr*>(bytes_.data());
  }

  alignas(nlmsghdr) std::array<char, 256> bytes_{};
};

/// Calls `take(type, value)` for each attribute behind a `Body`.
template <class Body, class Take>
void each_attribute(const nlmsghdr& header, Take take) {
  auto size = static_cast<int>(header.nlmsg_len - NLMSG_LENGTH(sizeof(Body)));
  auto* begin = reinterpret_cast<const char*>(&header)
                + NLMSG_LENGTH(NLMSG_ALIGN(sizeof(Body)));
  auto* at = reinterpret_cast<const rtattr*>(begin);
  for (; RTA_OK(at, size); at = RTA_NEXT(at, size)) {
    auto* value = reinterpret_cast<const uint8_t*>(at) + RTA_LENGTH(0);
    take(at->rta_type, std::span{value, RTA_PAYLOAD(at)});
  }
}

// -- routes -------------------------------------------------------------------

/// An address of the gateway, which may be of the other family (RFC 5549).
struct next_hop {
  uint8_t family = AF_UNSPEC;
  std::vector<uint8_t> address; ///< empty: there is none
  unsigned interface = 0;
};

result<next_hop> find_hop(const source_bind& from, const ip_address& to) {
  rtmsg body{};
  body.rtm_family = to.is_v4() ? AF_INET : AF_INET6;
  auto bits = static_cast<uint8_t>(8 * to.bytes().size());
  body.rtm_dst_len = bits;
  auto source = parse_ip(from.address);
  if (source)
    body.rtm_src_len = bits;
  route_question question{RTM_GETROUTE, body};
  question.add(RTA_DST, to.bytes());
  if (source)
    question.add(RTA_SRC, source->bytes());
  if (!from.interface.empty()) {
    auto index = if_nametoindex(from.interface.c_str());
    if (index == 0)
      return make_error(errc::unreachable, from.interface + " is not there");
    question.add(RTA_OIF, index);
  }
  next_hop out;
  uint8_t type = RTN_UNSPEC;
  auto ok = question.ask([&](const nlmsghdr& header) {
    rtmsg route{};
    std::memcpy(&route, NLMSG_DATA(&header), sizeof(route));
    type = route.rtm_type;
    out.family = route.rtm_family;
    each_attribute<rtmsg>(header, [&](uint16_t kind, auto value) {
      if (kind == RTA_OIF && value.size() == sizeof(uint32_t))
        std::memcpy(&out.interface, value.data(), value.size());
      else if (kind == RTA_GATEWAY)
        out.address.assign(value.begin(), value.end());
      else if (kind == RTA_VIA && value.size() > sizeof(uint16_t)) {
        uint16_t family = 0;
        std::memcpy(&family, value.data(), sizeof(family));
        out.family = static_cast<uint8_t>(family);
        out.address.assign(value.begin() + sizeof(family), value.end());
      }
    });
  });
  if (!ok)
    return ok.error();
  if (type != RTN_UNICAST)
    return make_error(errc::unreachable, "no route leads to the internet");
  return out;
}

/// The link-layer address of a neighbour, if the kernel knows it now.
std::string find_mac(const next_hop& of) {
  ndmsg body{};
  body.ndm_family = of.family;
  body.ndm_ifindex = static_cast<int>(of.interface);
  route_question question{RTM_GETNEIGH, body};
  question.add(NDA_DST, of.address);
  std::string out;
  (void)question.ask([&](const nlmsghdr& header) {
    each_attribute<ndmsg>(header, [&](uint16_t kind, auto value) {
      if (kind == NDA_LLADDR)
        out = to_hex(value);
    });
  });
  return out;
}

std::string text_of(const next_hop& x) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  auto size = x.family == AF_INET ? sizeof(in_addr) : sizeof(in6_addr);
  if (x.address.size() == size)
    inet_ntop(x.family, x.address.data(), text.data(), text.size());
  return text.data();
}

} // namespace

result<default_way> find_default_way(const source_bind& from) {
  auto source = parse_ip(from.address);
  auto first = source && !source->is_v4() ? somewhere_v6 : somewhere_v4;
  auto hop = find_hop(from, *parse_ip(first));
  if (!hop && !source)
    if (auto other = find_hop(from, *parse_ip(somewhere_v6)))
      hop = std::move(other);
  if (!hop)
    return hop.error();
  default_way out;
  std::array<char, IF_NAMESIZE> name{};
  if (if_indextoname(hop->interface, name.data()) != nullptr)
    out.interface = name.data();
  if (hop->address.empty())
    return out;
  out.gateway = text_of(*hop);
  out.gateway_mac = find_mac(*hop);
  return out;
}

} // namespace peapod::net
