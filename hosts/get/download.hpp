#pragma once

#include "actors/transfer.hpp"
#include "hosts/get/board.hpp"
#include "hosts/get/cookie_jar.hpp"
#include "hosts/get/file_writer.hpp"
#include "hosts/get/get_messages.hpp"
#include "hosts/get/write_desk.hpp"

#include <atomic>
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
  /// Bytes of several mirrors are in it, which only its hash can vouch for.
  bool spliced = false;
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
  /// Mirrors that have the same file, as in `resource_name`: what one of them
  /// has begun is continued. Only with a size and a hash.
  std::vector<std::string> mirrors;
  bool to_stdout = false;    ///< instead of into a file
  std::string authorization; ///< of the URL, for its server alone, or empty
  std::shared_ptr<write_desk> desk;
  line_keeper_actor keeper; ///< wants to know when something fails, or null
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
  uint64_t at = 0;               ///< offset of the next byte
  std::optional<uint64_t> until; ///< where what is there behind a gap begins
  std::deque<byte_range> ahead;  ///< what is there behind gaps
  bool foreign = false;          ///< what was begun is another mirror's
  transfer_id transfer_is;       ///< at the desk
  uint64_t skip = 0;             ///< bytes that come and are here already
  bool reading = false;          ///< of a body without a transfer
  bool last = false;             ///< all bytes have come
  transfer_actor transfer;

  // The file.
  file_writer_actor writer;
  std::deque<caf::strong_actor_ptr> writing; ///< who has brought each piece
  uint64_t unwritten = 0;
  std::shared_ptr<std::atomic<bool>> stop =
      std::make_shared<std::atomic<bool>>(false); ///< write nothing more
  std::optional<get_failure> failing; ///< ends when the file is safe
};

/// Asks for one file, follows redirects, lets a transfer bring it over all
/// lines if it can be brought in ranges, tries again what may pass, and ends
/// with `download_task::done`.
download_actor::behavior_type
download_behavior(download_state::self_pointer self, environment_ptr env,
                  download_task task);

} // namespace peapod
