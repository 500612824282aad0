#pragma once

#include "core/types.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <vector>

namespace peapod {

/// Chooses which of the bytes that a source brings are compared with the
/// origin's before they are handed out.
///
/// Its bytes are counted in blocks, in the order in which they come. Of a block
/// one sample is taken or none: with the chance that the user set, and for
/// certain in one block of each group of 3, 12, 48 ... blocks, drawn when the
/// group begins, so that who is honest for long does not become safe. Its first
/// bytes are always sampled. Where in a block a sample lies is drawn, too.
///
/// Who hands the bytes out does not want to wait for a sample: it says from
/// which offset on one does not disturb. A sample that is due lies in the next
/// bytes of the source that do not, or after a while in any.
///
/// The bytes of all samples are fewer than 2 percent of the source's, except
/// where it brings less than two blocks.
class spot_choice {
public:
  static constexpr uint64_t block_size = 256_KiB;
  static constexpr uint64_t sample_size = 4_KiB; ///< at most

  /// `percent` of the blocks are sampled, besides the certain ones; 0: nothing
  /// ever is.
  spot_choice(unsigned percent, random_source random)
    : percent_(percent), random_(std::move(random)) {}

  /// What may be sampled now; the rest stays due.
  enum class room { all, first, none };

  /// `source` brought `range`, all of it new to the body; samples of what lies
  /// before `from` would disturb. Returns what is to be compared.
  std::vector<byte_range> choose(const device_id& source, byte_range range,
                                 uint64_t from = 0, room left = room::all);

private:
  struct history {
    uint64_t seen = 0;           ///< bytes
    uint64_t drawn = 0;          ///< blocks that were decided on
    uint64_t certain = 0;        ///< the next block that is sampled anyway
    uint64_t next_group = 1;     ///< the block with which another is drawn
    std::vector<uint64_t> spots; ///< where samples lie that were not taken yet
    bool begun = false;          ///< its first bytes were sampled
  };

  void draw_blocks(history& x);
  std::optional<byte_range> place(byte_range range, uint64_t from,
                                  uint64_t middle, uint64_t size, bool overdue);
  uint64_t draw(uint64_t limit);

  unsigned percent_;
  random_source random_;
  std::map<device_id, history> sources_;
};

/// A number below `limit`, of `random`. That some are likelier by 2^-20 at
/// most, with limits of up to 2^44, does not matter for samples.
uint64_t draw_below(const random_source& random, uint64_t limit);

} // namespace peapod
