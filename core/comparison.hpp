#pragma once

#include "core/types.hpp"

#include <cstdint>
#include <map>
#include <optional>

namespace peapod {

/// Compares samples of what sources brought with what the own line brings. A
/// machine without time: drain `poll`, and answer each question.
///
/// Where the two differ the own line is asked once more, over a connection of
/// its own: only when it says the same twice is it the source that lied.
class comparison {
public:
  /// How many answers are awaited at a time: one at first, one more after each
  /// answer, and one again when there was none.
  static constexpr size_t max_questions = 4;

  /// Bring these bytes over the own line.
  struct question {
    uint64_t number;
    byte_range range;
    bool again; ///< over a fresh connection
    bool holds; ///< as given to `add`
  };

  enum class verdict {
    same,         ///< the source brought what the origin has
    lied,         ///< it did not, and the origin has said so twice
    inconsistent, ///< the origin contradicts itself, or did not confirm itself
    unanswered,   ///< the own line had nothing to say
  };

  struct finding {
    verdict what;
    device_id source;
    byte_range range;
    bool holds; ///< as given to `add`
  };

  /// `source` says that the body has `bytes` at `offset`. With `holds` they
  /// are not handed out before they were compared. A copy of them is kept.
  void add(const device_id& source, uint64_t offset, const slice& bytes,
           bool holds);

  /// What is to be asked next, the front of the body first.
  std::optional<question> poll();

  /// The own line's answer; nothing when it is to be asked again, or when
  /// nobody waits for the answer any more.
  std::optional<finding> answered(uint64_t number, const slice& bytes);

  /// There will be no answer.
  std::optional<finding> unanswered(uint64_t number);

  /// The samples of `source` are of no use any more.
  void forget(const device_id& source);

  /// Lets go of all samples that hold something, unless they are suspicious;
  /// returns how many.
  size_t release();

  /// Lets go of all samples.
  void clear() {
    samples_.clear();
  }

  /// Where the first of the bytes that may not be handed out lies.
  std::optional<uint64_t> first_held() const;

  /// Whether a sample of `source` holds something.
  bool holds(const device_id& source) const;

  /// Samples that were not compared yet.
  size_t size() const {
    return samples_.size();
  }

  /// Samples that hold nothing and were not compared yet.
  size_t others() const;

private:
  struct sample {
    device_id source;
    uint64_t offset;
    slice bytes;
    bool holds;
    bool asked = false;
    std::optional<slice> first; ///< the own line's first answer, if it differed

    byte_range range() const {
      return {offset, offset + bytes.size()};
    }
  };
  using place = std::map<uint64_t, sample>::iterator;

  finding settle(place i, verdict what);

  std::map<uint64_t, sample> samples_; ///< by the numbers of their questions
  uint64_t next_ = 1;
  size_t at_a_time_ = 1;
};

} // namespace peapod
