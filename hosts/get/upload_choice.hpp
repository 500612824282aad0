#pragma once

#include "hosts/get/upload.hpp"

/// What an upload decides: which parts there are, who brings which, which line
/// brings what cannot be split, and what a failure means. Functions of its
/// state alone.
namespace peapod {

/// Parts by the size and the lines that there are.
std::vector<byte_range> choose_parts(const upload_state& st);

/// What cuts parts while the upload runs, for a server that lets their sizes
/// differ.
part_cutter make_cutter(const upload_state& st);

/// The line of an upload that is not split.
line_choice choose_only_line(const upload_state& st);

/// Whether this line may bring parts.
bool may_bring(const upload_state& st, const device_id& id);

/// A part that nobody brings, for this line; it may be cut here.
std::optional<size_t> next_part(upload_state& st, const device_id& id,
                                instant now);

/// A part that this line would bring much sooner than the one that has it.
std::optional<size_t> worth_repeating(const upload_state& st,
                                      const upload_state::line& by,
                                      instant now);

/// The server has a part that this line has brought.
void note_brought(upload_state& st, const device_id& by, uint64_t bytes,
                  instant now);

/// Whether this line may bring one more part. The second one begins when the
/// first has left this machine: then the server is not waited for, and one
/// after the other they tell how fast the line is.
bool has_room(const upload_state& st, const device_id& id);

/// What was measured of lines that have brought enough for that, in bytes a
/// second.
std::map<std::string, uint64_t> measured_rates(const upload_state& st);

/// Whether it is certain that an exchange that failed so has not begun to send
/// its body.
bool is_before_body(const error& why);

/// Whether what failed so may be sent again without doing it twice.
bool is_safe_again(const upload_state& st, const upload_state::job& x,
                   const error& why, const result<upload_answer>& outcome);

/// Whether a later try may go better, of what was lost or refused so.
bool is_passing(const error& why, const result<upload_answer>& outcome);

/// Whose TLS somebody else answers is not a line to use.
bool is_impostor(const error& why);

/// An error whose detail says all.
get_failure in_words(const error& why);

} // namespace peapod
