#include "hosts/common/proxy_environment.hpp"

#define CAF_SUITE proxy_environment
#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

CAF_TEST(shells are known by their name or path) {
  CAF_CHECK(parse_shell("/usr/bin/fish") == shell_kind::fish);
  CAF_CHECK(parse_shell("zsh") == shell_kind::posix);
  CAF_CHECK(!parse_shell("/bin/tcsh"));
  CAF_CHECK(!parse_shell(""));
}

CAF_TEST(both cases are exported) {
  auto text = proxy_exports(shell_kind::posix, "http://127.0.0.1:3128");
  for (auto name : {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"})
    CAF_CHECK(has(text, std::string{"export "} + name
                            + "='http://127.0.0.1:3128';\n"));
  CAF_CHECK(has(text, "export no_proxy='localhost,"));
  CAF_CHECK(has(text, "export NO_PROXY='localhost,"));
}

CAF_TEST(fish has words of its own) {
  auto text = proxy_exports(shell_kind::fish, "http://[::1]:1");
  CAF_CHECK(has(text, "set -gx http_proxy 'http://[::1]:1';\n"));
  CAF_CHECK(has(proxy_unsets(shell_kind::fish), "set -e NO_PROXY;\n"));
}

CAF_TEST(all that was set is unset) {
  auto text = proxy_unsets(shell_kind::posix);
  for (auto name : {"http_proxy", "HTTPS_PROXY", "no_proxy"})
    CAF_CHECK(has(text, std::string{"unset "} + name + ";\n"));
}

CAF_TEST(quotes and backslashes are quoted as each shell wants it) {
  CAF_CHECK_EQUAL(quoted(shell_kind::posix, "a'b\\c"), "'a'\\''b\\c'");
  CAF_CHECK_EQUAL(quoted(shell_kind::fish, "a'b\\c"), "'a\\'b\\\\c'");
}
