#pragma once

#include "actors/ports.hpp"
#include "core/error.hpp"
#include "core/types.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace peapod {

// -- what it serves -----------------------------------------------------------

/// The one file of the demo's origin. Its bytes follow from their offsets and
/// are made up when they are sent.
struct demo_file {
  uint64_t size = 0; ///< bytes
  digest sha256;
  std::string etag; ///< strong (RFC 9110, 8.8.3), made from the digest

  /// The file of `size` bytes; computing its digest reads all of them.
  static demo_file of_size(uint64_t size);
};

/// Writes the bytes that stand at `offset` of a file.
void fill_demo_content(uint64_t offset, std::span<uint8_t> out);

/// What the origin looks at in a request.
struct demo_request {
  std::string method = "GET";
  std::string path = "/file.bin";
  std::optional<std::string> range;    ///< `Range`
  std::optional<std::string> if_range; ///< `If-Range`
};

/// What it answers.
struct demo_answer {
  unsigned status = 200;
  byte_range body;           ///< of the file; empty without a body
  std::string content_range; ///< `Content-Range`, or empty
  uint64_t length = 0;       ///< `Content-Length`; also to HEAD
};

/// Answers by RFC 9110: 200, 206, 404 for a path that does not end in `.bin`,
/// 405 for a method other than GET and HEAD, 416. Of several ranges the whole
/// file comes (14.2), as after an `If-Range` that does not match (13.1.5).
demo_answer answer_demo(const demo_request& request, const demo_file& file);

// -- how fast -----------------------------------------------------------------

/// The internet connections of the demo's devices: each address has a line of
/// its own, which all of its connections share.
class demo_lines {
public:
  /// `rate` of each line in bytes a second.
  explicit demo_lines(uint64_t rate) : rate_(rate) {}

  /// Takes note that `bytes` go out to `address`, and returns how long its
  /// line is busy with what it has been given so far.
  duration send(const std::string& address, uint64_t bytes, instant now);

  /// Bytes that have gone out to `address`.
  uint64_t sent(const std::string& address) const;

private:
  struct line {
    instant free_at{};
    uint64_t sent = 0;
  };

  /// Unused time that is made up for: what timers are late, and no more, or
  /// several lines together would be faster than they say.
  static constexpr duration max_lateness = std::chrono::milliseconds(5);

  uint64_t rate_;
  std::map<std::string, line> lines_;
};

// -- the server ---------------------------------------------------------------

/// An HTTP/1.1 origin on its own thread, which gives every address that asks
/// the same rate.
class demo_origin {
public:
  /// Listens at `at` (port 0: any). `line_rate` in bytes a second. Errors: as
  /// the operating system refuses the address.
  static result<std::unique_ptr<demo_origin>>
  open(const endpoint& at, uint64_t size, uint64_t line_rate);

  /// Closes all connections.
  ~demo_origin();

  /// Where it listens.
  const endpoint& local() const;

  const demo_file& file() const;

  /// The URL of the file under a name of its own.
  std::string url(const std::string& name) const;

private:
  class impl;
  explicit demo_origin(std::unique_ptr<impl> x);

  std::unique_ptr<impl> impl_;
};

} // namespace peapod
