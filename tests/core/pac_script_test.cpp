#include "core/pac_script.hpp"

#define CAF_SUITE pac_script
#include <caf/test/unit_test.hpp>

using namespace peapod;

CAF_TEST(the script names the proxy and goes direct without it) {
  auto script = pac_script("127.0.0.1:3128");
  CAF_CHECK(script.find("\"PROXY 127.0.0.1:3128; DIRECT\"")
            != std::string::npos);
  CAF_CHECK(script.find("function FindProxyForURL(url, host)")
            != std::string::npos);
}

CAF_TEST(the script is called PeaPod so that a daemon can be told by it) {
  CAF_CHECK(pac_script("[::1]:80").find("PeaPod") != std::string::npos);
}
