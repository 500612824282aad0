#include "core/noise_pattern.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace peapod::noise {

namespace {

/// A fundamental pattern (section 7.5); nothing when we do not have it.
std::optional<handshake_pattern> fundamental(std::string_view name) {
  using enum token;
  if (name == "IK")
    return handshake_pattern{"IK", false, true, {{e, es, s, ss}, {e, ee, se}}};
  if (name == "XX")
    return handshake_pattern{
        "XX", false, false, {{e}, {e, ee, s, es}, {s, se}}};
  return std::nullopt;
}

/// Section 9.4: `psk0` stands before the first message's other tokens, `psk1`
/// behind them, `psk2` behind those of the second one, and so on.
bool add_psk(handshake_pattern& pattern, size_t position) {
  if (position > pattern.messages.size())
    return false;
  if (position == 0) {
    auto& first = pattern.messages.front();
    first.insert(first.begin(), token::psk);
  } else {
    pattern.messages[position - 1].push_back(token::psk);
  }
  return true;
}

/// The number in `pskN`.
std::optional<size_t> psk_position(std::string_view modifier) {
  constexpr std::string_view word = "psk";
  if (!modifier.starts_with(word))
    return std::nullopt;
  modifier.remove_prefix(word.size());
  size_t out = 0;
  const auto* end = modifier.data() + modifier.size();
  auto [stop, failed] = std::from_chars(modifier.data(), end, out);
  if (failed != std::errc{} || stop != end || std::to_string(out) != modifier)
    return std::nullopt;
  return out;
}

/// Applies modifiers that are joined by `+`; false when one is unknown, does
/// not fit or comes twice.
bool modify(handshake_pattern& pattern, std::string_view modifiers) {
  std::vector<size_t> seen;
  while (!modifiers.empty()) {
    auto end = std::min(modifiers.find('+'), modifiers.size());
    auto position = psk_position(modifiers.substr(0, end));
    if (!position || std::ranges::count(seen, *position) != 0
        || !add_psk(pattern, *position))
      return false;
    seen.push_back(*position);
    modifiers.remove_prefix(end);
    if (modifiers == "+")
      return false;
    if (!modifiers.empty())
      modifiers.remove_prefix(1);
  }
  return true;
}

} // namespace

size_t handshake_pattern::psk_count() const {
  size_t out = 0;
  for (const auto& message : messages)
    out += static_cast<size_t>(std::ranges::count(message, token::psk));
  return out;
}

result<handshake_pattern> find_pattern(std::string_view name) {
  // Patterns are upper case, modifiers lower case (section 8).
  auto end =
      std::ranges::find_if(name, [](char c) { return c >= 'a' && c <= 'z'; });
  auto base = static_cast<size_t>(end - name.begin());
  auto out = fundamental(name.substr(0, base));
  if (!out || !modify(*out, name.substr(base)))
    return make_error(errc::not_found, "there is no handshake pattern called "
                                           + std::string{name});
  out->name = name;
  return *out;
}

std::string protocol_name(const handshake_pattern& pattern) {
  return "Noise_" + pattern.name + "_25519_ChaChaPoly_SHA256";
}

} // namespace peapod::noise
