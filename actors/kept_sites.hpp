#pragma once

#include "core/site_memory.hpp"

#include <mutex>
#include <utility>

namespace peapod {

/// What `exits` knows of sites, for its successor and for the disk.
class kept_sites {
public:
  site_memory get() const {
    std::lock_guard guard{mutex_};
    return sites_;
  }

  void set(site_memory x) {
    std::lock_guard guard{mutex_};
    sites_ = std::move(x);
  }

private:
  mutable std::mutex mutex_;
  site_memory sites_;
};

} // namespace peapod
