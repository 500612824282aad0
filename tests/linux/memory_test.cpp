#include "core/address_sanitizer.hpp"
#include "core/secret_memory.hpp"
#include "hosts/linux/memory_linux.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>

#define CAF_SUITE memory
#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

/// The kernel's flags of the mapping that `at` lies in, as in "rd mr mw dd".
std::string flags_of(const void* at) {
  std::ifstream in{"/proc/self/smaps"};
  auto address = reinterpret_cast<uintptr_t>(at);
  bool found = false;
  for (std::string line; std::getline(in, line);) {
    uintptr_t begin = 0;
    uintptr_t end = 0;
    char dash = 0;
    std::istringstream head{line};
    if (head >> std::hex >> begin >> dash >> end && dash == '-')
      found = begin <= address && address < end;
    else if (found && line.starts_with("VmFlags:"))
      return line;
  }
  return {};
}

bool has_flag(const void* at, const char* flag) {
  return flags_of(at).find(std::string{" "} + flag) != std::string::npos;
}

/// The exit code of `what` in a process of its own.
int in_child(const std::function<int()>& what) {
  auto child = ::fork();
  if (child == 0)
    ::_exit(what());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

} // namespace

CAF_TEST(long lived secrets are left out of dumps and not swapped) {
  std::array<uint8_t, 32> bytes;
  bytes.fill(7);
  CAF_REQUIRE(!flags_of(bytes.data()).empty());
  CAF_CHECK(!has_flag(bytes.data(), "dd"));
  kept_secret<32> kept{std::span<const uint8_t, 32>{bytes}};
  CAF_CHECK(std::ranges::equal(kept.bytes(), bytes));
  CAF_CHECK(has_flag(kept.bytes().data(), "dd"));
#ifndef PEAPOD_ADDRESS_SANITIZER // which leaves mlock(2) out
  CAF_CHECK(has_flag(kept.bytes().data(), "lo"));
#endif
  CAF_CHECK(!has_flag(kept.bytes().data(), "wr"));
}

CAF_TEST(a kept secret moves without leaving a copy) {
  std::array<uint8_t, 32> bytes;
  bytes.fill(9);
  kept_secret<32> first{std::span<const uint8_t, 32>{bytes}};
  auto* where = first.bytes().data();
  auto second = std::move(first);
  CAF_CHECK_EQUAL(second.bytes().data(), where);
  CAF_CHECK(std::ranges::equal(second.clone().bytes(), bytes));
}

#ifndef PEAPOD_ADDRESS_SANITIZER
CAF_TEST(a process that hides its memory leaves no core) {
  CAF_CHECK_EQUAL(in_child([] {
                    if (!hide_memory())
                      return 1;
                    rlimit limit{1, 1};
                    ::getrlimit(RLIMIT_CORE, &limit);
                    bool none = limit.rlim_cur == 0 && limit.rlim_max == 0;
                    return none && ::prctl(PR_GET_DUMPABLE) == 0 ? 0 : 2;
                  }),
                  0);
}
#endif
