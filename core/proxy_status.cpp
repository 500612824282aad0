#include "core/proxy_status.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace peapod {

namespace {

constexpr std::pair<std::string_view, errc> types[] = {
    {"dns_error", errc::dns_failed},
    {"dns_timeout", errc::dns_unanswered},
    {"connection_refused", errc::connection_refused},
    {"destination_ip_unroutable", errc::unreachable},
    {"connection_timeout", errc::connect_timed_out},
    {"http_response_timeout", errc::timed_out},
    {"connection_terminated", errc::connection_closed},
    {"tls_certificate_error", errc::certificate_refused},
    {"tls_protocol_error", errc::tls_failed},
    {"http_protocol_error", errc::bad_http},
    {"http_request_error", errc::bad_http},
    {"destination_ip_prohibited", errc::policy_refused},
    {"proxy_loop_detected", errc::loop_detected},
};

errc code_of(std::string_view type) {
  for (auto& [name, code] : types)
    if (name == type)
      return code;
  return errc::upstream_refused;
}

/// A list of items with parameters (RFC 9651, 3.1), read from its beginning on.
class scanner {
public:
  explicit scanner(std::string_view text) : left_(text) {}

  bool at_end() const {
    return left_.empty();
  }

  void skip_blanks() {
    auto begin = left_.find_first_not_of(" \t");
    left_.remove_prefix(begin == left_.npos ? left_.size() : begin);
  }

  bool take(char c) {
    if (!left_.starts_with(c))
      return false;
    left_.remove_prefix(1);
    return true;
  }

  /// Up to what separates; empty: there is no token here.
  std::string_view token() {
    auto end = std::ranges::find_if_not(left_, [](char c) {
      constexpr std::string_view separators = ",;=\"\\";
      return c > 0x20 && c < 0x7f && separators.find(c) == separators.npos;
    });
    auto out = left_.substr(0, static_cast<size_t>(end - left_.begin()));
    left_.remove_prefix(out.size());
    return out;
  }

  /// A string behind its first quote (3.3.3).
  std::optional<std::string> quoted() {
    std::string out;
    while (!at_end()) {
      auto c = left_.front();
      left_.remove_prefix(1);
      if (c == '"')
        return out;
      if (c == '\\') {
        if (!left_.starts_with('"') && !left_.starts_with('\\'))
          return std::nullopt;
        c = left_.front();
        left_.remove_prefix(1);
      }
      if (c < 0x20 || c > 0x7e)
        return std::nullopt;
      out += c;
    }
    return std::nullopt;
  }

private:
  std::string_view left_;
};

/// What is named, with what is said of it.
struct member {
  std::string name;
  std::string type;
  std::string details;
};

std::optional<std::string> read_text(scanner& in) {
  if (in.take('"'))
    return in.quoted();
  std::string out{in.token()};
  return out.empty() ? std::nullopt : std::optional{std::move(out)};
}

std::optional<member> read_member(scanner& in) {
  auto name = read_text(in);
  if (!name)
    return std::nullopt;
  member out{std::move(*name), {}, {}};
  for (in.skip_blanks(); in.take(';'); in.skip_blanks()) {
    in.skip_blanks();
    auto key = in.token();
    if (key.empty())
      return std::nullopt;
    if (!in.take('='))
      continue; // true
    auto value = read_text(in);
    if (!value)
      return std::nullopt;
    if (key == "error")
      out.type = std::move(*value);
    else if (key == "details")
      out.details = std::move(*value);
  }
  return out;
}

} // namespace

std::optional<error> parse_proxy_status(std::string_view value) {
  std::optional<error> out;
  scanner in{value};
  for (bool more = true; more;) {
    in.skip_blanks();
    auto next = read_member(in);
    if (!next)
      return std::nullopt;
    if (next->name == "PeaPod" && !next->type.empty())
      out = make_error(code_of(next->type), std::move(next->details));
    more = in.take(',');
  }
  return in.at_end() ? out : std::nullopt;
}

std::optional<error> failure_told_by_proxy(const response_head& head) {
  auto value = head.fields.joined("Proxy-Status");
  return head.status >= 400 && !value.empty() ? parse_proxy_status(value)
                                              : std::nullopt;
}

error as_tunnel_failure(error why) {
  switch (why.code) {
    case errc::dns_failed:
    case errc::dns_unanswered:
    case errc::connection_refused:
    case errc::unreachable:
    case errc::connect_timed_out:
    case errc::policy_refused:
    case errc::loop_detected:
      return why;
    default:
      return make_error(errc::upstream_refused, std::move(why.detail));
  }
}

} // namespace peapod
