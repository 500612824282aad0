#pragma once

#include "hosts/get/download.hpp"

/// The file that a download writes, as far as the download has to do with it.
namespace peapod {

/// Opens the file for a body that begins at `at`. False: it has failed.
bool open_file(download_state::self_pointer self, const response_head& head);

/// The next bytes go into the file; `from` is told when they are there.
void pass_on(download_state::self_pointer self, slice bytes,
             caf::strong_actor_ptr from);

/// Checks the file once all of it is written; asks for what is missing of it.
void finish_if_complete(download_state::self_pointer self);

} // namespace peapod
