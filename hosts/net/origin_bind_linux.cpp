#include "hosts/net/origin_dialer.hpp"

#include "actors/error_page.hpp"
#include "hosts/net/socket_address.hpp"

#include <cerrno>
#include <sys/socket.h>

namespace peapod::net {

result<void> bind_to_interface(int descriptor, const std::string& name) {
  auto size = static_cast<socklen_t>(name.size());
  auto rc =
      setsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, name.data(), size);
  if (rc == 0)
    return {};
  if (errno == ENODEV)
    return missing_line(name);
  boost::system::error_code ec{errno, boost::system::system_category()};
  return error_of(ec, "interface " + name);
}

} // namespace peapod::net
