#include "core/wire2_message.hpp"

#include "core/wire_message.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace peapod::wire2 {

namespace {

/// The characters of a token (RFC 9110, 5.6.2).
bool is_token(std::string_view text) {
  auto fits = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
           || (c >= 'A' && c <= 'Z')
           || std::string_view{"!#$%&'*+-.^_`|~"}.find(c)
                  != std::string_view::npos;
  };
  return !text.empty() && std::ranges::all_of(text, fits);
}

/// UTF-8 without control characters, tabs included: nothing that could end a
/// line of HTTP or colour a log.
bool is_plain(std::string_view text) {
  return clean_text(text, text.size()) == text;
}

/// Neither control characters nor spaces.
bool is_solid(std::string_view text) {
  return is_plain(text) && text.find(' ') == std::string_view::npos;
}

template <class Duration>
bool fits_32_bits(Duration x) {
  return x.count() >= 0
         && static_cast<uint64_t>(x.count())
                <= std::numeric_limits<uint32_t>::max();
}

// -- the bounds of each message -----------------------------------------------

std::string_view check_bytes(const slice& x) {
  return x.empty() ? "there are no bytes in it" : "";
}

std::string_view check_detail(std::string_view x) {
  if (x.size() > max_detail_size)
    return "a detail is too long";
  return is_plain(x) ? "" : "a detail is no plain text";
}

std::string_view check_representation(const representation& x) {
  if (x.etag && (x.etag->size() > max_etag_size || !is_plain(*x.etag)))
    return "an entity tag is too long or no plain text";
  if (x.last_modified
      && (x.last_modified->size() > max_date_size
          || !is_plain(*x.last_modified)))
    return "a date is too long or no plain text";
  return "";
}

std::string_view check_range(const byte_range& x, const representation& of) {
  if (x.empty())
    return "a range is empty";
  if (of.total_length && x.end > *of.total_length)
    return "a range is beyond the end of the representation";
  return check_representation(of);
}

std::string_view check_field(const http_field& x) {
  if (x.name.size() > max_field_name_size || !is_token(x.name))
    return "a field's name is too long or no token";
  if (x.value.size() > max_field_value_size || !is_plain(x.value))
    return "a field's value is too long or no plain text";
  return "";
}

/// Messages whose types allow nothing else.
std::string_view check(const auto&) {
  return "";
}

std::string_view check(const fetch& x) {
  if (x.url.empty() || x.url.size() > max_url_size || !is_solid(x.url))
    return "a URL is empty, too long or no plain text";
  if (x.fields.size() > max_fields)
    return "there are too many fields";
  for (const auto& field : x.fields)
    if (auto why = check_field(field); !why.empty())
      return why;
  if (!fits_32_bits(x.deadline))
    return "a deadline is too far away";
  if (x.urgency > max_urgency)
    return "an urgency is above 7";
  return check_range(x.range, x.expected);
}

std::string_view check(const fetch_head& x) {
  if (x.status < 100 || x.status > 599)
    return "a status is none of HTTP";
  return check_range(x.range, x.found);
}

std::string_view check(const part& x) {
  if (x.offset > std::numeric_limits<uint64_t>::max() - x.bytes.size())
    return "an offset is too large";
  return check_bytes(x.bytes);
}

std::string_view check(const fetch_failed& x) {
  if (x.retry_after && !fits_32_bits(*x.retry_after))
    return "a time to wait is too long";
  return check_detail(x.detail);
}

std::string_view check(const credit& x) {
  return x.bytes == 0 ? "a credit is 0" : "";
}

std::string_view check(const open_tunnel& x) {
  if (x.host.empty() || x.host.size() > max_host_size || !is_solid(x.host))
    return "a host is empty, too long or no plain text";
  return x.port == 0 ? "a port is 0" : "";
}

std::string_view check(const tunnel_data& x) {
  return check_bytes(x.bytes);
}

std::string_view check(const close_tunnel& x) {
  return check_detail(x.detail);
}

std::string_view check(const sharing& x) {
  return x.battery && *x.battery > 100 ? "a battery has more than 100 %" : "";
}

std::string_view check(const goodbye& x) {
  return check_detail(x.detail);
}

std::string_view check(const view_piece& x) {
  return check_bytes(x.bytes);
}

std::string_view check(const egress& x) {
  return x.lines.size() > max_egress_lines ? "there are too many lines" : "";
}

} // namespace

bool part::operator==(const part& other) const {
  return id == other.id && offset == other.offset
         && std::ranges::equal(bytes.bytes(), other.bytes.bytes());
}

bool view_piece::operator==(const view_piece& other) const {
  return last == other.last
         && std::ranges::equal(bytes.bytes(), other.bytes.bytes());
}

bool tunnel_data::operator==(const tunnel_data& other) const {
  return id == other.id
         && std::ranges::equal(bytes.bytes(), other.bytes.bytes());
}

std::string_view name_of(const message& x) {
  static constexpr std::array<std::string_view, 21> names = {
      "ping",           "pong",        "fetch",         "fetch_head",
      "part",           "fetch_done",  "fetch_failed",  "cancel",
      "credit",         "open_tunnel", "tunnel_opened", "tunnel_data",
      "close_tunnel",   "sharing",     "goodbye",       "pairing_commit",
      "pairing_reveal", "welcome",     "view_question", "view_piece",
      "egress"};
  static_assert(std::variant_size_v<message> == names.size());
  return names[x.index()];
}

std::string_view broken_bound(const message& x) {
  return std::visit([](const auto& it) { return check(it); }, x);
}

std::string_view broken_bound(const sharing& x) {
  return check(x);
}

} // namespace peapod::wire2
