#include "hosts/common/control_commands.hpp"

#include "core/device_lookup.hpp"
#include "hosts/common/cli.hpp"
#include "hosts/common/control_routes.hpp"
#include "hosts/common/progress.hpp"
#include "hosts/common/terminal_text.hpp"

#include <algorithm>
#include <iostream>

/// Who is let into the pod: what a person says of it.
namespace peapod {

using namespace control;

int control_commands::trust() {
  code_ = compared_words(code_);
  // Without words somebody has to look at them now.
  if (auto found = code_.empty() ? find_waiting() : std::nullopt) {
    if (!compares(*found)) {
      to_->err << "peapod: nothing has changed\n";
      return exit_failure;
    }
    who_ = found->id;
    code_ = found->code;
  }
  return change_trust(true);
}

int control_commands::untrust() {
  return change_trust(false);
}

/// The device that is meant, when it shows words and a person sits here to
/// compare them.
std::optional<peer> control_commands::find_waiting() {
  bool is_whole = who_.size() == 2 * device_id::size;
  if (is_whole || json_ || &to_->out != &std::cout || !stdin_is_terminal()
      || !stdout_is_terminal())
    return std::nullopt;
  auto answer = ask({"GET", "/v1/peers", ""});
  auto all = answer ? read_peers(*answer) : result<known_peers>{known_peers{}};
  if (!all)
    return std::nullopt;
  std::vector<named_device> names;
  for (auto& x : all->peers)
    if (auto bytes = from_hex(x.id); bytes.size() == device_id::size)
      names.push_back({device_id::from(bytes), x.name});
  auto id = find_device(who_, names);
  if (!id)
    return std::nullopt;
  auto found = std::ranges::find(all->peers, to_string(*id), &peer::id);
  if (found == all->peers.end() || found->code.empty())
    return std::nullopt;
  return *found;
}

/// Asks whether the words are the same on the other screen.
bool control_commands::compares(const peer& x) {
  to_->out << "Does " << printable(name_of(x)) << " show the words "
           << printable(words_of(x.code)) << "? y/n " << std::flush;
  std::string said;
  std::getline(std::cin, said);
  return said == "y" || said == "Y" || said == "yes";
}

int control_commands::change_trust(bool trusted) {
  auto answer = ask(
      {"POST", trust_target(who_, trusted), trusted ? trust_body(code_) : ""});
  if (!answer)
    return fail(answer.error());
  if (json_)
    return show_as_is(*answer);
  auto peer = read_peer(*answer);
  if (!peer)
    return fail(peer.error());
  line out{name_of(*peer) + " (" + peer->id + ") is "
           + (trusted ? "trusted" : "not trusted any more")};
  if (trusted && !code_.empty())
    out.add(", by the words " + words_of(code_));
  if (!trusted && peer->trust == "open")
    out.add("; it may still join: [trust] mode=\"open\" lets everybody in",
            tone::warn);
  return show({out});
}

} // namespace peapod
