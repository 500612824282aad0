#pragma once

#include "actors/transfer.hpp"

/// What a transfer asks its own line only to compare it with what peers
/// brought.
namespace peapod {

/// Whether a lease is one of those questions: a fetch like any other, under a
/// number that no lease of the scheduler has.
bool is_recheck(lease_id lease);

void ask_recheck(transfer_state::self_pointer self,
                 const transfer::recheck& what);

/// A piece of an answer.
void take_recheck(transfer_state::self_pointer self, const chunk_arrived& msg);

/// The end of an answer.
void settle_recheck(transfer_state::self_pointer self,
                    const chunk_settled& msg);

/// Asks again what a fetcher has taken with it, or had no time for; gives up
/// what takes so long that the client would wait.
void look_after_rechecks(transfer_state::self_pointer self);

/// The body has ended.
void cancel_rechecks(transfer_state::self_pointer self);

/// Counts what was compared for the metrics, and tells of a wrong digest.
void count_checks(transfer_state::self_pointer self);

} // namespace peapod
