#pragma once

#include "core/error.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace peapod::net {

/// A user and a group as the system numbers them.
using user_number = uint32_t;
using group_number = uint32_t;

/// Who is at the other end of a Unix socket.
struct peer_user {
  user_number user = 0;
  std::vector<group_number> groups; ///< the first one is that of the process

  bool is_in(group_number group) const;
};

/// Who has connected the Unix socket `socket`, as the system wrote it down
/// then: a descriptor that was handed on does not change it. Error:
/// `io_failed`.
result<peer_user> user_behind(int socket);

/// The number of a group. Error: `bad_config` when there is no such group.
result<group_number> find_group(const std::string& name);

} // namespace peapod::net
