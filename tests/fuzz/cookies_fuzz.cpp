// Whatever a file or a server says, what goes into a request is one field.

#include "hosts/get/cookie_jar.hpp"
#include "tests/fuzz/check.hpp"

#include <algorithm>

using namespace peapod;

namespace {

void check_header(const cookie_jar& jar) {
  for (auto text :
       {"https://a.test/x/y?z", "http://sub.a.test/", "https://127.0.0.1/"}) {
    auto out = jar.header_for(*parse_url(text), std::chrono::seconds{1000});
    check(std::ranges::none_of(out,
                               [](char c) {
                                 auto u = static_cast<unsigned char>(c);
                                 return u < 0x20 || u == 0x7f;
                               }),
          "a control character in a request");
    check(out.size() <= (16 << 10) + 8, "a header that is too long");
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view in{reinterpret_cast<const char*>(data), size};
  if (auto jar = cookie_jar::parse(in))
    check_header(*jar);
  cookie_jar jar;
  jar.store(*parse_url("https://sub.a.test/x/y"), in,
            std::chrono::seconds{1000});
  check(jar.header_for(*parse_url("https://b.test/x/y"),
                       std::chrono::seconds{1000})
            .empty(),
        "a cookie for another host");
  check_header(jar);
  return 0;
}
