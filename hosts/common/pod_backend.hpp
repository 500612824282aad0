#pragma once

#include "actors/pod.hpp"
#include "hosts/common/control_backend.hpp"

#include <memory>

namespace peapod {

/// Asks a real pod, which must live until nothing is asked any more.
std::unique_ptr<control_backend> make_pod_backend(pod& x);

} // namespace peapod
