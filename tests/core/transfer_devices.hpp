#pragma once

#include "core/types.hpp"

/// Who brings what in the tests of transfers.
namespace peapod::transfer_test {

inline constexpr device_id own{{'o'}};
inline constexpr device_id peer{{'p'}};
inline constexpr device_id other{{'q'}};

} // namespace peapod::transfer_test
