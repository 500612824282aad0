#include "hosts/common/doctor_rules.hpp"

#include <algorithm>

/// Whose line adds nothing, as the daemon labels lines and devices
/// (`core/egress_map.hpp`).
namespace peapod::rules {

namespace {

using enum finding_severity;

constexpr auto other_line =
    "Give one of them another connection, such as a phone's; two devices "
    "behind the same router gain nothing.";

/// What daemons say that tell no labels yet.
control::line_label label_of(const doctor_facts& x, const control::peer& peer) {
  if (!peer.line.label.empty() || peer.same_line.empty())
    return peer.line;
  auto as = peer.same_line == x.status->daemon.id ? "this device"
                                                  : name_of(x, peer.same_line);
  return {"same line", as, "measured: both slow down together"};
}

bool is_same(const control::line_label& x) {
  return x.label == "same line";
}

bool is_measured(const control::line_label& x) {
  return is_same(x) && x.evidence.starts_with("measured");
}

bool is_gateway(const control::line_label& x) {
  return is_same(x) && x.evidence == "same gateway";
}

// -- other devices ------------------------------------------------------------

finding same_line(const std::string& who, const control::line_label& x) {
  if (is_measured(x))
    return {"same-line",
            warning,
            who + " has the same line as " + x.as
                + ": together they bring what one would.",
            {x.evidence,
             "an origin that gives all of them together no more looks the "
             "same"},
            other_line};
  return {"same-line",
          note,
          who + " seems to have the same line as " + x.as
              + ", so that both may bring what one would.",
          {x.evidence,
           "many lines may have one public address, when the provider shares "
           "it out; a long download measures it"},
          other_line};
}

void judge_exit(const doctor_facts& x, const control::peer& peer,
                findings& out) {
  auto label = label_of(x, peer);
  if (is_same(label) && !is_gateway(label))
    out.push_back(same_line(called(peer), label));
  if (label.label == "metered")
    out.push_back({"peer-metered",
                   note,
                   "What " + called(peer) + " brings may cost.",
                   {label.evidence},
                   "Set [share] when-metered=\"pause\" there if it should "
                   "bring nothing over such a line."});
}

/// Whether the peer is behind our gateway; nothing: it adds capacity, or its
/// line has a finding of its own. The reason is told.
std::optional<std::string> behind_gateway(const doctor_facts& x,
                                          const control::peer& peer) {
  auto label = label_of(x, peer);
  if (is_gateway(label))
    return called(peer) + ": " + label.evidence + ", by its link-layer address";
  bool known = label.evidence.starts_with("another");
  if (is_same(label) || known || interface_of(x, address_of(peer)) != x.way_out)
    return std::nullopt;
  return called(peer) + " is on " + x.way_out;
}

// -- lines of this device -----------------------------------------------------

void judge_own_line(const control::own_line& x, findings& out) {
  auto name = "The own line " + x.name;
  if (is_same(x.line))
    out.push_back({"own-line-same",
                   is_measured(x.line) ? warning : note,
                   name + " is the same as " + x.line.as
                       + ", so that it may add nothing.",
                   {x.line.evidence},
                   "Connect it to another router or provider, or take it out "
                   "of [wan] bind."});
  else if (x.line.label == "paused")
    out.push_back({"own-line-down",
                   warning,
                   name + " brings nothing now.",
                   {x.line.evidence},
                   x.up ? "peapod events says why; it is tried again by "
                          "itself."
                        : "Plug it in or connect it, and see that it has a "
                          "default route of its own (docs/EGRESS.md)."});
}

} // namespace

void judge_egress(const doctor_facts& x, findings& out) {
  for (auto* peer : connected_peers(x))
    judge_exit(x, *peer, out);
  if (x.status && x.status->lines.size() > 1)
    for (auto& line : x.status->lines)
      judge_own_line(line, out);
}

/// Nothing is measured yet, but it is what is to be expected.
void judge_same_gateway(const doctor_facts& x, findings& out) {
  auto gateway = gateway_of(x, x.way_out);
  auto peers = connected_peers(x);
  if (gateway.empty() || peers.empty() || !x.options.wan.bind.empty())
    return;
  std::vector<std::string> evidence{"the way out is " + x.way_out
                                    + " by the gateway " + gateway};
  for (auto* peer : peers) {
    auto why = behind_gateway(x, *peer);
    if (!why)
      return;
    evidence.push_back(std::move(*why));
  }
  out.push_back({"same-gateway", note,
                 "This device reaches the internet by the network in which "
                 "the others are, so that all of them may have the same line.",
                 std::move(evidence),
                 "PeaPod adds up lines: give at least one device another one, "
                 "such as a phone's mobile connection."});
}

} // namespace peapod::rules
