#pragma once

#include "hosts/get/upload.hpp"

#include <vector>

/// How an upload ends: with the file at the server, or with nothing left
/// there.
namespace peapod {

/// Gives up: what came to the server is removed there.
void fail(upload_state::self_pointer self, get_failure why);
void fail(upload_state::self_pointer self, const error& why);

/// Removes at the server what is of no use there, and ends.
void clean_up(upload_state::self_pointer self,
              const std::vector<upload_part>& parts);

/// The next of what is to be removed; ends when there is nothing more.
void abort_next(upload_state::self_pointer self);

} // namespace peapod
