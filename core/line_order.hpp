#pragma once

#include "core/identity.hpp"
#include "core/site_memory.hpp"
#include "core/types.hpp"

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

/// Which of its own lines a device uses for which site.
namespace peapod {

/// The key of a device's own hashes: the same after each start, and known to
/// nobody else.
site_salt line_salt(const identity& self);

/// Machine: the order in which own lines are tried. Each user of a site, a
/// client or a peer, keeps one line, so that a login that is bound to an
/// address survives. Which one is a keyed hash of user, site and line
/// (rendezvous hashing, Thaler and Ravishankar 1998), the highest wins: nothing
/// has to be remembered, and a line that goes moves its own sites only. Sites
/// spread by the weights of the lines (logarithmic method, Schindelhauer and
/// Schomaker 2005).
class line_order {
public:
  /// Whether a line is there at all, by its name.
  using check = std::function<bool(const std::string& line)>;

  /// The weights of lines by their names; without one, a line has 1.
  using weights = std::map<std::string, double>;

  explicit line_order(const site_salt& salt = {}, weights how_much = {})
    : salt_(salt), weights_(std::move(how_much)) {}

  /// Positions in `lines` in the order in which they are tried. Those that are
  /// not there or have failed lately come last. `is_up` may be null.
  std::vector<size_t> order(const std::vector<std::string>& lines,
                            const std::string& user, const std::string& site,
                            const check& is_up, instant now) const;

  /// A connection was made over a line.
  void worked(const std::string& line);

  /// None was made, but over another line.
  void failed(const std::string& line, instant now);

  /// So often in a row, and for so long it comes last.
  static constexpr unsigned max_failures = 2;
  static constexpr duration rest_time = std::chrono::seconds(30);

private:
  struct record {
    unsigned failures = 0; ///< in a row
    instant rests_until{};
  };

  /// Grows with a hash between 0 and 1, and with the line's weight.
  double score(const std::string& line, const std::string& user,
               const std::string& site) const;

  site_salt salt_;
  weights weights_;
  std::map<std::string, record> records_; ///< of lines that have failed
};

} // namespace peapod
