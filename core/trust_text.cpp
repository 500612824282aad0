#include "core/trust_text.hpp"

#include "core/wire_message.hpp"

#include <boost/json.hpp>

#include <array>
#include <optional>

namespace peapod {

namespace {

namespace json = boost::json;

constexpr uint64_t version = 1;

error broken(const std::string& what) {
  return make_error(errc::bad_config, what);
}

// -- writing ------------------------------------------------------------------

json::object to_json(const trusted_device& x) {
  auto by = to_string(x.origin);
  return {{"key", to_string(x.key)},
          {"name", x.name},
          {"since", x.since},
          {"by", json::string_view{by.data(), by.size()}},
          {"protocol", x.protocol}};
}

json::object to_json(const known_device& x) {
  json::object out{{"key", to_string(x.key)},
                   {"protocol", x.protocol},
                   {"refused", x.refused}};
  if (x.peer)
    out.emplace("peer", true);
  return out;
}

template <class List>
std::string list_text(const List& list) {
  std::string out = "[";
  for (auto& x : list)
    out +=
        (out.size() > 1 ? ",\n    " : "\n    ") + json::serialize(to_json(x));
  return out + (list.empty() ? "]" : "\n  ]");
}

// -- reading ------------------------------------------------------------------

std::optional<std::string> text_in(const json::value& x) {
  if (!x.is_string())
    return std::nullopt;
  return std::string{x.get_string().data(), x.get_string().size()};
}

std::optional<uint64_t> number_in(const json::value& x, uint64_t max) {
  boost::system::error_code ec;
  if (!x.is_int64() && !x.is_uint64())
    return std::nullopt;
  auto out = x.to_number<uint64_t>(ec);
  return !ec && out <= max ? std::optional{out} : std::nullopt;
}

bool read(const json::value& x, public_key& to) {
  auto bytes = from_hex(text_in(x).value_or(""));
  if (bytes.size() != public_key::size)
    return false;
  to = public_key::from(bytes);
  return true;
}

bool read(const json::value& x, std::string& to) {
  auto text = text_in(x);
  if (!text || clean_name(*text) != *text)
    return false;
  to = std::move(*text);
  return true;
}

bool read(const json::value& x, uint64_t& to) {
  auto number = number_in(x, trust_store::max_since);
  to = number.value_or(0);
  return number.has_value();
}

bool read(const json::value& x, uint8_t& to) {
  auto number = number_in(x, 255);
  to = static_cast<uint8_t>(number.value_or(0));
  return number.has_value();
}

bool read(const json::value& x, bool& to) {
  to = x.is_bool() && x.get_bool();
  return x.is_bool();
}

bool read(const json::value& x, trust_origin& to) {
  using enum trust_origin;
  auto text = text_in(x);
  for (auto origin : {paired, secret, open})
    if (text == to_string(origin)) {
      to = origin;
      return true;
    }
  return false;
}

/// Reads members of one object and keeps the first thing that is wrong.
struct member_reader {
  const json::object& in;
  size_t count = 0;
  std::string wrong;

  template <class T>
  member_reader& operator()(std::string_view name, T& to) {
    ++count;
    auto* found = in.if_contains(json::string_view{name.data(), name.size()});
    if (wrong.empty() && (found == nullptr || !read(*found, to)))
      wrong = std::string{found ? "a wrong " : "no "} + std::string{name};
    return *this;
  }

  /// Reads a member that may be missing.
  template <class T>
  member_reader& if_there(std::string_view name, T& to) {
    auto there = in.contains(json::string_view{name.data(), name.size()});
    return there ? (*this)(name, to) : *this;
  }

  /// What is wrong, or nothing; a member that nobody has asked for is too.
  std::string verdict() const {
    return wrong.empty() && in.size() != count ? "an unknown member" : wrong;
  }
};

std::string read_device(const json::object& in, trusted_device& to) {
  return member_reader{in, 0, ""}("key", to.key)("name", to.name)(
             "since", to.since)("by", to.origin)("protocol", to.protocol)
      .verdict();
}

std::string read_device(const json::object& in, known_device& to) {
  auto wrong = member_reader{in, 0, ""}("key", to.key)("protocol", to.protocol)(
                   "refused", to.refused)
                   .if_there("peer", to.peer)
                   .verdict();
  return wrong.empty() && to.protocol == 0 && !to.refused ? "a wrong protocol"
                                                          : wrong;
}

/// Puts what was read into the store; an empty text, or what is wrong.
std::string put(trust_store& to, const trusted_device& x) {
  if (to.is_trusted(x.key))
    return "a key that stands there twice";
  if (auto done = to.trust(x.key, x.name, x.since, x.origin); !done)
    return "too many devices before it";
  to.note_protocol(x.key, x.protocol);
  return "";
}

std::string put(trust_store& to, const known_device& x) {
  if (to.is_trusted(x.key) || to.is_refused(x.key) || to.protocol_of(x.key) > 0)
    return "a key that stands there twice";
  if (to.list().size() + to.known().size() >= trust_store::max_keys)
    return "too many devices before it";
  if (x.refused && !to.untrust(x.key))
    return "too many devices before it";
  if (x.peer)
    to.note_peer(x.key, x.protocol);
  else
    to.note_protocol(x.key, x.protocol);
  return "";
}

template <class Device>
result<void> read_list(const json::object& in, std::string_view name,
                       trust_store& to) {
  auto* list = in.if_contains(json::string_view{name.data(), name.size()});
  if (list == nullptr || !list->is_array())
    return broken("the list \"" + std::string{name} + "\" is missing");
  size_t number = 0;
  for (auto& x : list->get_array()) {
    ++number;
    Device device;
    auto wrong = x.is_object() ? read_device(x.get_object(), device)
                               : std::string{"no members"};
    if (wrong.empty())
      wrong = put(to, device);
    if (!wrong.empty())
      return broken("device " + std::to_string(number) + " of \""
                    + std::string{name} + "\" has " + wrong);
  }
  return {};
}

} // namespace

std::string trust_text(const trust_store& x) {
  return "{\n  \"version\": " + std::to_string(version)
         + ",\n  \"devices\": " + list_text(x.list())
         + ",\n  \"known\": " + list_text(x.known()) + "\n}\n";
}

result<trust_store> parse_trust(std::string_view text) {
  if (text.size() > max_trust_text)
    return broken("it is longer than 1 MiB");
  boost::system::error_code ec;
  auto parsed = json::parse(json::string_view{text.data(), text.size()}, ec);
  if (ec || !parsed.is_object())
    return broken("it is not a JSON object");
  auto& in = parsed.get_object();
  auto* of = in.if_contains("version");
  auto number = of ? number_in(*of, UINT64_MAX) : std::nullopt;
  if (!number)
    return broken("it has no version");
  if (*number != version)
    return broken("it is of version " + std::to_string(*number)
                  + ", and this PeaPod knows version " + std::to_string(version)
                  + " only");
  if (in.size() != 3)
    return broken("it has more or fewer members than version, devices and "
                  "known");
  trust_store out;
  if (auto done = read_list<trusted_device>(in, "devices", out); !done)
    return done.error();
  if (auto done = read_list<known_device>(in, "known", out); !done)
    return done.error();
  return out;
}

} // namespace peapod
