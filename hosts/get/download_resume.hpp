#pragma once

#include "hosts/get/download.hpp"

/// What is in the file before its turn: of an earlier run, or brought ahead by
/// other lines. It is not asked for again.
namespace peapod {

/// Looks at what an earlier run has left, and asks for the rest.
void start_download(download_state::self_pointer self);

/// Asks for what lies behind the bytes that were there already.
void on_ahead_taken(download_state::self_pointer self, const ahead_taken& msg);

/// Tries again, without asking for what is in the file behind gaps.
void on_ahead_is(download_state::self_pointer self, const ahead_is& msg);

} // namespace peapod
