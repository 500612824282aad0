#pragma once

#include "core/error.hpp"
#include "core/http_message.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace peapod {

/// One cookie (RFC 6265, 5.3).
struct cookie {
  std::string name;
  std::string value;
  std::string domain;      ///< lower case, without a dot in front
  bool subdomains = false; ///< goes to hosts below `domain`, too
  std::string path = "/";
  bool secure = false;                       ///< over https only
  std::optional<std::chrono::seconds> until; ///< since 1970; none: no end

  bool operator==(const cookie&) const = default;
};

/// The cookies of one run: those of a file, and those that servers set on the
/// way, as behind a login that redirects.
class cookie_jar {
public:
  /// A file in the format of Netscape, as browsers' add-ons, curl and wget
  /// write it: seven fields between tabs a line. Errors: `bad_config` with the
  /// line that is none.
  static result<cookie_jar> parse(std::string_view text);

  /// Takes a `Set-Cookie` that came with an answer of `from`. What is
  /// malformed, or is for another host or for a public suffix, is dropped.
  void store(const url& from, std::string_view set_cookie,
             std::chrono::seconds now);

  /// The value of `Cookie` in a request to `to` (RFC 6265, 5.4), or empty.
  /// Longer paths come first.
  std::string header_for(const url& to, std::chrono::seconds now) const;

  /// Says the registrable domain of a host, as `make_site_lookup` does: then no
  /// server sets cookies for all sites of a public suffix.
  void use_sites(std::function<std::string(const std::string&)> site_of) {
    site_of_ = std::move(site_of);
  }

  size_t size() const {
    return cookies_.size();
  }

private:
  void put(cookie x);

  bool is_too_wide(const cookie& x, const url& from) const;

  std::vector<cookie> cookies_;
  std::function<std::string(const std::string&)> site_of_;
};

} // namespace peapod
