#pragma once

#include "core/error.hpp"
#include "hosts/common/config.hpp"

#include <cstdint>

namespace peapod {

/// Capabilities, a bit each: 1 << CAP_NET_RAW (capabilities(7)).
using capability_set = uint64_t;

/// What a daemon with these settings has a use for, if it has it:
///
/// - CAP_NET_RAW where `[wan] bind` names an interface, which kernels before
///   5.7 ask it for;
/// - CAP_NET_BIND_SERVICE for a port below 1024;
/// - CAP_CHOWN to give the control socket to `[console] group`;
/// - for root, what opens and hands over the files of another user where the
///   state, the log, the control socket or the home folder are that user's.
capability_set needed_capabilities(const settings& x);

/// From now on this thread, and whatever it begins, has no capability that is
/// not in `kept`: neither now, nor as another program (bounding, inheritable
/// and ambient set). To be called before there are threads. Error: `io_failed`
/// when the kernel refuses.
result<void> keep_capabilities(capability_set kept);

} // namespace peapod
