#pragma once

#include "core/interval_set.hpp"
#include "core/types.hpp"

#include <algorithm>
#include <map>
#include <vector>

namespace peapod {

/// Puts the pieces of a body in order. The first bytes to arrive for an offset
/// win; later ones are dropped and counted as wasted.
class reassembly {
public:
  explicit reassembly(byte_range body) : body_(body), head_(body.begin) {}

  /// Takes `bytes` that begin at `offset`; what lies outside the body is
  /// dropped. Returns how many of them were new.
  uint64_t insert(uint64_t offset, const slice& bytes);

  /// Forgets what has arrived of `x` and was not handed out.
  void remove(byte_range x);

  /// The parts of `x` that are of the body and have not arrived, in order.
  std::vector<byte_range> missing(byte_range x) const;

  /// The next bytes in order, at most `limit` of them, not reaching `barrier`;
  /// empty when they are not here yet.
  slice next(uint64_t limit, uint64_t barrier = UINT64_MAX);

  /// Everything before it has been handed out.
  uint64_t head() const {
    return head_;
  }

  /// What has arrived, handed out or not.
  interval_set here() const;

  /// Bytes that are here and not handed out.
  uint64_t buffered() const {
    return buffered_;
  }

  /// Whether the next byte is here.
  bool ready() const {
    return !pieces_.empty() && pieces_.begin()->first == head_;
  }

  /// The end of the last bytes that have arrived.
  uint64_t bound() const {
    return std::max(head_, present_.bound());
  }

  /// Whether everything has arrived.
  bool complete() const {
    return head_ + buffered_ == body_.end;
  }

  /// Whether everything has been handed out.
  bool finished() const {
    return head_ == body_.end;
  }

  byte_range body() const {
    return body_;
  }

private:
  byte_range body_;
  uint64_t head_;
  uint64_t buffered_ = 0;
  interval_set present_;
  std::map<uint64_t, slice> pieces_; ///< disjoint, by offset
};

} // namespace peapod
