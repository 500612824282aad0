#include "core/http_semantics.hpp"
#include "core/secret_names.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace peapod {

namespace {

/// What may be a digest, and what may be its end, in URLs such as nginx's
/// secure_link has: each says nothing, both together do.
constexpr std::string_view digest_names[] = {
    "md5",      "sha1",   "sha256", "sha512", "hash", "hs",
    "checksum", "digest", "mac",    "secure", "st",   "oh", // Facebook
};
constexpr std::string_view end_names[] = {
    "e", "ex", "oe", "t", "ts", "ttl", "time", "timestamp", "until", "deadline",
};

bool is_one_of(const auto& list, std::string_view name) {
  return std::ranges::any_of(
      list, [&](auto x) { return equal_ignoring_case(x, name); });
}

/// Origins see through `%74oken`, and a URL in a parameter is one, too.
std::string plain(std::string_view text) {
  auto out = percent_decoded(text);
  return out ? std::move(*out) : std::string{text};
}

std::vector<std::string_view> split(std::string_view text,
                                    std::string_view separators) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    auto end = std::min(text.find_first_of(separators), text.size());
    out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string_view name_of(std::string_view parameter) {
  return parameter.substr(0, parameter.find('='));
}

bool tells(std::string_view parameter) {
  auto name = name_of(parameter);
  return names_secret(name) || names_expiry(name) || looks_random(parameter);
}

bool any_tells(const std::vector<std::string_view>& parameters) {
  auto any_of = [&](const auto& list) {
    return std::ranges::any_of(
        parameters, [&](auto x) { return is_one_of(list, name_of(x)); });
  };
  return std::ranges::any_of(parameters, tells)
         || (any_of(digest_names) && any_of(end_names));
}

/// Those of a path: `/a;name=value/b`, and `/name=value/`.
std::vector<std::string_view> path_parameters(std::string_view path) {
  auto out = split(path, "/;~");
  std::erase_if(out, [](auto x) { return x.find('=') == x.npos; });
  return out;
}

} // namespace

bool carries_secret(const url& x) {
  if (x.has_userinfo)
    return true;
  std::string_view target{x.target};
  auto mark = std::min(target.find('?'), target.size());
  auto path = plain(target.substr(0, mark));
  auto query = plain(target.substr(mark));
  return any_tells(path_parameters(path)) || any_tells(split(query, "?&;~"));
}

} // namespace peapod
