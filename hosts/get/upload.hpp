#pragma once

#include "actors/environment.hpp"
#include "hosts/get/board.hpp"
#include "hosts/get/get_messages.hpp"
#include "hosts/get/line_rates.hpp"
#include "hosts/get/part_cutter.hpp"
#include "hosts/get/sending.hpp"
#include "hosts/get/tus_upload.hpp"
#include "hosts/get/upload_protocol.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace peapod {

/// What became of an upload.
struct upload_outcome {
  std::optional<get_failure> failure;
  std::string protocol;
  std::string place; ///< where the file is
  uint64_t bytes = 0;
  size_t parts = 0;
  uint64_t repeated = 0; ///< bytes that went out more than once
  unsigned failures = 0; ///< requests that were tried again
  /// What was measured of lines, by names as in `line_rates`.
  std::map<std::string, uint64_t> rates;
};

/// What is to be uploaded, and how.
struct upload_task {
  upload_plan plan; ///< without parts
  std::shared_ptr<const input_file> file;
  /// How the server takes it, if that is known.
  std::function<std::shared_ptr<upload_protocol>(upload_plan)> make_protocol;
  bool must_be_tus = false;
  size_t lines = 1;       ///< that there are at the beginning
  uint64_t part_size = 0; ///< bytes; 0: chosen
  uint64_t min_part = 1_MiB;
  uint64_t max_parts = 1'000;
  unsigned tries = 5;  ///< of each request
  bool is_cut = false; ///< parts may have different sizes
  line_rates known;    ///< what earlier uploads and downloads have measured
  std::shared_ptr<board> shown;
  std::function<void(upload_outcome)> done; ///< called once, on any thread
};

/// One file on its way to a server, in parts over all lines.
struct upload_state {
  using self_pointer = upload_actor::stateful_pointer<upload_state>;

  struct line {
    std::shared_ptr<http_client> http;
    bool own = false;
    bool adds = true; ///< as in `upload_line`
    std::string name;
    unsigned busy = 0;     ///< parts that it brings now
    unsigned failures = 0; ///< in a row
    instant not_before{};
    uint64_t bytes = 0; ///< of parts that it has brought
    duration worked{};  ///< while it brought any
    instant since{};    ///< when it last began to
    /// How long it takes for `bytes` by itself: what it had brought of other
    /// parts by then is taken off.
    duration told{};
  };

  struct part {
    upload_part at;
    bool done = false;
    unsigned running = 0; ///< lines that bring it
    unsigned tries = 0;
  };

  /// A request that is under way. Without a part: one that stands for itself.
  struct job {
    device_id line;
    std::optional<size_t> part;
    upload_part at;
    std::shared_ptr<sending> what;
    instant began{};
  };

  enum class phase { asking, beginning, parts, finishing, aborting, ended };

  std::string about() const;

  const char* name = "upload";
  environment_ptr env;
  upload_task task;
  upload_outcome outcome;
  std::shared_ptr<upload_protocol> protocol;
  bool is_plain = false; ///< one PUT, which may be led elsewhere
  phase now = phase::asking;
  bool begun = false;
  std::map<device_id, line> lines;
  caf::strong_actor_ptr keeper;  ///< of the lines
  std::optional<device_id> only; ///< the line of an upload that is not split
  std::vector<part> parts;
  std::optional<part_cutter> cutter; ///< makes more parts
  std::map<uint64_t, job> jobs;
  uint64_t next_job = 1;
  unsigned redirects = 0;
  unsigned tries = 0;                ///< of the request that stands for itself
  std::vector<upload_part> leftover; ///< at the server, and of no use
  std::deque<upload_request> aborts;
  std::optional<get_failure> failing;
};

/// Asks the server what it speaks, gives parts to lines as they become free,
/// and puts them together. What fails is tried again, over another line if
/// there is one; what cannot be completed is removed at the server.
upload_actor::behavior_type upload_behavior(upload_state::self_pointer self,
                                            environment_ptr env,
                                            upload_task task);

} // namespace peapod
