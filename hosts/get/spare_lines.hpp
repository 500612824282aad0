#pragma once

#include "actors/ports.hpp"
#include "core/types.hpp"

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace peapod {

/// A line besides this device's own, or besides the first of those.
struct spare_line {
  device_id id;
  std::string name; ///< for people
  std::shared_ptr<http_client> http;
};

/// What stands in for the own line when that does not reach a server. For the
/// thread of the sockets alone.
class spare_lines {
public:
  void add(spare_line x) {
    drop(x.id);
    all_.push_back(std::move(x));
  }

  void drop(const device_id& id) {
    std::erase_if(all_, [&](auto& x) { return x.id == id; });
  }

  bool empty() const {
    return all_.empty();
  }

  /// The first that is not one of `tried`, or null.
  const spare_line* next(const std::set<device_id>& tried) const {
    auto i = std::ranges::find_if(
        all_, [&](auto& x) { return !tried.contains(x.id); });
    return i == all_.end() ? nullptr : &*i;
  }

private:
  std::vector<spare_line> all_;
};

} // namespace peapod
