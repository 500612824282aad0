#include "hosts/net/http_lines.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace peapod::net {

namespace {

constexpr std::array<bool, 256> make_token_table() {
  constexpr std::string_view characters =
      "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
      "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  std::array<bool, 256> out{};
  for (auto c : characters)
    out[static_cast<unsigned char>(c)] = true;
  return out;
}

result<void> check_field(std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t')
    return bad_http("400 a header field continues in a second line, which is "
                    "obsolete");
  auto colon = line.find(':');
  if (colon == std::string_view::npos)
    return bad_http("400 a header field without a colon");
  auto name = line.substr(0, colon);
  if (name.empty() || !std::ranges::all_of(name, is_token_character))
    return bad_http(
        "400 a header field's name has characters that no name has");
  return {};
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Whether `bytes` begins with `begin`, or is the beginning of it.
bool may_begin_with(std::string_view begin, std::string_view bytes) {
  return bytes.substr(0, begin.size()) == begin.substr(0, bytes.size());
}

} // namespace

bool is_token_character(char c) {
  static constexpr auto table = make_token_table();
  return table[static_cast<unsigned char>(c)];
}

bool has_control(std::string_view text) {
  // Without a way out of the loop, many characters are looked at at a time.
  unsigned char found = 0;
  for (auto c : text) {
    auto u = static_cast<unsigned char>(c);
    found |= (u < 0x20) & (u != '\t');
    found |= u == 0x7f;
  }
  return found != 0;
}

result<void> check_lines(std::string_view head) {
  size_t lines = 0;
  for (size_t begin = 0;; ++lines) {
    auto end = head.find("\r\n", begin);
    if (end == std::string_view::npos)
      return bad_http("400 a header without its end");
    auto line = head.substr(begin, end - begin);
    begin = end + 2;
    if (line.empty())
      return lines > 0 ? result<void>{} : bad_http("400 an empty start line");
    if (has_control(line))
      return bad_http("400 a control character in the header");
    if (lines == 0 && line.size() > max_start_line)
      return bad_http("414 the request line is longer than 32 KiB");
    if (lines > max_fields)
      return bad_http("431 more than 256 header fields");
    if (lines > 0)
      if (auto ok = check_field(line); !ok)
        return ok;
  }
}

std::string without_padding(std::string_view head) {
  std::string out{head.substr(0, head.find("\r\n"))};
  for (auto begin = out.size(); begin < head.size();) {
    auto end = std::min(head.find("\r\n", begin + 2), head.size());
    auto line = head.substr(begin, end - begin);
    auto colon = std::min(line.find(':'), line.size());
    auto name = line.substr(0, colon);
    if (colon < line.size())
      name = name.substr(0, name.find_last_not_of(" \t") + 1);
    out += name;
    out += line.substr(colon);
    begin = end;
  }
  return out;
}

bool may_begin_response(std::string_view bytes) {
  return may_begin_with("HTTP/1.", bytes);
}

bool may_begin_stream(std::string_view bytes) {
  constexpr size_t digits = 3;
  if (!may_begin_with(stream_name, bytes))
    return false;
  auto status = bytes.substr(std::min(bytes.size(), stream_name.size()));
  auto behind = status.substr(std::min(status.size(), digits));
  return std::ranges::all_of(status.substr(0, digits), is_digit)
         && (behind.empty() || behind.front() == ' ' || behind.front() == '\r');
}

result<void> check_request_begin(std::string_view bytes) {
  // The first record of a TLS handshake (RFC 8446, 5.1).
  if (bytes.starts_with('\x16'))
    return bad_http(
        "400 this port speaks HTTP, not TLS: set the proxy as an HTTP "
        "proxy, for https as well");
  if (!bytes.empty() && !is_token_character(bytes.front()))
    return bad_http("400 what came does not begin like an HTTP request");
  return {};
}

} // namespace peapod::net
