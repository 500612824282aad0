#pragma once

#include "core/types.hpp"

#include <array>
#include <map>
#include <vector>

namespace peapod {

/// Keeps small samples of what sources brought that nobody vouches for, chosen
/// at random, until they are compared with the origin's own bytes. Holds at
/// most (`max_sources` + 1) * `samples_per_source` samples.
class audit {
public:
  static constexpr uint64_t sample_size = 4_KiB; ///< at most
  static constexpr size_t samples_per_source = 4;

  /// Sources with samples of their own. Later ones share theirs: a device can
  /// come back under any number of new names.
  static constexpr size_t max_sources = 8;

  /// What a source says the body has at an offset.
  struct sample {
    uint64_t offset = 0;
    slice bytes;
    device_id source{};

    byte_range range() const {
      return {offset, offset + bytes.size()};
    }
  };

  explicit audit(random_source random) : random_(std::move(random)) {}

  /// `source` brought `bytes`, all of them new to the body. Every byte that a
  /// source brings is equally likely to be the one that a sample surrounds
  /// (reservoir sampling).
  void add(const device_id& source, uint64_t offset, const slice& bytes);

  /// The samples, by their offsets, none of them twice. There is one for each
  /// source at least, as long as sources do not share theirs.
  std::vector<sample> samples() const;

  /// The samples of `source` are of no use any more.
  void forget(const device_id& source);

private:
  struct reservoir {
    uint64_t seen = 0; ///< bytes that were drawn from
    std::array<sample, samples_per_source> kept;
  };

  reservoir& reservoir_of(const device_id& source);
  uint64_t draw(uint64_t limit);

  random_source random_;
  std::map<device_id, reservoir> sources_;
  reservoir others_;
};

} // namespace peapod
