#pragma once

#include "core/device_lookup.hpp"
#include "core/error.hpp"
#include "core/types.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace peapod {

/// Who may join this device's pod.
enum class trust_mode {
  ask,    ///< whom a person has let in
  secret, ///< who has the pod's secret
  open,   ///< everybody on the local network
};

/// `"ask"`, `"secret"`, `"open"`.
std::string_view to_string(trust_mode x);

/// How a device came into the pod.
enum class trust_origin {
  paired, ///< a person let it in
  secret, ///< it has the pod's secret
  open,   ///< it came while everybody was let in
};

/// `"paired"`, `"secret"`, `"open"`.
std::string_view to_string(trust_origin x);

/// A device of this device's pod.
struct trusted_device {
  public_key key;
  device_id id;       ///< that of the key
  std::string name;   ///< what it called itself last, as of `clean_name`
  uint64_t since = 0; ///< seconds since 1970 in UTC
  trust_origin origin = trust_origin::paired;
  uint8_t protocol = 0; ///< the highest it has ever spoken; 0: not known

  bool operator==(const trusted_device&) const = default;
};

/// A device that does not belong to the pod, but was heard speaking, or whose
/// trust was taken back.
struct known_device {
  public_key key;
  uint8_t protocol = 0; ///< the highest it has ever spoken; 0: not known
  bool refused = false; ///< a person has taken the trust in it back
  bool peer = false;    ///< it was in the pod, without a person's word

  bool operator==(const known_device&) const = default;
};

/// Who belongs to this device's pod, and what everybody was heard to speak. A
/// public key is what counts: ids follow from keys, names from what devices
/// call themselves.
///
/// What a key has spoken is remembered so that nobody talks it down: one that
/// has spoken protocol 2 is never taken with less. That is remembered of keys
/// without trust too. When there is no room, strangers are forgotten first,
/// then those that were peers; of each, who was not heard for longest; never
/// who is `in_use`. Strangers have a share only, so that no number of them
/// displaces a peer. Trust, and that it was taken back, are never forgotten to
/// make room.
class trust_store {
public:
  /// Keys that are remembered, with trust or without.
  static constexpr size_t max_keys = 1024;

  /// Of them those that were never in the pod.
  static constexpr size_t max_strangers = 256;

  /// Whether a key must not be forgotten now.
  using in_use = std::function<bool(const public_key&)>;

  /// The last second of the year 9999: no device was trusted later.
  static constexpr uint64_t max_since = 253'402'300'799;

  // -- trust ------------------------------------------------------------------

  /// Lets a device in. One that is in already keeps its `since`, takes the name
  /// unless that is empty, and how it came in becomes `paired` if that is
  /// `origin`. Error: `limit_reached` when `max_keys` devices are trusted.
  result<void> trust(const public_key& key, std::string_view name,
                     uint64_t since, trust_origin origin);

  /// Takes the trust in a device back, also that of a mode that lets it in by
  /// itself, until somebody trusts it again. What it has spoken stays
  /// remembered. Whether that changed anything. Error: `limit_reached` where
  /// `max_keys` devices are trusted or refused and this one is neither.
  result<bool> untrust(const public_key& key);

  /// A trusted device calls itself anew. Whether that changed anything.
  bool rename(const public_key& key, std::string_view name);

  bool is_trusted(const public_key& key) const {
    return find(key) != nullptr;
  }

  /// Whether the trust in a device was taken back.
  bool is_refused(const public_key& key) const;

  // -- protocols --------------------------------------------------------------

  /// A device has proven its key while it spoke `protocol`. Whether that
  /// changed anything that is worth saving.
  bool note_protocol(const public_key& key, uint8_t protocol,
                     const in_use& spared = nullptr);

  /// The same of a device that has become a peer.
  bool note_peer(const public_key& key, uint8_t protocol,
                 const in_use& spared = nullptr);

  /// Whether a device may speak `protocol`: it was never heard to speak a
  /// higher one.
  bool may_speak(const public_key& key, uint8_t protocol) const;

  /// The highest protocol that a device was heard to speak; 0: none.
  uint8_t protocol_of(const public_key& key) const;

  // -- looking ----------------------------------------------------------------

  /// The trusted device with this key, or null. Valid until the next change.
  const trusted_device* find(const public_key& key) const;
  const trusted_device* find(const device_id& id) const;

  /// The trusted device that a person names (`find_device`). Errors as there.
  result<trusted_device> find(std::string_view who) const;

  /// The devices that are trusted, those that came first first.
  const std::vector<trusted_device>& list() const {
    return trusted_;
  }

  /// Whether a key is remembered as that of a mere stranger.
  bool is_stranger(const public_key& key) const;

  /// The others, those that were not heard for longest first.
  const std::vector<known_device>& known() const {
    return known_;
  }

  bool operator==(const trust_store&) const = default;

private:
  trusted_device* find_trusted(const public_key& key);
  bool make_room(const in_use& spared = nullptr);
  bool forget_one(bool peer, const in_use& spared);

  std::vector<trusted_device> trusted_;
  std::vector<known_device> known_;
};

} // namespace peapod
