#pragma once

#include "hosts/common/control_data.hpp"
#include "hosts/common/styled_text.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What the control socket answers as lines for people.
namespace peapod::control {

/// What actors may be sorted by.
enum class sort_key {
  id,
  name,
  about,
  state,
  mailbox,
  peak,
  rate,
  load,
  busy,
  longest,
  restarts,
  uptime,
};

/// The word for a key, as in `mailbox`; all of them, in order.
std::string_view to_string(sort_key key);
const std::vector<sort_key>& sort_keys();
std::optional<sort_key> parse_sort_key(std::string_view word);

/// Whether an actor comes before another one: names from A, figures from the
/// largest, equal ones by their ids.
bool comes_before(const actor& a, const actor& b, sort_key key);

/// Whether the number, name, topic, state or summary of an actor contains a
/// text, in either case of letters. Everything contains the empty text.
bool matches(const actor& x, std::string_view text);

/// Whether `whole` contains `part`, in either case of letters.
bool contains(std::string_view whole, std::string_view part);

/// `peer_session 25 (living-room)`; without a topic there are no parentheses.
std::string title_of(std::string_view name, uint64_t id,
                     std::string_view about);
std::string title_of(const actor& x);

/// How an actor's state is shown: `hanging` is bad, `busy` active.
tone tone_of_state(const actor& x);

/// How the kind of an event is shown.
tone tone_of_kind(std::string_view kind);

/// How a transfer or peer in a state is shown.
tone tone_of_transfer(std::string_view state);
tone tone_of_peer(std::string_view state);

/// A count in at most four columns: `950`, `1.2k`, `35k`, `4.1M`.
std::string count_text(double count);

/// A rate in messages a second, as in `0`, `0.4`, `12`, `1.2k`.
std::string message_rate_text(double rate);

/// `12%`; from 0 to 1.
std::string load_text(double load);

/// A device's name, or the beginning of its id when it has none.
std::string name_of(const peer& x);

/// `adds capacity`, `same line as b`...; empty when the daemon does not say.
std::string label_text(const line_label& x);

/// How a label is shown.
tone tone_of_label(const line_label& x);

/// The device's own lines as a table.
lines own_lines_text(const std::vector<own_line>& all);

lines actors_text(const std::vector<actor>& actors);
lines actor_text(const actor_page& page);
lines tree_text(const node& root);
lines crashes_text(const crash_list& crashes);
lines peers_text(const known_peers& data);
lines own_lines_text(const std::vector<own_line>& all);

/// What is to be said of a peer that shares a bottleneck, if it does: one
/// internet line, or the origin's limit, behind two devices.
std::optional<std::string> same_line_text(const peer& x,
                                          const std::vector<peer>& peers);

/// How a peer's trust is shown.
tone tone_of_trust(std::string_view trust);

/// What a person would type to mean a peer: its name if that is plain and its
/// own, else the beginning of its id.
std::string typed_name(const peer& x, const std::vector<peer>& peers);

/// The words with a space between them.
std::string words_of(const std::vector<std::string>& code);

/// What a person types to let a peer in whose words are the same there.
std::string trust_command(const peer& x, const std::vector<peer>& peers);

/// What is to be said when more devices wait than there is room for.
std::string crowded_text();

/// What is to be said of a peer that waits to be let in, if it does: the words
/// to compare, and what to do when they are the same. `how` ends the sentence.
std::optional<std::string> waiting_text(const peer& x, std::string_view how);

/// Why there is no session with a peer that is tried again, if that is known.
std::optional<std::string> absence_text(const peer& x);

/// How its bytes are checked, and what came of it.
std::string checks_text(const transfer& x);

lines transfers_text(const std::vector<transfer>& transfers);
lines pod_text(const std::vector<member>& members);
line event_text(const event& x);
line message_text(const message& x, uint64_t self);

/// The figures of an actor in words, one line for each group of them.
lines figures_text(const actor& x);

/// A report of a crash in full.
lines crash_text(const crash& x);

/// Data as an outline, indented.
lines outline_text(const std::vector<outline_line>& data);

} // namespace peapod::control
