#include "hosts/linux/seccomp_linux.hpp"
#include "hosts/linux/system_calls_linux.hpp"

#include <fcntl.h>
#include <linux/memfd.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <netdb.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <functional>
#include <string>
#include <thread>

#define CAF_SUITE seccomp
#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

constexpr int filter_failed = 255;
constexpr int went_well = 0;

/// How a confined process ended.
struct ending {
  int code = -1;   ///< of its exit
  int signal = -1; ///< that ended it

  bool operator==(const ending&) const = default;
};

std::string to_string(const ending& x) {
  return x.signal > 0 ? "signal " + std::to_string(x.signal)
                      : "code " + std::to_string(x.code);
}

ending ending_of(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status))
    return {-1, WTERMSIG(status)};
  return {WEXITSTATUS(status), -1};
}

/// Runs `what` in a process of its own; its exit code is what that returns.
ending in_child(const std::function<int()>& what) {
  auto child = ::fork();
  if (child == 0)
    ::_exit(what());
  return ending_of(child);
}

ending confined(const std::function<int()>& what) {
  return in_child(
      [&] { return confine_system_calls() ? what() : filter_failed; });
}

/// The exit code is 0 or what `errno` was.
ending confined_call(const std::function<long()>& call) {
  return confined([&] { return call() < 0 ? errno : went_well; });
}

const ending fine{went_well, -1};
const ending killed{-1, SIGSYS};

ending refused(int code) {
  return {code, -1};
}

#define CHECK_ENDS(actual, expected)                                           \
  CAF_CHECK_EQUAL(to_string(actual), to_string(expected))

} // namespace

CAF_TEST(no other program takes the place of this one) {
  CHECK_ENDS(
      confined_call([] { return ::execl("/bin/true", "true", nullptr); }),
      killed);
  CHECK_ENDS(confined_call([] {
               return ::syscall(SYS_execveat, AT_FDCWD, "/bin/true", nullptr,
                                nullptr, 0);
             }),
             killed);
}

CAF_TEST(no process is begun) {
  CHECK_ENDS(confined_call([] { return ::fork(); }), refused(ENOSYS));
#ifdef SYS_vfork
  CHECK_ENDS(confined_call([] { return ::syscall(SYS_vfork); }),
             refused(EPERM));
#endif
  CHECK_ENDS(confined_call([] {
               return ::syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, nullptr,
                                nullptr, nullptr, nullptr);
             }),
             refused(ENOSYS));
}

CAF_TEST(who takes the process over ends it) {
  auto ends = [](long number) {
    return confined_call([=] { return ::syscall(number, 0, 0, 0, 0, 0, 0); });
  };
  for (auto number : {SYS_ptrace,
                      SYS_process_vm_readv,
                      SYS_process_vm_writev,
                      SYS_keyctl,
                      SYS_add_key,
                      SYS_request_key,
                      SYS_bpf,
                      SYS_mount,
                      SYS_init_module,
                      SYS_finit_module,
                      SYS_delete_module,
                      SYS_io_uring_setup,
                      SYS_userfaultfd,
                      SYS_perf_event_open,
                      SYS_unshare,
                      SYS_setns,
                      SYS_pivot_root,
                      SYS_kexec_load,
                      SYS_reboot,
                      SYS_chroot})
    CHECK_ENDS(ends(number), killed);
}

CAF_TEST(what is known and not needed fails) {
  CHECK_ENDS(confined_call([] { return ::setuid(0); }), refused(EPERM));
  CHECK_ENDS(confined_call([] { return ::sethostname("x", 1); }),
             refused(EPERM));
  CHECK_ENDS(confined_call([] { return ::syscall(SYS_memfd_create, "x", 0); }),
             refused(EPERM));
}

CAF_TEST(what nobody knows is not there) {
  CHECK_ENDS(confined_call([] { return ::syscall(1000); }), refused(ENOSYS));
  // The C library takes clone then, whose flags can be looked at.
  CHECK_ENDS(confined_call([] { return ::syscall(SYS_clone3, nullptr, 0); }),
             refused(ENOSYS));
}

CAF_TEST(sockets are of the internet and of this machine) {
  auto opens = [](int family, int type, int protocol) {
    return confined_call([=] { return ::socket(family, type, protocol); });
  };
  constexpr int flags = SOCK_CLOEXEC | SOCK_NONBLOCK;
  for (auto family : {AF_INET, AF_INET6}) {
    for (auto protocol : {0, +IPPROTO_TCP})
      CHECK_ENDS(opens(family, SOCK_STREAM | flags, protocol), fine);
    for (auto protocol : {0, +IPPROTO_UDP})
      CHECK_ENDS(opens(family, SOCK_DGRAM | flags, protocol), fine);
  }
  for (auto type : {SOCK_RAW, SOCK_DGRAM})
    CHECK_ENDS(opens(AF_NETLINK, type | flags, NETLINK_ROUTE), fine);
  for (auto type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET})
    CHECK_ENDS(opens(AF_UNIX, type | flags, 0), fine);
  for (auto family : {AF_PACKET, AF_VSOCK, AF_ALG})
    CHECK_ENDS(confined_call([=] { return ::socket(family, SOCK_RAW, 0); }),
               refused(ENOSYS));
}

CAF_TEST(sockets are neither raw nor of other protocols) {
  auto opens = [](int family, int type, int protocol) {
    return confined_call([=] { return ::socket(family, type, protocol); });
  };
  for (auto family : {AF_INET, AF_INET6}) {
    for (auto type : {+SOCK_RAW, SOCK_RAW | SOCK_CLOEXEC, +SOCK_PACKET})
      for (auto protocol : {+IPPROTO_ICMP, +IPPROTO_UDP, +IPPROTO_RAW})
        CHECK_ENDS(opens(family, type, protocol), refused(ENOSYS));
    CHECK_ENDS(opens(family, SOCK_STREAM, IPPROTO_SCTP), refused(ENOSYS));
    CHECK_ENDS(opens(family, SOCK_DGRAM, IPPROTO_ICMP), refused(ENOSYS));
  }
  CHECK_ENDS(opens(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER), refused(ENOSYS));
}

CAF_TEST(no memory is both written and executed) {
  auto map = [](int protection) {
    return confined_call([=]() -> long {
      auto* at =
          ::mmap(nullptr, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      return at == MAP_FAILED ? -1 : 0;
    });
  };
  CHECK_ENDS(map(PROT_READ | PROT_WRITE), fine);
  CHECK_ENDS(map(PROT_READ | PROT_EXEC), fine);
  CHECK_ENDS(map(PROT_READ | PROT_WRITE | PROT_EXEC), refused(ENOSYS));
  auto* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK_ENDS(confined_call(
                 [=] { return ::mprotect(page, 4096, PROT_READ | PROT_EXEC); }),
             refused(ENOSYS));
  CHECK_ENDS(confined_call([=] { return ::mprotect(page, 4096, PROT_READ); }),
             fine);
  ::munmap(page, 4096);
}

CAF_TEST(signals go to this process alone) {
  CHECK_ENDS(confined_call([] { return ::kill(::getppid(), 0); }),
             refused(ENOSYS));
  CHECK_ENDS(confined_call([] { return ::kill(::getpid(), 0); }), fine);
  CHECK_ENDS(confined_call([]() -> long { std::abort(); }),
             (ending{-1, SIGABRT}));
}

CAF_TEST(limits are looked at and stay) {
  rlimit now{};
  CHECK_ENDS(confined_call([&] { return ::getrlimit(RLIMIT_NOFILE, &now); }),
             fine);
  CHECK_ENDS(confined_call([&] { return ::setrlimit(RLIMIT_NOFILE, &now); }),
             refused(ENOSYS));
}

CAF_TEST(threads that run already are confined and new ones begin) {
  auto outcome = in_child([] {
    std::atomic<bool> go{false};
    std::atomic<int> before{-1};
    std::thread older{[&] {
      while (!go)
        std::this_thread::yield();
      before = ::syscall(SYS_setuid, 0) < 0 ? errno : 0;
    }};
    if (!confine_system_calls())
      return filter_failed;
    go = true;
    older.join();
    int after = -1;
    std::thread{[&] {
      after = ::syscall(SYS_setuid, 0) < 0 ? errno : 0;
    }}.join();
    return before == EPERM && after == EPERM ? went_well : 1;
  });
  CHECK_ENDS(outcome, fine);
}

CAF_TEST(names are still looked up) {
  CHECK_ENDS(confined([] {
               addrinfo* found = nullptr;
               auto code = ::getaddrinfo("localhost", "80", nullptr, &found);
               if (found != nullptr)
                 ::freeaddrinfo(found);
               return code == 0 ? went_well : 1;
             }),
             fine);
}

CAF_TEST(no call is both allowed and deadly and all of them have names) {
  for (auto* name : deadly_calls())
    CAF_CHECK(std::ranges::none_of(
        allowed_calls(), [&](auto* x) { return std::string{x} == name; }));
  for (auto list : {allowed_calls(), deadly_calls()})
    for (auto* name : list)
      // libseccomp 2.5 does not know what came with Linux 6.6.
      if (std::string{name} != "fchmodat2")
        CAF_CHECK(seccomp_syscall_resolve_name(name) != __NR_SCMP_ERROR);
}
