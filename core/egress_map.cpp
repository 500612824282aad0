#include "core/egress_map.hpp"

namespace peapod {

namespace {

/// Whether two ends of the internet are the same; nothing: not known.
using verdict = std::optional<bool>;

template <class T>
verdict compare(const T& x, const T& y) {
  auto known = [](const auto& z) {
    if constexpr (requires { z.has_value(); })
      return z.has_value();
    else
      return !z.empty();
  };
  return known(x) && known(y) ? verdict{x == y} : std::nullopt;
}

/// What the comparison of two lines says, and by which evidence.
struct finding {
  verdict same;
  std::string evidence;
};

/// Of facts or of tags, which have members of the same meaning.
finding judge(verdict v4, verdict v6, verdict gateway) {
  // One address of either family in common is enough; a device may have been
  // asked about only one.
  if (v4.value_or(false) || v6.value_or(false))
    return {true, "same public address"};
  if (v4 || v6)
    return {false, gateway.value_or(false)
                       ? "another public address behind the same gateway"
                       : "another public address"};
  if (gateway)
    return {*gateway, *gateway ? "same gateway" : "another gateway"};
  return {};
}

finding compare(const egress_facts& x, const egress_facts& y) {
  return judge(compare(x.public_v4, y.public_v4),
               compare(x.public_v6, y.public_v6),
               compare(x.gateway_mac, y.gateway_mac));
}

finding compare(const egress_tags& x, const egress_tags& y) {
  return judge(compare(x.public_v4, y.public_v4),
               compare(x.public_v6, y.public_v6),
               compare(x.gateway, y.gateway));
}

constexpr auto measured = "measured: both slow down together";
constexpr auto nothing_known = "nothing known against it";

/// The label that comparisons with others lead to, one call for each.
class comparing {
public:
  void take(const device_id& other, const std::string& name, finding x) {
    if (!x.same || label_.kind == egress_kind::same_line)
      return;
    if (*x.same)
      label_ = {egress_kind::same_line, other, name, std::move(x.evidence)};
    else if (label_.evidence.empty())
      label_.evidence = std::move(x.evidence);
  }

  egress_label result() && {
    if (label_.evidence.empty())
      label_.evidence = nothing_known;
    return std::move(label_);
  }

private:
  egress_label label_;
};

egress_label plain(egress_kind kind, std::string evidence) {
  return {kind, std::nullopt, {}, std::move(evidence)};
}

/// How somebody is called in a label.
std::string name_of(const device_id& id, const std::vector<egress_line>& lines,
                    const std::vector<egress_peer>& peers) {
  for (auto& x : lines)
    if (x.id == id)
      return x.name;
  for (auto& x : peers)
    if (x.id == id && !x.name.empty())
      return x.name;
  return to_string(id).substr(0, 12);
}

egress_label label_of(size_t at, const std::vector<egress_line>& lines,
                      const std::vector<egress_peer>& peers) {
  auto& x = lines[at];
  if (!x.up)
    return plain(egress_kind::paused, "it is not connected");
  if (x.rests)
    return plain(egress_kind::paused, "it has failed too often");
  if (x.slows)
    return {egress_kind::same_line, x.slows, name_of(*x.slows, lines, peers),
            measured};
  if (x.metered)
    return plain(egress_kind::metered, "the system says that it is metered");
  comparing out;
  for (size_t i = 0; i < at; ++i)
    if (lines[i].up)
      out.take(lines[i].id, lines[i].name, compare(lines[i].facts, x.facts));
  return std::move(out).result();
}

egress_label label_of(const egress_peer& x,
                      const std::vector<egress_line>& lines,
                      const std::vector<egress_peer>& peers) {
  if (x.pauses)
    return plain(egress_kind::paused,
                 x.metered ? "it says that it brings nothing now, and that its "
                             "line is metered"
                           : "it says that it brings nothing now");
  if (x.slows)
    return {egress_kind::same_line, x.slows, name_of(*x.slows, lines, peers),
            measured};
  if (x.metered)
    return plain(egress_kind::metered, "it says that it is metered");
  comparing out;
  for (size_t i = 0; i < lines.size() && i < x.ours.size(); ++i)
    if (lines[i].up)
      for (auto& theirs : x.theirs)
        out.take(lines[i].id, lines[i].name, compare(x.ours[i], theirs));
  return std::move(out).result();
}

} // namespace

std::string_view to_string(egress_kind x) {
  switch (x) {
    case egress_kind::adds:
      return "adds capacity";
    case egress_kind::same_line:
      return "same line";
    case egress_kind::metered:
      return "metered";
    case egress_kind::paused:
      return "paused";
  }
  return "unknown";
}

std::string text_of(const egress_label& x) {
  std::string out{to_string(x.kind)};
  return x.kind == egress_kind::same_line ? out + " as " + x.as_name : out;
}

std::map<device_id, egress_label>
make_egress_map(const std::vector<egress_line>& lines,
                const std::vector<egress_peer>& peers) {
  std::map<device_id, egress_label> out;
  for (size_t i = 0; i < lines.size(); ++i)
    out[lines[i].id] = label_of(i, lines, peers);
  for (auto& x : peers)
    out[x.id] = label_of(x, lines, peers);
  return out;
}

} // namespace peapod
