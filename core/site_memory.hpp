#pragma once

#include "core/types.hpp"

#include <array>
#include <compare>
#include <cstdint>
#include <string_view>
#include <vector>

/// Which line the sites of clients use, as it is kept over a restart.
namespace peapod {

/// Stands for a client and a site: a keyed hash, so that what is kept on a disk
/// is no list of what people have visited.
struct site_key {
  std::array<uint8_t, 16> bytes{};

  auto operator<=>(const site_key&) const = default;
};

/// The key of the hashes. It is kept beside them: who has both can try names.
using site_salt = std::array<uint8_t, 32>;

/// BLAKE2b, keyed with `salt`, of both names.
site_key make_site_key(const site_salt& salt, std::string_view client,
                       std::string_view site);

/// What is remembered.
struct site_memory {
  struct entry {
    site_key key;
    device_id line;
    instant used{};

    bool operator==(const entry&) const = default;
  };

  site_salt salt{};
  std::vector<entry> entries;

  bool operator==(const site_memory&) const = default;
};

} // namespace peapod
