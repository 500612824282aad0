#pragma once

#include "actors/transfer.hpp"
#include "hosts/get/board.hpp"
#include "hosts/get/cookie_jar.hpp"
#include "hosts/get/file_writer.hpp"
#include "hosts/get/get_messages.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace peapod {

/// What became of a download.
struct download_outcome {
  std::optional<get_failure> failure;
  url final_url; ///< behind redirects
  representation rep;
  uint64_t bytes = 0; ///< of the file that are here
  uint64_t begun = 0; ///< of them, brought by an earlier run
  unsigned tries = 1;
  std::optional<digest> sha256; ///< of the complete file
  std::vector<std::string> verified_by;
};

/// What is to be downloaded, and how.
struct download_task {
  url from;
  std::filesystem::path target;
  std::optional<uint64_t> size; ///< that it has to have
  std::vector<expected_digest> expected;
  http_fields fields; ///< of the request, as the user wants them
  std::shared_ptr<cookie_jar> cookies;
  bool force = false;   ///< replace a file of that name
  bool restart = false; ///< do not continue what was begun
  unsigned tries = 5;
  /// Bodies of `http` come through the daemon, which pools them itself.
  bool has_daemon = false;
  std::shared_ptr<board> shown;
  std::function<void(download_outcome)> done; ///< called once, on any thread
};

/// One download on its way into a file.
struct download_state {
  using self_pointer = download_actor::stateful_pointer<download_state>;

  std::string about() const;

  const char* name = "download";
  environment_ptr env;
  download_task task;
  download_outcome outcome;
  file_names names;
  std::optional<sidecar> begun; ///< an earlier run's

  // The request.
  uint64_t step = 0; ///< answers to older steps are stale
  url target;
  unsigned redirects = 0;
  std::shared_ptr<http_exchange> exchange;
  unsigned attempt = 1;       ///< that is under way
  uint64_t attempt_began = 0; ///< offset

  // The body.
  representation rep;
  std::optional<uint64_t> total;
  uint64_t at = 0;      ///< offset of the next byte
  uint64_t skip = 0;    ///< bytes that come and are here already
  bool reading = false; ///< of a body without a transfer
  bool last = false;    ///< all bytes have come
  transfer_actor transfer;

  // The file.
  file_writer_actor writer;
  std::deque<caf::strong_actor_ptr> writing; ///< who has brought each piece
  uint64_t unwritten = 0;
  std::optional<get_failure> failing; ///< ends when the file is safe
};

/// Asks for one file, follows redirects, lets a transfer bring it over all
/// lines if it can be brought in ranges, tries again what may pass, and ends
/// with `download_task::done`.
download_actor::behavior_type
download_behavior(download_state::self_pointer self, environment_ptr env,
                  download_task task);

} // namespace peapod
