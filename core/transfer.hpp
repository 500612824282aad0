#pragma once

#include "core/audit.hpp"
#include "core/error.hpp"
#include "core/part_map.hpp"
#include "core/reassembly.hpp"
#include "core/types.hpp"

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace peapod {

/// Who brought the bytes of one body, and what it cost.
struct transfer_ledger {
  std::map<device_id, uint64_t> bytes_by_source;
  uint64_t wasted = 0;    ///< bytes that arrived and were not needed
  uint64_t hedged = 0;    ///< bytes leased a second time
  uint64_t rechecked = 0; ///< unverified bytes released after a recheck

  bool operator==(const transfer_ledger&) const = default;
};

/// One pooled body on its way to a client: decides what may be handed out,
/// when the spine is read and when it ends. Holds payload, knows no sources.
class transfer {
public:
  struct config {
    device_id own;
    uint64_t in_flight = 1_MiB;  ///< bytes given to the client, not yet taken
    uint64_t hold_back = 64_KiB; ///< end of the body kept until the recheck
  };

  // -- actions ----------------------------------------------------------------

  /// Give these bytes to the client; with `last` the body is complete.
  struct deliver {
    slice bytes;
    bool last;
  };
  /// Read more of the spine.
  struct read_spine {};
  /// Reset the spine's connection: it is no longer needed.
  struct stop_spine {};
  /// Bring these bytes over the own line, of the same representation, for
  /// `rechecked` to compare.
  struct recheck {
    byte_range range;
  };
  /// End the body so that the client sees that it is incomplete.
  struct abort {
    error why;
  };
  using action = std::variant<deliver, read_spine, stop_spine, recheck, abort>;

  /// `random` chooses what is rechecked.
  transfer(byte_range body, config cfg, random_source random);

  // -- events -----------------------------------------------------------------

  /// The spine's next bytes.
  void spine_arrived(const slice& bytes);

  /// The spine has ended: by its last byte, by our reset or by a failure.
  void spine_ended();

  /// A source's bytes; `verified` is false when nothing but the source's own
  /// word says that they are of the right representation.
  void chunk_arrived(const device_id& source, uint64_t offset,
                     const slice& bytes, bool verified);

  /// The spine need not read beyond `limit` once the own line brings ranges.
  void switch_planned(uint64_t limit);

  /// Somebody was asked for `bytes` that somebody else has leased too.
  void hedged(uint64_t bytes);

  /// The client has taken `bytes`.
  void client_took(uint64_t bytes);

  /// What the origin has in the range of the last `recheck`, confirmed to be
  /// of the same representation. If a source brought anything else, the body
  /// fails.
  void rechecked(const slice& bytes);

  /// Nothing can complete the body any more.
  void fail(error why);

  // -- machine ----------------------------------------------------------------

  std::optional<action> poll();

  // -- observers --------------------------------------------------------------

  const transfer_ledger& ledger() const {
    return ledger_;
  }
  uint64_t spine() const {
    return spine_;
  }
  bool spine_alive() const {
    return spine_alive_;
  }
  /// Whether bytes of the spine have been asked for and are not here yet.
  bool reads_spine() const {
    return spine_reading_;
  }
  uint64_t delivered() const {
    return parts_.head();
  }
  byte_range body() const {
    return parts_.body();
  }
  /// What has arrived, handed out or not.
  interval_set here() const {
    return parts_.here();
  }
  /// Who brought which part.
  std::vector<part_map::run> map() const {
    return map_.runs();
  }
  bool ended() const {
    return ended_;
  }

private:
  void advance();
  void ask_recheck();
  void count(const device_id& source, uint64_t offset, uint64_t added,
             uint64_t size);

  config config_;
  reassembly parts_;
  transfer_ledger ledger_;
  part_map map_;
  audit audit_;
  std::vector<audit::sample> to_recheck_; ///< the last one first
  uint64_t spine_;
  uint64_t credit_;
  std::optional<uint64_t> spine_limit_;
  uint64_t unverified_ = 0;
  bool spine_alive_ = true;
  bool spine_reading_ = false;
  bool own_brings_ = false;
  bool rechecking_ = false;
  bool rechecked_ = false;
  bool ended_ = false;
  std::deque<action> actions_;
};

} // namespace peapod
