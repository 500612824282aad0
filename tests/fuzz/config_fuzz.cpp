// Any text is a configuration within its bounds, or an error that names a
// place in each of its lines.
//
// What stands behind a zero byte is an override of the command line.

#include "hosts/common/config.hpp"
#include "tests/fuzz/check.hpp"

using namespace peapod;
using namespace std::chrono_literals;

namespace {

process_environment environment() {
  process_environment out;
  out.variable = [](const char*) { return std::optional<std::string>{}; };
  out.host_name = "box";
  return out;
}

void check_settings(const settings& s) {
  check(!s.pod.name.empty() && s.pod.name.size() <= 32, "no name");
  check(!s.pod.state_dir.empty() && !s.console.socket.empty(), "no path");
  check(parse_ip(s.proxy.listen.address) && parse_ip(s.discovery.group)
            && parse_ip(s.transport.listen.address),
        "not an address");
  check(s.discovery.port != 0, "no port");
  check(s.discovery.interval >= 100ms && s.discovery.interval <= 60s,
        "an interval out of bounds");
  check(s.pool.chunk_size >= 16_KiB && s.pool.chunk_size <= 8_MiB
            && s.pool.memory / 4 >= s.pool.chunk_size && s.pool.min_size > 0,
        "a size out of bounds");
  for (auto port : s.share.ports)
    check(port != 0, "a port 0");
  for (auto& peer : s.discovery.static_peers)
    check(parse_ip(peer.at.address) && peer.at.port != 0,
          "a peer without address");
  for (auto& pattern : s.discovery.exclude)
    check(!pattern.empty() && pattern.size() <= 32, "no pattern");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto env = environment();
  std::string_view in{reinterpret_cast<const char*>(data), size};
  auto text = in.substr(0, in.find('\0'));
  std::vector<std::string> overrides;
  for (auto i = text.size(); i < in.size();) {
    auto end = std::min(in.find('\0', i + 1), in.size());
    overrides.emplace_back(in.substr(i + 1, end - i - 1));
    i = end;
  }
  auto out = parse_settings(text, "pod.ini", overrides, env);
  if (out) {
    check_settings(*out);
    return 0;
  }
  check(out.error().code == errc::bad_config, "another code");
  auto detail = out.error().detail;
  check(detail.starts_with("pod.ini:") || detail.starts_with("--"),
        "an error without a place");
  return 0;
}
