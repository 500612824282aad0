#pragma once

#include "core/error.hpp"
#include "core/http_message.hpp"
#include "core/types.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

/// How servers take files in parts, as pure functions over requests and
/// answers: S3, tus, and a single PUT.
namespace peapod {

/// One request of an upload. Its body is `body`, or a part of the file.
struct upload_request {
  request_head head;
  std::string body;
  std::optional<byte_range> file;
};

/// A whole answer.
struct upload_answer {
  response_head head;
  std::string body;
};

/// One part on its way: what the server has said of it so far.
struct upload_part {
  byte_range range;
  size_t number = 0;    ///< from 0
  unsigned step = 0;    ///< requests that it has taken
  uint64_t sent = 0;    ///< bytes of it that the server has (tus)
  std::string location; ///< of it at the server (tus)
  std::string etag;     ///< (S3)
};

/// What all protocols need to know.
struct upload_plan {
  url target;
  uint64_t size = 0;
  std::string name; ///< of the file
  http_fields fields;
  std::vector<byte_range> parts;
  std::function<std::chrono::sys_seconds()> clock;
  /// SHA-256 of a part of the file.
  std::function<digest(byte_range)> hash;
};

/// One upload of one file. Errors of answers: `origin_refused` with the
/// server's words, `bad_http` for what makes no sense.
class upload_protocol {
public:
  virtual ~upload_protocol() = default;

  /// `s3`, `tus` or `put`.
  virtual std::string name() const = 0;

  /// Asks the server to begin; nothing when it need not be asked.
  virtual std::optional<upload_request> begin() = 0;
  virtual result<void> began(const upload_answer& answer) = 0;

  /// The next request for a part.
  virtual upload_request next(const upload_part& part) = 0;

  /// True: the server has all of the part.
  virtual result<bool> took(upload_part& part, const upload_answer& answer) = 0;

  /// A request of the part has failed on the way, and it is to be tried again.
  virtual void lost(upload_part& part) = 0;

  /// Whether a part may go out once more when nobody knows what became of it.
  virtual bool can_repeat() const {
    return true;
  }

  /// Puts the parts together; nothing when that need not be asked for.
  virtual std::optional<upload_request>
  finish(const std::vector<upload_part>& parts) = 0;
  virtual result<void> finished(const upload_answer& answer) = 0;

  /// What removes at the server what came there of a failed upload.
  virtual std::vector<upload_request>
  abort(const std::vector<upload_part>& parts) = 0;

  /// Where the file is; without secrets.
  virtual std::string place() const = 0;
};

/// The parts of `size` bytes; the last one may be smaller. At least one.
std::vector<byte_range> parts_of(uint64_t size, uint64_t part_size);

/// Where the server wants the same request to be sent instead (307 and 308, RFC
/// 9110, 15.4.8); nothing when it does not. Errors: `bad_http` when it leads to
/// what is no URL, `certificate_refused` from `https` to `http`.
result<std::optional<url>> redirect_of(const url& asked,
                                       const upload_answer& answer);

/// An error that the server has answered with: its status and, if it says it in
/// a few printable words or in the XML of S3, why.
error refusal(const upload_answer& answer);

} // namespace peapod
