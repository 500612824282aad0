#pragma once

#include "core/types.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <string>

namespace peapod {

/// URLs whose last download ended with bytes that could not be trusted: for ten
/// minutes the own line alone brings them, so that a second try gets what the
/// origin gives. Usable from any thread.
class suspects {
public:
  static constexpr duration time = std::chrono::minutes(10);
  static constexpr size_t max_urls = 256;

  void add(const std::string& url, instant now) {
    std::lock_guard guard{mutex_};
    std::erase_if(until_, [now](auto& kv) { return kv.second <= now; });
    if (until_.size() >= max_urls)
      until_.erase(std::ranges::min_element(
          until_, {}, [](auto& kv) { return kv.second; }));
    until_[url] = now + time;
  }

  bool has(const std::string& url, instant now) const {
    std::lock_guard guard{mutex_};
    auto i = until_.find(url);
    return i != until_.end() && i->second > now;
  }

private:
  mutable std::mutex mutex_;
  std::map<std::string, instant> until_;
};

} // namespace peapod
