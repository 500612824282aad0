#pragma once

#include "core/types.hpp"
#include "hosts/get/get_messages.hpp"

#include <map>

namespace peapod {

/// Who writes the file of a transfer: lines pass on there what comes before
/// its turn, so that it survives the end of the program. For the thread of the
/// sockets alone.
class write_desk {
public:
  void open(const transfer_id& id, const file_writer_actor& writer) {
    writers_[id] = writer;
  }

  void close(const transfer_id& id) {
    writers_.erase(id);
  }

  /// Null: nobody keeps it.
  file_writer_actor find(const transfer_id& id) const {
    auto i = writers_.find(id);
    return i == writers_.end() ? file_writer_actor{} : i->second;
  }

private:
  std::map<transfer_id, file_writer_actor> writers_;
};

} // namespace peapod
