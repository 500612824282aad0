#pragma once

#include "hosts/get/download.hpp"

#include <optional>

/// How a download ends, and how it is tried again before that.
namespace peapod {

/// Ends once what is there of the file is safe.
void fail(download_state::self_pointer self, get_failure why);
void fail(download_state::self_pointer self, const error& why);

/// Tries again after a while, or gives up. `asked_for`: by the server.
void try_again(download_state::self_pointer self, const error& why,
               std::optional<duration> asked_for = std::nullopt);

/// The file has its name, or is wrong. One that is complete is so, whoever has
/// asked to stop meanwhile.
void on_file_finished(download_state::self_pointer self,
                      const file_finished& msg);

/// What there is of the file is safe.
void on_file_left(download_state::self_pointer self, const file_left& msg);

} // namespace peapod
