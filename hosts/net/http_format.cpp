#include "hosts/net/http_format.hpp"

#include "hosts/net/http_lines.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

namespace peapod::net {

namespace {

bool is_word(std::string_view x) {
  return !x.empty() && !has_control(x)
         && x.find_first_of(" \t") == std::string_view::npos;
}

bool is_sound(const http_field& x) {
  return is_word(x.name) && x.name.find(':') == std::string::npos
         && !has_control(x.value);
}

bool is_named(std::string_view name, std::string_view x) {
  return name.size() == x.size() && equal_ignoring_case(name, x);
}

/// Fields that are made from the head and never copied.
bool is_made_anew(std::string_view name) {
  return is_named(name, "Content-Length")
         || is_named(name, "Transfer-Encoding");
}

bool is_about_connection(std::string_view name) {
  return is_named(name, "Connection") || is_named(name, "Proxy-Connection")
         || is_named(name, "Keep-Alive");
}

/// About as many bytes as a head will have.
size_t size_of(const http_fields& fields) {
  size_t out = 256;
  for (const auto& field : fields)
    out += field.name.size() + field.value.size() + 4;
  return out;
}

void append(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

void append_framing(std::string& out, body_framing framing, uint64_t length) {
  if (framing == body_framing::length)
    append(out, "Content-Length", std::to_string(length));
  else if (framing == body_framing::chunked)
    append(out, "Transfer-Encoding", "chunked");
}

/// Origin form, or absolute form for a proxy: `*` is an empty path there
/// (RFC 9112, 3.2.4).
std::string target_of(const url& target, bool for_proxy) {
  if (!for_proxy)
    return target.target;
  auto out = target.scheme + "://" + target.authority();
  return target.target == "*" ? out : out + target.target;
}

error broken(std::string_view what) {
  return make_error(errc::bad_http, std::string{what}
                                        + " holds characters that are not "
                                          "allowed in an HTTP message");
}

/// Interim heads and 204 carry no framing; all others say how long they are.
void append_response_framing(std::string& out, const response_head& head,
                             body_framing framing) {
  if (head.status < 200 || head.status == 204)
    return;
  if (framing != body_framing::none)
    append_framing(out, framing, head.content_length.value_or(0));
  else if (head.content_length)
    append_framing(out, body_framing::length, *head.content_length);
}

/// Whether an answer says which protocol it wants (RFC 9110, 15.5.22).
bool wants_upgrade(const response_head& head) {
  return head.status == 426 && head.fields.find("Upgrade");
}

/// The options of this connection in one field; a 101 has its own.
void append_connection(std::string& out, const response_head& head, bool close,
                       unsigned client_version) {
  if (head.status < 200)
    return;
  std::string_view options;
  auto upgrade = wants_upgrade(head);
  if (close)
    options = upgrade ? "close, Upgrade" : "close";
  else if (client_version == 10)
    options = upgrade ? "keep-alive, Upgrade" : "keep-alive";
  else if (upgrade)
    options = "Upgrade";
  if (!options.empty())
    append(out, "Connection", options);
}

} // namespace

result<std::string> format_request(const request_head& head,
                                   const upstream_proxy* upstream) {
  if (!is_word(head.method) || !is_word(head.target.target))
    return broken("the request line");
  auto authority = head.target.authority();
  if (!is_word(authority))
    return broken("the host");
  auto target = target_of(head.target, upstream != nullptr);
  std::string out;
  out.reserve(size_of(head.fields) + authority.size() + target.size());
  out.append(head.method).append(" ").append(target).append(" HTTP/1.1\r\n");
  append(out, "Host", authority);
  if (upstream && !upstream->authorization.empty())
    append(out, "Proxy-Authorization", upstream->authorization);
  for (const auto& field : head.fields) {
    if (!is_sound(field))
      return broken("a header field");
    if (!is_made_anew(field.name) && !equal_ignoring_case(field.name, "Host"))
      append(out, field.name, field.value);
  }
  append_framing(out, head.framing, head.content_length);
  out += "\r\n";
  return out;
}

result<std::string> format_response(const response_head& head,
                                    response_layout layout,
                                    unsigned client_version,
                                    std::string_view date) {
  if (head.status < 100 || head.status > 999 || has_control(head.reason))
    return broken("the status line");
  std::string out;
  out.reserve(size_of(head.fields) + head.reason.size());
  out.append("HTTP/1.1 ").append(std::to_string(head.status));
  out.append(" ").append(head.reason).append("\r\n");
  bool dated = head.status < 200 || date.empty();
  for (const auto& field : head.fields) {
    if (!is_sound(field))
      return broken("a header field");
    auto drop = is_made_anew(field.name)
                || (head.status != 101 && is_about_connection(field.name));
    if (!drop)
      append(out, field.name, field.value);
    dated = dated || is_named(field.name, "Date");
  }
  if (!dated)
    append(out, "Date", date);
  append_response_framing(out, head, layout.framing);
  append_connection(out, head, layout.close, client_version);
  out += "\r\n";
  return out;
}

std::string chunk_prefix(size_t size) {
  std::array<char, 20> digits;
  auto end =
      std::to_chars(digits.data(), digits.data() + digits.size(), size, 16).ptr;
  return std::string{digits.data(), end} + "\r\n";
}

} // namespace peapod::net
