#pragma once

#include "core/types.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>

namespace peapod {

/// Bounds what connections may cost before their peers have proven anything:
/// how many are open at a time and how many begin in a second, in all and for
/// one address.
class handshake_gate {
public:
  struct limits {
    size_t in_all = 64;
    size_t per_address = 8;
    size_t per_second = 32;
    size_t per_second_and_address = 8;
  };

  /// Held while a connection has not become a session.
  using ticket = std::shared_ptr<const void>;

  handshake_gate() = default;
  explicit handshake_gate(limits x) : limits_(x) {}

  /// A ticket for a connection from `address`; nothing when there are too many.
  ticket enter(const std::string& address, instant now);

  /// How many tickets are held.
  size_t open() const {
    return open_->in_all;
  }

private:
  struct counts {
    size_t in_all = 0;
    std::map<std::string, size_t> by_address;

    size_t of(const std::string& name) const {
      auto i = by_address.find(name);
      return i == by_address.end() ? 0 : i->second;
    }
  };

  limits limits_;
  std::shared_ptr<counts> open_ = std::make_shared<counts>();
  counts begun_; ///< in this second
  std::optional<instant> second_;
};

/// What counts as one address: all of an IPv6 network of 64 bits, because a
/// device can have as many addresses in it as it likes.
/// Link-local addresses count one by one: neighbours share their network.
std::string gate_name(const std::string& address);

/// Whether an address is of IPv6 and means something on its link only.
bool is_link_local(const std::string& address);

/// The same for those who wait for a person. They are few, and link-local
/// addresses cost nothing: all of a link count as one place.
std::string waiting_place(const std::string& address);

} // namespace peapod
