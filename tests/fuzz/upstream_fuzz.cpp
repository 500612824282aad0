// Any text is an upstream proxy or none, and an entry of no-proxy or none. What
// is sent to the proxy is one line, and errors do not repeat a password.

#include "core/upstream.hpp"
#include "tests/fuzz/check.hpp"

#include <algorithm>
#include <set>
#include <string>

using namespace peapod;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view in{reinterpret_cast<const char*>(data), size};
  upstream_route route;
  if (auto x = parse_upstream(in)) {
    check(x->port != 0 && !x->host.empty(), "a proxy without a place");
    check(std::ranges::all_of(x->authorization,
                              [](char c) { return c >= 0x20 && c < 0x7f; }),
          "credentials that break a line");
    route.proxy = *x;
  } else {
    check(x.error().code == errc::bad_config, "another code");
    // Of a handful of sentences none can hold what was given.
    static std::set<std::string> sentences;
    sentences.insert(x.error().detail);
    check(sentences.size() < 20, "errors repeat what they were given");
    route.proxy = upstream_proxy{"proxy.example", 1, ""};
  }
  check(!route.to("localhost", 80), "this machine through the proxy");
  if (auto entry = parse_host_pattern(in)) {
    check(entry->everything || entry->nets || !entry->name.empty(),
          "an entry that means nothing");
    route.except.push_back(*entry);
    if (!entry->everything && !entry->nets)
      check(!route.to(entry->name, entry->port == 0 ? 80 : entry->port),
            "an entry that does not mean itself");
  }
  route.to(in, 80);
  return 0;
}
