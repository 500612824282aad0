#pragma once

#include "core/audit.hpp"
#include "core/comparison.hpp"
#include "core/error.hpp"
#include "core/origin_digest.hpp"
#include "core/part_map.hpp"
#include "core/reassembly.hpp"
#include "core/spot_choice.hpp"
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
  uint64_t samples = 0;   ///< of peers, that were the same as the origin's
  uint64_t lies = 0;      ///< samples that were not
  uint64_t unchecked = 0; ///< samples that the own line could not compare

  bool operator==(const transfer_ledger&) const = default;
};

/// What stands against wrong bytes in one body; each rung includes those before
/// it (docs/adr/0020).
enum class rung {
  validator, ///< the same strong validator and total length in every answer
  audit,     ///< and samples of what peers bring, compared with the origin
  digest,    ///< and the origin's own hash of the whole
};

/// Lower-case word for a rung.
std::string_view to_string(rung x);

/// What is known of the truth of a source's bytes.
enum class standing {
  foreign, ///< only its word, and not even what representation they are of
  claimed, ///< it says that hash and validators were checked
  vouched, ///< the own line, or what need not be compared with it
};

/// One pooled body on its way to a client: decides what may be handed out,
/// when the spine is read and when it ends. Holds payload, knows no sources.
class transfer {
public:
  struct config {
    device_id own;
    uint64_t in_flight = 1_MiB;  ///< bytes given to the client, not yet taken
    uint64_t hold_back = 64_KiB; ///< end of the body kept until the recheck
    unsigned audit = 2; ///< percent of the blocks of peers that are sampled
    /// What the hash of the body has to be, if the origin said so.
    std::optional<origin_digest> digest = std::nullopt;
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
  /// `rechecked` to compare. There may be some of them at a time.
  struct recheck {
    uint64_t number;
    byte_range range;
    bool fresh; ///< over a new connection, because somebody may have lied
    bool holds; ///< bytes that are next for the client may wait for it
  };
  /// A source brought what the origin does not have. What of it was here and
  /// not handed out is gone, and to be brought by others.
  struct accuse {
    device_id source;
    std::vector<byte_range> dropped;
  };
  /// The origin contradicts itself: the spine alone brings the rest.
  struct go_alone {};
  /// End the body so that the client sees that it is incomplete.
  struct abort {
    error why;
  };
  using action = std::variant<deliver, read_spine, stop_spine, recheck, accuse,
                              go_alone, abort>;

  /// `random` chooses what is rechecked.
  transfer(byte_range body, config cfg, random_source random);

  // -- events -----------------------------------------------------------------

  /// The spine's next bytes.
  void spine_arrived(const slice& bytes);

  /// The spine has ended: by its last byte, by our reset or by a failure.
  void spine_ended();

  /// So many bytes of the spine had been received when it was stopped: what of
  /// them was not read is thrown away.
  void spine_dropped(uint64_t received);

  /// A source's bytes. Those of the own line are always vouched for.
  void chunk_arrived(const device_id& source, uint64_t offset,
                     const slice& bytes, standing how);

  /// The spine need not read beyond `limit` once the own line brings ranges.
  void switch_planned(uint64_t limit);

  /// Somebody was asked for `bytes` that somebody else has leased too.
  void hedged(uint64_t bytes);

  /// The client has taken `bytes`.
  void client_took(uint64_t bytes);

  /// What the origin has in the range of the `recheck` of that number,
  /// confirmed to be of the same representation.
  void rechecked(uint64_t number, const slice& bytes);

  /// The own line could not bring that range. What was held for its sake goes
  /// out, and peers are not sampled until the own line brings something again,
  /// or for longer if the origin was `busy` or refused it; but if foreign bytes
  /// wait for it, the body fails.
  void not_rechecked(uint64_t number, const std::string& why,
                     bool busy = false);

  /// The own line, asked to compare, has another version than the spine: no
  /// range confirms any more what belongs together.
  void version_differs(const std::string& why);

  /// What a source brought does not have the hash that it gave itself: it is
  /// treated as if it had lied.
  void spoiled(const device_id& source);

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
  /// Everything before it has been taken by the client, and is not held.
  uint64_t taken() const {
    return parts_.head() - outstanding_;
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
  rung stands_on() const;
  /// Whether the body had the hash that the origin announced; nothing before
  /// its end, or when there was none.
  std::optional<bool> digest_fits() const {
    return digest_fits_;
  }

private:
  // To the client.
  void advance();
  uint64_t barrier();
  bool hand_out(slice part);
  void advance_spine();
  void count(const device_id& source, uint64_t offset, uint64_t added,
             uint64_t size);

  // Whether it is true (transfer_checks.cpp).
  void sample(const device_id& source, uint64_t offset, const slice& bytes,
              standing how);
  void ask_rechecks();
  void take(const comparison::finding& found);
  void take_lie(const device_id& source);
  void take_contradiction(error why);
  void note_handed_out(byte_range part);
  void note_wait(uint64_t barrier);
  spot_choice::room room_for_samples() const;
  void recheck_foreign();
  void judge_wrong_digest();
  bool drop(const device_id& source, std::vector<byte_range>& dropped);

  config config_;
  reassembly parts_;
  transfer_ledger ledger_;
  part_map map_;
  audit audit_;       ///< what is compared at the end
  spot_choice spots_; ///< what is compared before it goes out
  comparison compared_;
  std::optional<digest_check> digest_;
  std::optional<bool> digest_fits_;
  /// What came from whom and was not handed out, the own line left out.
  std::map<device_id, interval_set> waiting_;
  interval_set not_spine_;         ///< what others than the spine brought
  std::set<device_id> handed_out_; ///< who has bytes that the client has
  std::set<device_id> passed_;     ///< whose sample was right
  std::set<device_id> liars_;
  uint64_t spine_;
  uint64_t credit_;
  uint64_t outstanding_ = 0; ///< bytes handed out that were not taken yet
  std::optional<uint64_t> spine_limit_;
  std::map<device_id, uint64_t> unverified_; ///< bytes of foreign sources
  bool spine_alive_ = true;
  bool spine_reading_ = false;
  bool own_brings_ = false;
  bool sampled_ = false;     ///< something came that is not vouched for
  uint64_t pause_ = 0;       ///< bytes between samples that were waited for
  uint64_t quiet_until_ = 0; ///< no sample before this is handed out
  uint64_t busy_pause_ = 0;  ///< as `pause_`, for the origin's sake
  uint64_t busy_until_ = 0;
  bool own_silent_ = false; ///< the own line had no answer to a recheck
  bool alone_ = false;
  bool judging_ = false; ///< the digest is wrong; who lied is being asked
  bool rechecking_ = false;
  bool rechecked_ = false;
  bool ended_ = false;
  std::deque<action> actions_;
};

} // namespace peapod
