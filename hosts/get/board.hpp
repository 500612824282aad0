#pragma once

#include "core/transfer.hpp"
#include "core/types.hpp"

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace peapod {

/// What one device has brought.
struct device_share {
  std::string id; ///< hexadecimal; empty: this device
  std::string name;
  uint64_t bytes = 0;
  bool here = true;      ///< it may bring more
  std::string line = {}; ///< which of several of this device, or empty
};

/// How a download or an upload stands.
struct board_view {
  std::string name; ///< of the file
  std::optional<uint64_t> total;
  uint64_t begun = 0; ///< bytes that an earlier run has brought
  uint64_t done = 0;  ///< those included
  uint64_t wasted = 0;
  uint64_t hedged = 0;
  std::vector<device_share> devices; ///< this device first
  std::vector<std::string> notes;    ///< what people should know, not seen yet
};

/// What the actors of a download tell whoever shows it. All members may be
/// called from any thread.
class board {
public:
  /// Forgets the last file.
  void begin(std::string name);

  void set_total(std::optional<uint64_t> total, uint64_t begun);

  /// Bytes that are in the file, those of earlier runs included.
  void set_done(uint64_t done);

  /// A device that may bring something; `own`: this one.
  /// `line`: which of several of this device's it is, or empty.
  void device_joined(const device_id& id, std::string name, bool own,
                     std::string line = {});
  void device_left(const device_id& id);

  /// A transfer of this file; the ledgers of several are added up.
  void add_transfer(const transfer_id& id);

  /// What a transfer says. Those of other files are of no interest.
  void set_ledger(const transfer_id& id, transfer_ledger ledger);

  /// Bytes that came without a transfer, over this device's line.
  void add_own(uint64_t bytes);

  /// Of what counts as this device's, so many bytes came over another line.
  void came_over(const device_id& id, uint64_t bytes);

  /// Something that people should know, once.
  void note(std::string text);

  /// How it stands; its notes are given out once.
  board_view take();

private:
  struct device {
    std::string name;
    bool own = false;
    bool here = true;
    std::string line;
  };

  mutable std::mutex mutex_;
  board_view view_; ///< without devices
  uint64_t own_bytes_ = 0;
  std::map<device_id, uint64_t> elsewhere_; ///< see `came_over`
  std::map<device_id, device> devices_;
  std::map<transfer_id, transfer_ledger> ledgers_;
};

} // namespace peapod
