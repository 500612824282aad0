#pragma once

#include "core/error.hpp"
#include "core/types.hpp"

#include <span>
#include <string>
#include <string_view>

namespace peapod {

/// A device as people may name it.
struct named_device {
  device_id id;
  std::string name; ///< may be empty
};

/// How many hexadecimal digits of an id name a device, at least.
constexpr size_t min_id_prefix = 4;

/// The device that `who` names: by its whole id, by its name, or by the first
/// `min_id_prefix` or more digits of its id. A whole id goes before names, so
/// that no device takes another one's by its name. Errors: `not_found`;
/// `mismatch` when several devices fit, with a sentence that names them.
result<device_id> find_device(std::string_view who,
                              std::span<const named_device> devices);

} // namespace peapod
