#pragma once

#include "hosts/common/config.hpp"

#include <caf/config_value.hpp>

#include <functional>
#include <span>
#include <string_view>

namespace peapod {

/// How a key's value is written.
enum class value_kind { text, text_list, number_list, other };

/// One key of the configuration.
struct config_key {
  std::string_view name; ///< `section.key`
  value_kind kind;
  /// Ends the sentence `section.key: expected ...`.
  std::string_view expected;
  /// Stores a value; false when it is not what is expected.
  std::function<bool(settings&, const caf::config_value&)> store;
};

/// All keys, sorted by name.
std::span<const config_key> config_keys();

} // namespace peapod
