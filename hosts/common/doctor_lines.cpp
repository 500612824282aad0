#include "hosts/common/control_text.hpp"
#include "hosts/common/doctor_rules.hpp"

#include <algorithm>

namespace peapod::rules {

namespace {

using enum finding_severity;

// -- who brings nothing -------------------------------------------------------

void judge_own_sharing(const doctor_facts& x, findings& out) {
  if (!x.status) {
    if (x.system.metered.value_or(false) && !x.options.share.when_metered)
      out.push_back(
          {"metered",
           warning,
           "This device's line is metered, so that it fetches "
           "nothing for others.",
           {"NetworkManager says so"},
           "Set [share] when-metered=\"share\" if its data costs "
           "nothing, or tell NetworkManager that it is not metered."});
    return;
  }
  auto& sharing = x.status->sharing;
  bool metered = sharing.metered.value_or(false);
  if (sharing.state == "paused")
    out.push_back({metered ? "metered" : "paused",
                   warning,
                   "This device fetches nothing for others at the moment: "
                       + sharing.why + ".",
                   {metered ? "NetworkManager says that the line is metered"
                            : "the daemon says so"},
                   metered ? "Set [share] when-metered=\"share\" if its data "
                             "costs nothing, or tell NetworkManager that it is "
                             "not metered."
                           : "Wait, or change [share] on-battery, min-battery, "
                             "per-day or per-month."});
  else if (sharing.state == "off")
    out.push_back({"sharing-off",
                   note,
                   "This device fetches nothing for others.",
                   {"[share] enabled=false"},
                   "Set [share] enabled=true if others are to gain as well."});
}

void judge_their_sharing(const doctor_facts& x, findings& out) {
  for (auto* peer : connected_peers(x)) {
    if (peer->pauses)
      out.push_back({"peer-paused",
                     warning,
                     called(*peer) + " brings nothing at the moment.",
                     {peer->line.label == "paused"
                          ? peer->line.evidence
                          : "it says that its sharing is paused or off"},
                     "Look at peapod status there: a metered line, its "
                     "battery, a quota, or [share] enabled=false."});
    if (peer->state == "set aside")
      out.push_back({"peer-set-aside",
                     warning,
                     called(*peer) + " gets nothing to do for a while.",
                     {"it failed, or brought wrong bytes"},
                     "peapod events says why; it is tried again by itself."});
  }
}

void judge_pooling(const doctor_facts& x, findings& out) {
  if (!x.options.pool.enabled)
    out.push_back({"pooling-off",
                   problem,
                   "Downloads of this device are not shared out.",
                   {"[pool] enabled=false"},
                   "Set [pool] enabled=true."});
}

// -- who is let in ------------------------------------------------------------

finding not_let_in(const control::peer& x) {
  auto command = "peapod trust " + x.id.substr(0, 12)
                 + (x.code.empty() ? "" : " " + control::words_of(x.code));
  auto words = control::waiting_text(x, "let it in: " + command);
  return {"not-let-in",
          problem,
          called(x) + " waits to be let into the pod.",
          {words.value_or("the daemon says so")},
          "Compare the words that peapod peers shows on both devices; if they "
          "are the same: "
              + command + ", and the like on the other one."};
}

void judge_peer(const doctor_facts& x, const control::peer& peer,
                findings& out) {
  if (peer.trust == "waiting") {
    out.push_back(not_let_in(peer));
  } else if (peer.trust == "trusted" && peer.state == "waiting") {
    out.push_back({"not-let-in-there",
                   problem,
                   called(peer) + " has not let this device in yet.",
                   {"it waits for a person there"},
                   "On " + called(peer)
                       + ": peapod peers, compare the words, and peapod trust "
                         "NAME WORDS."});
  } else if (peer.trust == "stranger" && peer.state == "backing off"
             && peer.why.find("too many devices wait") != std::string::npos) {
    out.push_back({"no-room-there",
                   problem,
                   called(peer) + " has no room for this device to wait in.",
                   {peer.why},
                   "On " + called(peer)
                       + ": peapod trust and the whole id that peapod id shows "
                         "here; on this device the same the other way "
                         "round."});
  } else if (peer.trust == "stranger" && peer.state == "backing off"
             && x.options.trust.mode == trust_mode::secret) {
    out.push_back({"other-secret",
                   problem,
                   called(peer) + " does not have this pod's secret.",
                   {"[trust] mode=\"secret\", and the handshake with it ends"},
                   "Take the same secret on both: peapod secret show here, "
                   "peapod secret set there."});
  }
}

} // namespace

void judge_trust(const doctor_facts& x, findings& out) {
  if (x.no_secret)
    out.push_back({"no-secret",
                   problem,
                   "[trust] mode=\"secret\", but there is no secret that can "
                   "be used.",
                   {x.no_secret->detail},
                   "Make one with peapod secret new, or take that of another "
                   "device with peapod secret set."});
  if (!x.status)
    return;
  for (auto& peer : x.status->peers)
    judge_peer(x, peer, out);
  if (x.status->crowded)
    out.push_back({"crowded",
                   warning,
                   "More devices wait to be let in than there is room for.",
                   {"some were sent away within the last minute"},
                   "To let one in that finds no room: peapod id there, and "
                   "peapod trust with that whole id here."});
}

void judge_lines(const doctor_facts& x, findings& out) {
  judge_pooling(x, out);
  judge_egress(x, out);
  judge_own_sharing(x, out);
  judge_their_sharing(x, out);
  judge_same_gateway(x, out);
}

} // namespace peapod::rules
