#pragma once

#include "hosts/get/download.hpp"
#include "hosts/get/line_keeper.hpp"
#include "hosts/get/upload.hpp"

#include <memory>

namespace peapod {

/// The actors behind `peapod get` and `peapod put`: lines, a scheduler, and one
/// download after the other or one upload; the thread of their sockets.
class get_node {
public:
  /// `setup` without its executor.
  explicit get_node(line_setup setup);
  ~get_node();

  get_node(const get_node&) = delete;
  get_node& operator=(const get_node&) = delete;

  /// Begins; `task.done` is called at the end. Not before the last one's end.
  void start(download_task task);

  /// The same for an upload. Only one, and no download besides it.
  void start(upload_task task);

  /// Whether a signal has asked to end. The first one ends what runs so that it
  /// can be continued; one that comes half a second later or more, the
  /// program.
  bool is_interrupted() const;

private:
  class impl;
  std::unique_ptr<impl> impl_;
};

} // namespace peapod
