#include "hosts/net/peer_user.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace peapod::net {

namespace {

/// Where others have no such option.
#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

/// The supplementary groups; empty before Linux 4.13.
std::vector<group_number> groups_behind(int socket) {
  std::vector<group_number> out;
  socklen_t size = 0;
  // The first call tells how many there are.
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, nullptr, &size) == 0
      || errno != ERANGE)
    return out;
  out.resize(size / sizeof(group_number));
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, out.data(), &size) != 0)
    out.clear();
  return out;
}

} // namespace

result<peer_user> user_behind(int socket) {
  ucred who{};
  socklen_t size = sizeof(who);
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0)
    return make_error(errc::io_failed, std::strerror(errno));
  peer_user out{who.uid, groups_behind(socket)};
  out.groups.insert(out.groups.begin(), who.gid);
  return out;
}

} // namespace peapod::net
