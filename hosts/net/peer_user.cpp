#include "hosts/net/peer_user.hpp"

#include <grp.h>

#include <algorithm>
#include <cerrno>

namespace peapod::net {

bool peer_user::is_in(group_number group) const {
  return std::ranges::find(groups, group) != groups.end();
}

result<group_number> find_group(const std::string& name) {
  // Members are listed in it, too.
  constexpr size_t most = 1 << 20;
  for (std::vector<char> room(4096); room.size() <= most;
       room.resize(4 * room.size())) {
    group found{};
    group* at = nullptr;
    auto code =
        ::getgrnam_r(name.c_str(), &found, room.data(), room.size(), &at);
    if (code == ERANGE)
      continue;
    if (at != nullptr)
      return group_number{found.gr_gid};
    break;
  }
  return make_error(errc::bad_config, "there is no group " + name
                                          + ": make it with groupadd --system "
                                          + name);
}

} // namespace peapod::net
