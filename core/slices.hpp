#pragma once

#include "core/types.hpp"

#include <utility>
#include <vector>

namespace peapod {

/// Bytes in pieces that follow each other.
class slices {
public:
  slices() = default;

  /// One piece.
  slices(slice piece) {
    push_back(std::move(piece));
  }

  void push_back(slice piece) {
    size_ += piece.size();
    pieces_.push_back(std::move(piece));
  }

  /// Adds all pieces of `more`.
  void append(slices more) {
    for (auto& x : more.pieces_)
      push_back(std::move(x));
  }

  /// How many bytes they are together.
  uint64_t size() const {
    return size_;
  }

  auto begin() const {
    return pieces_.begin();
  }
  auto end() const {
    return pieces_.end();
  }

private:
  std::vector<slice> pieces_;
  uint64_t size_ = 0;
};

} // namespace peapod
