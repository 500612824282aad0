#include "hosts/common/actor_view.hpp"

#include "core/wire_message.hpp"
#include "hosts/common/actors_json.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <array>
#include <limits>
#include <utility>

namespace peapod {

namespace {

namespace json = boost::json;

constexpr size_t max_text = 4096;
constexpr size_t max_elements = 4096;

/// More seconds than any device runs, and more messages a second than any actor
/// handles. What is larger does not fit into a duration, and may be another
/// number when it is written and read again.
constexpr double max_real = 1e9;

// -- members ------------------------------------------------------------------

bool read(const json::value& x, std::string& to) {
  if (!x.is_string() || x.get_string().size() > max_text)
    return false;
  to = std::string{x.get_string().data(), x.get_string().size()};
  return true;
}

bool read(const json::value& x, bool& to) {
  if (!x.is_bool())
    return false;
  to = x.get_bool();
  return true;
}

bool read(const json::value& x, uint64_t& to) {
  boost::system::error_code ec;
  if (x.is_double() || !x.is_number())
    return false;
  to = x.to_number<uint64_t>(ec);
  return !ec;
}

bool read(const json::value& x, unsigned& to) {
  uint64_t wide = 0;
  if (!read(x, wide) || wide > std::numeric_limits<unsigned>::max())
    return false;
  to = static_cast<unsigned>(wide);
  return true;
}

bool read(const json::value& x, double& to) {
  boost::system::error_code ec;
  if (!x.is_number())
    return false;
  to = x.to_number<double>(ec);
  return !ec && to >= 0 && to <= max_real;
}

bool read(const json::value& x, duration& to) {
  double span = 0;
  if (!read(x, span))
    return false;
  to =
      std::chrono::duration_cast<duration>(std::chrono::duration<double>(span));
  return true;
}

bool read(const json::value& x, std::optional<actor_number>& to) {
  return x.is_null() || read(x, to.emplace());
}

bool read(const json::value& x, std::vector<actor_number>& to) {
  if (!x.is_array() || x.get_array().size() > max_elements)
    return false;
  for (auto& element : x.get_array())
    if (!read(element, to.emplace_back()))
      return false;
  return true;
}

/// One of some words, as `to_string` says them.
template <class Enum, size_t Count>
bool read_word(const json::value& x, const std::array<Enum, Count>& all,
               Enum& to) {
  std::string word;
  if (!read(x, word))
    return false;
  for (auto value : all)
    if (to_string(value) == word) {
      to = value;
      return true;
    }
  return false;
}

bool read(const json::value& x, restart_type& to) {
  using enum restart_type;
  return read_word(x, std::array{permanent, transient, temporary}, to);
}

bool read(const json::value& x, activity& to) {
  using enum activity;
  return read_word(x, std::array{idle, busy, hanging}, to);
}

// -- one actor ----------------------------------------------------------------

/// Reads the members of one object; `ok` stays true if all were right.
struct member_reader {
  const json::object& in;
  bool ok = true;

  template <class T>
  member_reader& operator()(std::string_view name, T& to) {
    auto* found = in.if_contains(json::string_view{name.data(), name.size()});
    ok = ok && found != nullptr && read(*found, to);
    return *this;
  }
};

bool read(const json::value& x, actor_row& to) {
  if (!x.is_object())
    return false;
  std::string runs_on;
  member_reader read_member{x.get_object()};
  read_member("id", to.id)("name", to.name)("parent", to.parent);
  read_member("about", to.about)("summary", to.summary);
  read_member("restart", to.restart)("runs_on", runs_on)("state", to.state);
  read_member("answered", to.answered)("mailbox", to.mailbox);
  read_member("mailbox_peak", to.mailbox_peak)("handled", to.handled);
  read_member("rate", to.rate)("load", to.load)("busy", to.busy);
  read_member("longest", to.longest)("uptime", to.uptime);
  read_member("restarts", to.restarts)("links", to.links);
  to.on_io = runs_on == "io";
  return read_member.ok && (to.on_io || runs_on == "worker");
}

error nonsense() {
  return make_error(errc::peer_misbehaved,
                    "what it says of its actors cannot be understood");
}

} // namespace

std::string view_text(const std::vector<actor_row>& rows,
                      std::vector<host_pattern> never) {
  // Actors are about a host, whatever its port.
  for (auto& x : never)
    x.port = 0;
  std::string out = "[";
  for (auto row : rows) {
    if (covers(never, row.about, 0))
      row.about.clear();
    auto text = json::serialize(to_json(row));
    if (out.size() + text.size() + 2 > max_view_size)
      break;
    out += (out.size() > 1 ? "," : "") + text;
  }
  return out + "]";
}

result<std::vector<actor_row>> parse_view(std::string_view text) {
  boost::system::error_code ec;
  auto parsed = json::parse(json::string_view{text.data(), text.size()}, ec);
  if (ec || !parsed.is_array() || parsed.get_array().size() > max_elements)
    return nonsense();
  std::vector<actor_row> out;
  for (auto& x : parsed.get_array())
    if (!read(x, out.emplace_back()))
      return nonsense();
  return out;
}

} // namespace peapod
