#include "hosts/common/pac_probe.hpp"

#include "core/http_message.hpp"
#include "core/pac_script.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <iterator>

namespace peapod {

namespace {

constexpr auto patience = std::chrono::seconds(1);

/// More than a script has.
constexpr size_t max_answer = 16 * 1024;

using tcp_stream = boost::asio::ip::tcp::iostream;

void connect(tcp_stream& stream, const url& to) {
  stream.expires_after(patience);
  stream.connect(to.host, std::to_string(to.port));
}

std::string fetch(const url& from) {
  tcp_stream stream;
  connect(stream, from);
  stream << "GET " << from.target << " HTTP/1.0\r\nHost: " << from.authority()
         << "\r\n\r\n"
         << std::flush;
  std::string out;
  for (char c = 0; out.size() < max_answer && stream.get(c);)
    out += c;
  return out;
}

} // namespace

endpoint reachable(endpoint listen) {
  if (listen.address == "0.0.0.0")
    listen.address = "127.0.0.1";
  else if (listen.address == "::")
    listen.address = "::1";
  return listen;
}

std::string pac_url(const endpoint& proxy) {
  return "http://" + to_string(reachable(proxy)) + std::string{pac_path};
}

bool serves_script(std::string_view text) {
  auto from = parse_url(text);
  if (!from || from->target != pac_path)
    return false;
  auto answer = fetch(*from);
  return answer.starts_with("HTTP/1.") && answer.find(" 200 ") < 12
         && answer.find("PeaPod") != std::string::npos;
}

bool takes_connections(std::string_view text) {
  auto to = parse_url(text);
  if (!to)
    return false;
  tcp_stream stream;
  connect(stream, *to);
  return !stream.fail();
}

} // namespace peapod
