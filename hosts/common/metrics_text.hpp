#pragma once

#include "actors/environment.hpp"
#include "actors/observation.hpp"
#include "hosts/common/status_json.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peapod {

/// Prometheus' text format 0.0.4, family by family.
class metrics_writer {
public:
  using labels = std::vector<std::pair<std::string_view, std::string>>;

  /// Begins a family; `type` is `counter` or `gauge`.
  void family(std::string_view name, std::string_view type,
              std::string_view help);

  /// A sample of the family that was begun last.
  void sample(double value, const labels& of = {});
  void sample(uint64_t value, const labels& of = {});

  std::string take() {
    return std::move(out_);
  }

private:
  void line(std::string_view value, const labels& of);

  std::string name_;
  std::string out_;
};

/// What the metrics are made of, besides the actors.
struct metrics_source {
  daemon_info daemon;
  std::optional<pod_status> status; ///< nothing when the pod did not answer
  uint64_t crashes = 0;
  std::map<std::string, uint64_t> restarts; ///< by the actors' name
  uint64_t dropped_events = 0; ///< that slow clients of the console missed
  uint64_t serving_bytes = 0;  ///< held of ranges fetched for peers
  uint64_t serving_limit = 0;
  sharing_state sharing;
};

/// The answer to `GET /metrics` is this text and the next one.
std::string metrics_text(const metrics_source& x,
                         const proxy_counters& counters);

/// The part that is about actors.
std::string metrics_text(const std::vector<actor_row>& actors);

} // namespace peapod
