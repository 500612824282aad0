#pragma once

#include "core/http_message.hpp"
#include "tests/fuzz/check.hpp"

#include <algorithm>
#include <string>
#include <string_view>

/// What the simplest reader of a head sees, to compare with what ours says:
/// two readers that differ about a message's end are what smuggling takes.
namespace peapod {

/// The lines between the start line and the empty one, taken apart at the
/// first colon; a folded line belongs to the one before (RFC 9112, 5.2), and
/// white space before the colon to nothing.
inline http_fields read_lines(std::string_view head) {
  while (head.starts_with("\r\n"))
    head.remove_prefix(2);
  std::string flat{head.substr(head.find("\r\n") + 2)};
  for (auto fold : {"\r\n ", "\r\n\t"})
    for (auto i = flat.find(fold); i != flat.npos; i = flat.find(fold))
      flat.replace(i, 3, "  ");
  http_fields out;
  for (size_t i = 0, end; (end = flat.find("\r\n", i)) != i; i = end + 2) {
    check(end != flat.npos, "a head without an end was taken");
    auto colon = flat.find(':', i);
    check(colon < end, "a line without a colon was taken");
    auto value = std::string_view{flat}.substr(colon + 1, end - colon - 1);
    auto first = std::min(value.find_first_not_of(" \t"), value.size());
    value = value.substr(0, value.find_last_not_of(" \t") + 1);
    value.remove_prefix(std::min(first, value.size()));
    auto name = flat.substr(i, colon - i);
    name.resize(name.find_last_not_of(" \t") + 1);
    out.add(std::move(name), std::string{value});
  }
  return out;
}

/// Field names are words and values are one line each.
inline void check_fields(const http_fields& fields) {
  auto control = [](unsigned char c) { return c < 0x20 && c != '\t'; };
  for (auto& field : fields) {
    check(!field.name.empty(), "a field without a name");
    check(std::ranges::none_of(field.name,
                               [](unsigned char c) {
                                 return c <= 0x20 || c == ':' || c > 0x7e;
                               }),
          "a field's name is not a word");
    check(std::ranges::none_of(field.value, control),
          "a field's value has control characters");
  }
  check(fields.count("Content-Length") == 0
            && fields.count("Transfer-Encoding") == 0,
        "framing was left among the fields");
}

/// What was taken out of a head as its framing is what stands in its lines.
inline void check_framing(const http_fields& lines, bool chunked,
                          const std::optional<uint64_t>& length) {
  check(lines.count("Transfer-Encoding") == 0
            || lines.count("Content-Length") == 0,
        "two framings were taken");
  auto coding = lines.joined("Transfer-Encoding");
  check(!chunked || equal_ignoring_case(coding, "chunked"),
        "chunks out of nothing");
  if (auto text = lines.find("Content-Length"); text && length)
    check(text->ends_with(std::to_string(*length)), "another length");
  check(!length || lines.count("Content-Length") > 0,
        "a length out of nothing");
}

} // namespace peapod
