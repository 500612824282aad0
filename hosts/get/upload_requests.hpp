#pragma once

#include "hosts/get/upload.hpp"

#include <optional>

/// The requests of an upload that are under way: how they are sent, what they
/// have brought, and where the server wants them to go instead.
namespace peapod {

/// Sends a request over a line, for a part or for itself. What becomes of it
/// comes as `upload_answered`.
void start_job(upload_state::self_pointer self, const device_id& id,
               upload_request what, std::optional<size_t> part, upload_part at);

/// A request that is no part's, over the own line unless that has failed.
void start_alone(upload_state::self_pointer self, upload_request what);

/// Forgets all of them: they are not answered any more.
void cancel_jobs(upload_state::self_pointer self);

/// Lets requests go where the server wants them; false: it wants nothing.
/// What names the user stays with the server that it was meant for.
result<bool> follow_redirect(upload_state::self_pointer self,
                             const upload_answer& answer);

/// Tells the board what is done, what is under way and who brings it.
void show_progress(upload_state::self_pointer self);

} // namespace peapod
