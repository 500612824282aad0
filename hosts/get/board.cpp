#include "hosts/get/board.hpp"

#include <algorithm>

namespace peapod {

void board::begin(std::string name) {
  std::lock_guard guard{mutex_};
  auto notes = std::move(view_.notes);
  view_ = {};
  view_.name = std::move(name);
  view_.notes = std::move(notes);
  own_bytes_ = 0;
  elsewhere_.clear();
  ledgers_.clear();
}

void board::set_total(std::optional<uint64_t> total, uint64_t begun) {
  std::lock_guard guard{mutex_};
  view_.total = total;
  view_.begun = begun;
}

void board::set_done(uint64_t done) {
  std::lock_guard guard{mutex_};
  view_.done = done;
}

void board::device_joined(const device_id& id, std::string name, bool own,
                          std::string line) {
  std::lock_guard guard{mutex_};
  devices_[id] = {std::move(name), own, true, std::move(line)};
}

void board::device_left(const device_id& id) {
  std::lock_guard guard{mutex_};
  if (auto i = devices_.find(id); i != devices_.end())
    i->second.here = false;
}

void board::add_transfer(const transfer_id& id) {
  std::lock_guard guard{mutex_};
  ledgers_[id] = {};
}

void board::set_ledger(const transfer_id& id, transfer_ledger ledger) {
  std::lock_guard guard{mutex_};
  if (auto i = ledgers_.find(id); i != ledgers_.end())
    i->second = std::move(ledger);
}

void board::add_own(uint64_t bytes) {
  std::lock_guard guard{mutex_};
  own_bytes_ += bytes;
}

void board::came_over(const device_id& id, uint64_t bytes) {
  std::lock_guard guard{mutex_};
  elsewhere_[id] += bytes;
}

void board::note(std::string text) {
  std::lock_guard guard{mutex_};
  view_.notes.push_back(std::move(text));
}

board_view board::take() {
  std::lock_guard guard{mutex_};
  auto out = view_;
  view_.notes.clear();
  std::map<device_id, uint64_t> bytes;
  for (auto& [id, ledger] : ledgers_) {
    out.wasted += ledger.wasted;
    out.hedged += ledger.hedged;
    for (auto& [source, count] : ledger.bytes_by_source)
      bytes[source] += count;
  }
  for (auto& [id, x] : devices_)
    if (x.own) {
      // What a ledger does not know of yet cannot be taken off.
      auto& own = bytes[id] += own_bytes_;
      for (auto& [other, count] : elsewhere_) {
        auto part = std::min(own, count);
        own -= part;
        bytes[other] += part;
      }
    }
  for (auto& [id, x] : devices_) {
    auto count = bytes[id];
    if (x.here || count > 0)
      out.devices.push_back({x.own ? std::string{} : to_string(id), x.name,
                             count, x.here, x.line});
  }
  std::ranges::stable_sort(out.devices, {},
                           [](auto& x) { return !x.id.empty(); });
  return out;
}

} // namespace peapod
