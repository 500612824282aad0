#include "hosts/linux/seccomp_linux.hpp"

#include "hosts/linux/system_calls_linux.hpp"

#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peapod {

namespace {

/// Names anonymous memory, which newer C libraries do.
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

using context = std::unique_ptr<void, decltype(&seccomp_release)>;

error cannot(const std::string& what, int code) {
  return make_error(errc::io_failed, "system calls cannot be filtered: " + what
                                         + ": " + std::strerror(-code));
}

/// The rules, added one by one; the first that fails is remembered.
class rule_set {
public:
  explicit rule_set(scmp_filter_ctx filter) : filter_(filter) {}

  /// `condition` may be left out. Calls that this machine, or this libseccomp,
  /// does not have are passed over.
  void add(uint32_t action, std::string_view name,
           std::initializer_list<scmp_arg_cmp> conditions = {}) {
    auto number = seccomp_syscall_resolve_name(std::string{name}.c_str());
    if (number < 0 || failed_)
      return;
    decided_.push_back(number);
    auto code = seccomp_rule_add_array(filter_, action, number,
                                       static_cast<unsigned>(conditions.size()),
                                       conditions.begin());
    if (code < 0)
      failed_ = cannot(std::string{name}, code);
  }

  void allow(std::string_view name,
             std::initializer_list<scmp_arg_cmp> conditions = {}) {
    add(SCMP_ACT_ALLOW, name, conditions);
  }

  /// As if there were no such call.
  void hide(const char* name) {
    decided_.push_back(seccomp_syscall_resolve_name(name));
  }

  /// Everything that has a name and no rule.
  void refuse_the_rest() {
    constexpr int beyond_all = 1024;
    for (int number = 0; number < beyond_all && !failed_; ++number) {
      if (std::ranges::find(decided_, number) != decided_.end())
        continue;
      auto* name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
      if (name == nullptr)
        continue;
      add(SCMP_ACT_ERRNO(EPERM), name);
      std::free(name);
    }
  }

  result<void> outcome() const {
    return failed_ ? result<void>{*failed_} : result<void>{};
  }

private:
  scmp_filter_ctx filter_;
  std::vector<int> decided_;
  std::optional<error> failed_;
};

// -- arguments ----------------------------------------------------------------

/// Arguments that are an `int` may have anything in their upper half.
scmp_arg_cmp is_int(unsigned argument, uint32_t value) {
  return {argument, SCMP_CMP_MASKED_EQ, UINT32_MAX, value};
}

/// The type of a socket, whatever flags stand beside it.
scmp_arg_cmp is_type(uint32_t type) {
  constexpr uint32_t types = 0xf;
  return {1, SCMP_CMP_MASKED_EQ, types, type};
}

scmp_arg_cmp has_bits(unsigned argument, uint64_t mask, uint64_t bits) {
  return {argument, SCMP_CMP_MASKED_EQ, mask, bits};
}

void allow_threads(rule_set& to) {
  constexpr uint64_t thread = CLONE_THREAD | CLONE_VM | CLONE_SIGHAND;
  constexpr uint64_t spaces = CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWNET
                              | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUSER
                              | CLONE_NEWUTS;
  to.allow("clone", {has_bits(0, thread | spaces, thread)});
  // Its flags lie in memory, which a filter cannot read: clone does as well.
  to.hide("clone3");
}

void allow_sockets(rule_set& to) {
  for (auto family : {AF_INET, AF_INET6})
    for (auto [type, protocol] : {std::pair{SOCK_STREAM, IPPROTO_TCP},
                                  std::pair{SOCK_DGRAM, IPPROTO_UDP}})
      for (auto named : {0, +protocol})
        to.allow("socket",
                 {is_int(0, family), is_type(type), is_int(2, named)});
  for (auto type : {SOCK_RAW, SOCK_DGRAM})
    to.allow("socket",
             {is_int(0, AF_NETLINK), is_type(type), is_int(2, NETLINK_ROUTE)});
  to.allow("socket", {is_int(0, AF_UNIX)});
  to.allow("socketpair", {is_int(0, AF_UNIX)});
}

/// Never to be written and executed both. Libraries for name lookup may be
/// loaded late.
void allow_memory(rule_set& to) {
  constexpr uint64_t both = PROT_WRITE | PROT_EXEC;
  for (auto bits : {0, PROT_WRITE, PROT_EXEC})
    to.allow("mmap", {has_bits(2, both, static_cast<uint64_t>(bits))});
  to.allow("mprotect", {has_bits(2, PROT_EXEC, 0)});
}

void allow_signals(rule_set& to) {
  auto self = static_cast<uint32_t>(::getpid());
  to.allow("kill", {is_int(0, self)});
  to.allow("tgkill", {is_int(0, self)});
}

void allow_some(rule_set& to) {
  for (unsigned long what :
       {FIONBIO, FIONREAD, FIOCLEX, TCGETS, TIOCGWINSZ, SIOCATMARK, SIOCGIFCONF,
        SIOCGIFFLAGS, SIOCGIFINDEX, SIOCGIFNAME})
    to.allow("ioctl", {is_int(1, static_cast<uint32_t>(what))});
  for (auto what : {PR_GET_NAME, PR_SET_NAME, PR_GET_DUMPABLE, PR_SET_VMA})
    to.allow("prctl", {is_int(0, static_cast<uint32_t>(what))});
  // To look at a limit of one's own, not to change one.
  to.allow("prlimit64", {is_int(0, 0), has_bits(2, UINT64_MAX, 0)});
}

result<void> fill(scmp_filter_ctx filter) {
  rule_set rules{filter};
  for (auto* name : allowed_calls())
    rules.allow(name);
  for (auto* name : deadly_calls())
    rules.add(SCMP_ACT_KILL_PROCESS, name);
  allow_threads(rules);
  allow_sockets(rules);
  allow_memory(rules);
  allow_signals(rules);
  allow_some(rules);
  rules.refuse_the_rest();
  return rules.outcome();
}

} // namespace

result<void> confine_system_calls() {
  context filter{seccomp_init(SCMP_ACT_ERRNO(ENOSYS)), seccomp_release};
  if (!filter)
    return cannot("no memory", -ENOMEM);
  if (auto filled = fill(filter.get()); !filled)
    return filled;
  // Another machine's calls have other numbers.
  seccomp_attr_set(filter.get(), SCMP_FLTATR_ACT_BADARCH,
                   SCMP_ACT_KILL_PROCESS);
  // Binary search, and a line for the log: not all versions can.
  seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_LOG, 1);
  auto code = seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1);
  if (code < 0)
    return cannot("not for all threads", code);
  code = seccomp_load(filter.get());
  if (code < 0)
    return cannot("the kernel refuses it", code);
  return {};
}

} // namespace peapod
