#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>

namespace peapod {

/// Bounds how many connections are being made at a time: in all, to one
/// address, and to devices that nobody vouches for, so that invented devices
/// leave room for the others.
class dial_slots {
public:
  struct limits {
    size_t in_all = 16;
    size_t per_address = 4;
    size_t strangers = 12; ///< of `in_all`, those that nobody vouches for
  };

  /// Held while a connection is being made.
  using ticket = std::shared_ptr<const void>;

  dial_slots() = default;
  explicit dial_slots(limits x) : limits_(x) {}

  /// Whether `take` would give a ticket.
  bool has_room(const std::string& place, bool vouched) const {
    return open_->in_all < limits_.in_all
           && open_->of(place) < limits_.per_address
           && (vouched || open_->strangers < limits_.strangers);
  }

  /// A ticket for a connection to `place` (`gate_name` of an address); nothing
  /// when there are too many.
  ticket take(const std::string& place, bool vouched) {
    if (!has_room(place, vouched))
      return nullptr;
    ++open_->in_all;
    ++open_->at[place];
    open_->strangers += vouched ? 0 : 1;
    // The ticket may outlive the slots.
    auto leave = [open = open_, place, vouched](const void*) {
      --open->in_all;
      open->strangers -= vouched ? 0 : 1;
      if (auto i = open->at.find(place); --i->second == 0)
        open->at.erase(i);
    };
    return {this, leave};
  }

  /// How many tickets are held.
  size_t open() const {
    return open_->in_all;
  }

private:
  struct counts {
    size_t in_all = 0;
    size_t strangers = 0;
    std::map<std::string, size_t> at;

    size_t of(const std::string& place) const {
      auto i = at.find(place);
      return i == at.end() ? 0 : i->second;
    }
  };

  limits limits_;
  std::shared_ptr<counts> open_ = std::make_shared<counts>();
};

} // namespace peapod
