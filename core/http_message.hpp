#pragma once

#include "core/error.hpp"
#include "core/types.hpp"

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace peapod {

/// One header field; the name keeps the sender's spelling.
struct http_field {
  std::string name;
  std::string value;

  bool operator==(const http_field&) const = default;
};

/// Header fields in the order of the message; names compare without case
/// (RFC 9110, 5.1).
class http_fields {
public:
  http_fields() = default;
  http_fields(std::initializer_list<http_field> fields) : fields_(fields) {}

  /// The value of the first field called `name`.
  std::optional<std::string_view> find(std::string_view name) const;

  /// The values of all fields called `name`, joined by `", "` (RFC 9110, 5.3);
  /// empty without one.
  std::string joined(std::string_view name) const;

  /// How many fields are called `name`.
  size_t count(std::string_view name) const;

  /// Whether the comma separated list `name` has `token`, compared without
  /// case and parameters.
  bool has_token(std::string_view name, std::string_view token) const;

  void add(std::string name, std::string value);

  /// Replaces all fields called `name` by one.
  void set(std::string name, std::string value);

  void erase(std::string_view name);

  auto begin() const {
    return fields_.begin();
  }
  auto end() const {
    return fields_.end();
  }
  size_t size() const {
    return fields_.size();
  }
  bool operator==(const http_fields&) const = default;

private:
  std::vector<http_field> fields_;
};

/// Whether two header names or tokens are the same without case.
bool equal_ignoring_case(std::string_view x, std::string_view y);

/// An absolute `http` or `https` URL taken apart (RFC 3986).
struct url {
  std::string scheme; ///< `http` or `https`, lower case
  std::string host;   ///< lower case; an IPv6 literal without its brackets
  uint16_t port = 80; ///< explicit, or the scheme's default
  std::string target; ///< path and query in origin form; at least `/`
  bool has_userinfo = false; ///< `user:password@` was there (and is dropped)

  bool operator==(const url&) const = default;

  /// `host`, or `host:port` when the port is not the scheme's default; an IPv6
  /// literal in brackets. Fit for a `Host` field.
  std::string authority() const;

  /// `scheme://authority`: the origin (RFC 6454, 6.2).
  std::string origin() const {
    return scheme + "://" + authority();
  }

  /// `scheme://authority/target`
  std::string text() const;
};

/// Parses an absolute URL. Errors: `bad_http` with what is wrong; a scheme
/// other than `http` and `https` is one of them. A fragment is dropped.
result<url> parse_url(std::string_view text);

/// Where a reference that was found at `base` leads, be it absolute or relative
/// (RFC 3986, 5.2). Errors: those of `parse_url`.
result<url> resolve_reference(const url& base, std::string_view reference);

/// Replaces each `%XX` (RFC 3986, 2.1); nothing when one is broken.
std::optional<std::string> percent_decoded(std::string_view text);

/// Host and port, as in the target of `CONNECT` or in a `Host` field.
struct host_port {
  std::string host; ///< lower case; an IPv6 literal without its brackets
  uint16_t port = 0;

  bool operator==(const host_port&) const = default;
};

/// Parses `host:port`, `[v6]:port`, or `host` with `default_port` (0: the port
/// is required).
result<host_port> parse_host_port(std::string_view text,
                                  uint16_t default_port = 0);

/// `host:port`, an IPv6 literal in brackets.
std::string to_string(const host_port& x);

/// How the end of a body is known (RFC 9112, 6.3).
enum class body_framing {
  none,        ///< there is no body
  length,      ///< `Content-Length`
  chunked,     ///< `Transfer-Encoding: chunked`
  until_close, ///< the connection's end (responses only)
};

/// The head of a request, taken apart. `fields` hold everything that was
/// received but the framing (`Content-Length`, `Transfer-Encoding`), which
/// stands in `framing` and `content_length`.
struct request_head {
  std::string method;
  url target;            ///< for `CONNECT`, host and port of the tunnel
  unsigned version = 11; ///< 10 or 11
  http_fields fields;
  body_framing framing = body_framing::none;
  uint64_t content_length = 0; ///< with `body_framing::length`
  /// Its target is in origin-form or `*`: it is meant for the proxy itself.
  /// `target` is what `Host` says, if anything.
  bool to_proxy = false;
  /// Whose connection to the origin serves it: the number of a client's
  /// connection that has logged in as a whole (NTLM, Negotiate; RFC 4559, 6);
  /// 0: anybody's.
  uint64_t login = 0;
  /// It comes from another machine: what listens at the loopback addresses of
  /// this one is not for it.
  bool from_elsewhere = false;
};

/// The head of a response, taken apart as in `request_head`.
struct response_head {
  unsigned status = 0;
  std::string reason;
  unsigned version = 11;
  http_fields fields;
  body_framing framing = body_framing::none;
  /// With `body_framing::length`; for a response to HEAD the length that a GET
  /// would have had, when it is known.
  std::optional<uint64_t> content_length;
};

} // namespace peapod
