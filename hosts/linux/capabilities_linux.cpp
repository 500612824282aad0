#include "hosts/linux/capabilities_linux.hpp"

#include "core/address_policy.hpp"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <initializer_list>
#include <string>

namespace peapod {

namespace {

constexpr capability_set bit(int capability) {
  return capability_set{1} << capability;
}

error refused(const char* what) {
  return make_error(errc::io_failed,
                    std::string{"privileges cannot be given up: "} + what + ": "
                        + std::strerror(errno));
}

// -- what is needed -----------------------------------------------------------

/// Whether a file or folder, or the nearest folder above that is there, is
/// somebody else's.
bool is_of_another(const std::filesystem::path& file) {
  if (file.empty())
    return false;
  std::error_code ec;
  auto path = std::filesystem::absolute(file, ec);
  struct stat found {};
  while (::stat(path.c_str(), &found) != 0) {
    if (path == path.parent_path())
      return false;
    path = path.parent_path();
  }
  return found.st_uid != ::geteuid();
}

bool uses_files_of_another(const settings& x) {
  auto* home = std::getenv("HOME");
  return std::ranges::any_of(
      std::initializer_list<std::filesystem::path>{
          x.pod.state_dir, x.log.file, x.console.socket, x.trust.secret_file,
          home == nullptr ? "" : home},
      is_of_another);
}

bool has_low_port(const settings& x) {
  constexpr uint16_t first_for_all = 1024;
  return std::ranges::any_of(
      std::initializer_list<uint16_t>{
          x.proxy.listen.port, x.transport.listen.port, x.discovery.port},
      [](auto port) { return port != 0 && port < first_for_all; });
}

// -- giving up ----------------------------------------------------------------

/// Both halves of the sets of a thread, as the kernel has them.
struct thread_capabilities {
  __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct halves[2] = {};
};

bool has_none(const thread_capabilities& x) {
  return std::ranges::all_of(x.halves, [](auto& half) {
    return half.permitted == 0 && half.inheritable == 0;
  });
}

/// What is in the bounding set could come back with another program. Only who
/// has CAP_SETPCAP can take it out; others are kept from running programs.
result<void> shrink_bounding_set(capability_set kept) {
  for (int x = 0; ::prctl(PR_CAPBSET_READ, x, 0, 0, 0) >= 0; ++x)
    if ((kept & bit(x)) == 0 && ::prctl(PR_CAPBSET_READ, x, 0, 0, 0) == 1
        && ::prctl(PR_CAPBSET_DROP, x, 0, 0, 0) != 0)
      return refused("bounding set");
  return {};
}

} // namespace

capability_set needed_capabilities(const settings& x) {
  capability_set out = 0;
  if (std::ranges::any_of(x.wan.bind, [](auto& y) { return !parse_ip(y); }))
    out |= bit(CAP_NET_RAW);
  if (has_low_port(x))
    out |= bit(CAP_NET_BIND_SERVICE);
  if (!x.console.group.empty())
    out |= bit(CAP_CHOWN);
  if (uses_files_of_another(x))
    out |= bit(CAP_CHOWN) | bit(CAP_FOWNER) | bit(CAP_DAC_OVERRIDE);
  return out;
}

result<void> keep_capabilities(capability_set kept) {
  thread_capabilities now;
  if (::syscall(SYS_capget, &now.head, now.halves) != 0)
    return refused("capget");
  if ((now.halves[0].effective & bit(CAP_SETPCAP)) != 0)
    if (auto done = shrink_bounding_set(kept); !done)
      return done;
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
    return refused("ambient set");
  // Filters of a service manager may forbid the call to who has none.
  if (has_none(now))
    return {};
  for (int i = 0; i < 2; ++i) {
    auto half = static_cast<uint32_t>(kept >> (32 * i));
    now.halves[i].permitted &= half;
    now.halves[i].effective = now.halves[i].permitted;
    now.halves[i].inheritable = 0;
  }
  if (::syscall(SYS_capset, &now.head, now.halves) != 0)
    return refused("capset");
  return {};
}

} // namespace peapod
