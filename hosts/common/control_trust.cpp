#include "hosts/common/control_commands.hpp"

#include "core/device_lookup.hpp"
#include "hosts/common/cli.hpp"
#include "hosts/common/control_routes.hpp"
#include "hosts/common/progress.hpp"
#include "hosts/common/terminal_text.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <cctype>
#include <iostream>
#include <utility>

/// Who is let into the pod: what a person says, and how it travels.
namespace peapod {

using namespace control;

namespace {

namespace json = boost::json;

constexpr size_t max_words = 8;
constexpr size_t max_word = 32;

/// The words that a person has typed, whether quoted or not, in lower case.
std::vector<std::string> words_in(const std::vector<std::string>& typed) {
  std::vector<std::string> out;
  for (auto& x : typed) {
    bool begins = true;
    for (unsigned char c : x) {
      if (std::isspace(c) != 0) {
        begins = true;
        continue;
      }
      if (std::exchange(begins, false))
        out.emplace_back();
      out.back() += static_cast<char>(std::tolower(c));
    }
  }
  return out;
}

control_refusal bad_code() {
  return {400, "the body must be empty or like {\"code\":[\"organ\",\"knob\","
               "\"tile\",\"serpent\"]}"};
}

} // namespace

// -- how it travels -----------------------------------------------------------

std::string trust_body(const std::vector<std::string>& code) {
  if (code.empty())
    return "";
  return json::serialize(
      json::object{{"code", json::array(code.begin(), code.end())}});
}

or_refusal<std::vector<std::string>> parse_trust_body(std::string_view body) {
  if (body.empty())
    return std::vector<std::string>{};
  boost::system::error_code ec;
  auto parsed = json::parse(json::string_view{body.data(), body.size()}, ec);
  if (ec || !parsed.is_object() || parsed.get_object().size() != 1)
    return bad_code();
  auto* code = parsed.get_object().if_contains("code");
  if (code == nullptr || !code->is_array()
      || code->get_array().size() > max_words)
    return bad_code();
  std::vector<std::string> out;
  for (auto& x : code->get_array()) {
    if (!x.is_string() || x.get_string().empty()
        || x.get_string().size() > max_word)
      return bad_code();
    out.emplace_back(x.get_string().data(), x.get_string().size());
  }
  return words_in(out);
}

// -- what a person says -------------------------------------------------------

int control_commands::trust() {
  code_ = words_in(code_);
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
