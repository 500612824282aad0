#pragma once

#include "hosts/get/upload.hpp"

/// The parts of an upload: lines get them as they become free, and what fails
/// is tried again, over another line if there is one.
namespace peapod {

/// The server is ready for parts.
void begin_parts(upload_state::self_pointer self);

/// Gives parts to lines that are free.
void assign_parts(upload_state::self_pointer self);

/// The request of a part, which is no job any more, has ended.
void on_part_answered(upload_state::self_pointer self, upload_state::job x,
                      const result<upload_answer>& outcome);

} // namespace peapod
