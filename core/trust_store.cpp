#include "core/trust_store.hpp"

#include "core/identity.hpp"
#include "core/wire_message.hpp"

#include <algorithm>
#include <utility>

namespace peapod {

namespace {

/// The place of a key in one of the lists.
template <class List>
auto place_of(List& list, const public_key& key) {
  return std::find_if(list.begin(), list.end(),
                      [&](auto& x) { return x.key == key; });
}

bool is_mere_stranger(const known_device& x) {
  return !x.peer && !x.refused;
}

} // namespace

std::string_view to_string(trust_mode x) {
  switch (x) {
    case trust_mode::ask:
      return "ask";
    case trust_mode::secret:
      return "secret";
    case trust_mode::open:
      return "open";
  }
  return "ask";
}

std::string_view to_string(trust_origin x) {
  switch (x) {
    case trust_origin::paired:
      return "paired";
    case trust_origin::secret:
      return "secret";
    case trust_origin::open:
      return "open";
  }
  return "paired";
}

// -- trust --------------------------------------------------------------------

result<void> trust_store::trust(const public_key& key, std::string_view name,
                                uint64_t since, trust_origin origin) {
  if (auto* there = find_trusted(key)) {
    rename(key, name);
    if (origin == trust_origin::paired)
      there->origin = origin;
    return {};
  }
  trusted_device fresh{key,
                       derive_device_id(key),
                       clean_name(name),
                       std::min(since, max_since),
                       origin,
                       protocol_of(key)};
  if (auto known = place_of(known_, key); known != known_.end())
    known_.erase(known);
  else if (!make_room())
    return make_error(errc::limit_reached,
                      std::to_string(max_keys)
                          + " devices are trusted already: take the trust in "
                            "one of them back first");
  trusted_.push_back(std::move(fresh));
  return {};
}

result<bool> trust_store::untrust(const public_key& key) {
  if (auto found = place_of(trusted_, key); found != trusted_.end()) {
    known_.push_back({key, found->protocol, true});
    trusted_.erase(found);
    return true;
  }
  auto known = place_of(known_, key);
  if (known != known_.end())
    return !std::exchange(known->refused, true);
  if (!make_room())
    return make_error(errc::limit_reached,
                      std::to_string(max_keys)
                          + " devices are trusted or kept out already: there "
                            "is no room to remember one more");
  known_.push_back({key, 0, true});
  return true;
}

bool trust_store::is_refused(const public_key& key) const {
  auto known = place_of(known_, key);
  return known != known_.end() && known->refused;
}

bool trust_store::rename(const public_key& key, std::string_view name) {
  auto* found = find_trusted(key);
  auto clean = clean_name(name);
  if (found == nullptr || clean.empty() || found->name == clean)
    return false;
  found->name = std::move(clean);
  return true;
}

// -- protocols ----------------------------------------------------------------

bool trust_store::note_protocol(const public_key& key, uint8_t protocol,
                                const in_use& spared) {
  if (auto* trusted = find_trusted(key)) {
    bool higher = protocol > trusted->protocol;
    trusted->protocol = std::max(trusted->protocol, protocol);
    return higher;
  }
  auto found = place_of(known_, key);
  if (found == known_.end()) {
    if (protocol == 0)
      return false;
    auto strangers = std::ranges::count_if(known_, is_mere_stranger);
    auto full = static_cast<size_t>(strangers) >= max_strangers;
    if (full ? !forget_one(false, spared) : !make_room(spared))
      return false;
    known_.push_back({key, protocol});
    return true;
  }
  bool higher = protocol > found->protocol;
  found->protocol = std::max(found->protocol, protocol);
  std::rotate(found, found + 1, known_.end()); // heard last
  return higher;
}

bool trust_store::note_peer(const public_key& key, uint8_t protocol,
                            const in_use& spared) {
  if (find(key) != nullptr)
    return note_protocol(key, protocol);
  if (auto found = place_of(known_, key); found != known_.end()) {
    bool news = !std::exchange(found->peer, true);
    return note_protocol(key, protocol) || news;
  }
  if (protocol == 0 || !make_room(spared))
    return false;
  known_.push_back({key, protocol, false, true});
  return true;
}

bool trust_store::may_speak(const public_key& key, uint8_t protocol) const {
  return protocol >= protocol_of(key);
}

uint8_t trust_store::protocol_of(const public_key& key) const {
  if (auto* trusted = find(key))
    return trusted->protocol;
  auto known = place_of(known_, key);
  return known == known_.end() ? 0 : known->protocol;
}

/// Whether one more key fits, if need be in place of one without trust.
bool trust_store::make_room(const in_use& spared) {
  return trusted_.size() + known_.size() < max_keys || forget_one(false, spared)
         || forget_one(true, spared);
}

/// Forgets the stranger, or the peer that nobody has let in, that was not
/// heard for longest. Whether there was one.
bool trust_store::forget_one(bool peer, const in_use& spared) {
  auto victim = std::ranges::find_if(known_, [&](auto& x) {
    return x.peer == peer && !x.refused && !(spared && spared(x.key));
  });
  if (victim == known_.end())
    return false;
  known_.erase(victim);
  return true;
}

// -- looking ------------------------------------------------------------------

bool trust_store::is_stranger(const public_key& key) const {
  auto known = place_of(known_, key);
  return known != known_.end() && is_mere_stranger(*known);
}

const trusted_device* trust_store::find(const public_key& key) const {
  auto found = place_of(trusted_, key);
  return found == trusted_.end() ? nullptr : &*found;
}

const trusted_device* trust_store::find(const device_id& id) const {
  auto found = std::ranges::find(trusted_, id, &trusted_device::id);
  return found == trusted_.end() ? nullptr : &*found;
}

result<trusted_device> trust_store::find(std::string_view who) const {
  std::vector<named_device> names;
  for (auto& x : trusted_)
    names.push_back({x.id, x.name});
  auto id = find_device(who, names);
  if (!id)
    return id.error();
  return *find(*id);
}

trusted_device* trust_store::find_trusted(const public_key& key) {
  auto found = place_of(trusted_, key);
  return found == trusted_.end() ? nullptr : &*found;
}

} // namespace peapod
