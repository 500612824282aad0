#pragma once

#include "core/types.hpp"

#include <cstddef>

namespace peapod {

/// Finds out how many requests at a time to an origin pay. Some origins limit
/// each connection, and then two bring more than one; elsewhere more are only
/// more load. So more are tried for a while, and kept if the source has become
/// faster by them.
class connection_search {
public:
  /// How many requests more than usual the source should have.
  size_t extra() const {
    return extra_;
  }

  /// Bytes a second: of the source, and of all sources together. What one takes
  /// from another, because they share a line, is no gain.
  struct rates {
    double own = 0;
    double all = 0;
  };

  /// The source has `usual` and the extra requests at a time, and may have
  /// `most` in all. Called again and again while it is `full`: has as many as
  /// it may.
  void observe(rates seen, size_t usual, size_t most, bool full, instant now);

  /// Whether more requests are being tried.
  bool is_trying() const {
    return trying_;
  }

private:
  void look(rates seen, size_t usual, size_t most, instant now);
  void judge(rates seen, size_t usual, instant now);
  void forget_try(instant now);

  size_t extra_ = 0;
  size_t before_ = 0; ///< the last number that has paid
  rates seen_before_;
  bool trying_ = false;
  instant full_since_{}; ///< not set: it is not full
  instant next_{};       ///< when the next try may begin
};

} // namespace peapod
