#pragma once

#include "core/sharing_policy.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <memory>

namespace peapod {

/// Watches the line and the power by the system bus, for as long as what is
/// returned lives, and tells how they are whenever that changes. Nothing is
/// told while nothing is known. To be let go on the executor's thread.
std::shared_ptr<void>
watch_conditions(const boost::asio::any_io_executor& executor,
                 std::function<void(const device_conditions&)> tell);

} // namespace peapod
