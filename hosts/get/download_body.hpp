#pragma once

#include "hosts/get/download.hpp"

/// The body of a download on its way from the server, or from a transfer that
/// brings it over all lines, into the file.
namespace peapod {

/// The answer to a request for the whole file.
void take_whole(download_state::self_pointer self, const response_head& head);

/// The answer to a request for the rest.
void take_rest(download_state::self_pointer self, const response_head& head);

/// The next bytes of a body that no transfer brings.
void on_spine_read(download_state::self_pointer self, spine_read& msg);

/// The next bytes of one that a transfer brings.
void on_body_ready(download_state::self_pointer self, const body_ready& msg);

/// Bytes are in the file.
void on_piece_written(download_state::self_pointer self,
                      const piece_written& msg);

} // namespace peapod
