#include "actors/acceptors.hpp"
#include "actors/console.hpp"
#include "actors/discovery_listener.hpp"
#include "actors/exit_tunnel.hpp"
#include "actors/exits.hpp"
#include "actors/line_watcher.hpp"
#include "actors/peer_session.hpp"
#include "actors/proxy_connection.hpp"
#include "actors/relayed_tunnel.hpp"
#include "actors/roster.hpp"
#include "actors/scheduler.hpp"
#include "actors/transfer.hpp"
#include "actors/wan_fetcher.hpp"

#include <cereal/archives/json.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>

#include <algorithm>
#include <cmath>

/// What actors tell of themselves to those who look (`self_description.hpp`).
/// In one file, because cereal is slow to compile.
namespace peapod {

namespace {

using archive = cereal::JSONOutputArchive;
using cereal::make_nvp;

std::string count(size_t number, const char* of) {
  return std::to_string(number) + " " + of;
}

/// A range that somebody has asked for.
struct range_view {
  uint64_t lease = 0;
  byte_range range;
  uint64_t upto = 0;

  template <class Archive>
  void serialize(Archive& to) {
    to(make_nvp("lease", lease), make_nvp("begin", range.begin),
       make_nvp("end", range.end), make_nvp("upto", upto));
  }
};

/// A device that brings ranges.
struct source_view {
  std::string device;
  double bytes_per_second = 0; ///< 0 before the first sample
  std::string same_line;       ///< who shares its bottleneck, or empty

  template <class Archive>
  void serialize(Archive& to) {
    to(make_nvp("device", device),
       make_nvp("bytes_per_second", bytes_per_second),
       make_nvp("same_line", same_line));
  }
};

/// How an origin treats a source.
struct limit_view {
  std::string device;
  std::string origin;
  uint64_t requests = 0; ///< at a time; 0: as many as usual
  bool resting = false;  ///< it wants to be asked later
  bool refused = false;  ///< it does not serve this device

  template <class Archive>
  void serialize(Archive& to) {
    to(make_nvp("device", device), make_nvp("origin", origin),
       make_nvp("requests", requests), make_nvp("resting", resting),
       make_nvp("refused", refused));
  }
};

std::string percent(uint64_t part, uint64_t whole) {
  auto share = whole == 0 ? 100.0
                          : 100.0 * static_cast<double>(part)
                                / static_cast<double>(whole);
  return std::to_string(static_cast<unsigned>(share)) + " %";
}

} // namespace

// -- scheduler ----------------------------------------------------------------

std::string scheduler_state::summary() const {
  return count(sources.size(), "sources, ")
         + count(transfers.size(), "bodies, ") + count(leases.size(), "leases");
}

void scheduler_state::dump(archive& to) const {
  std::vector<source_view> views;
  for (auto& [id, handle] : sources) {
    auto with = core->lines().partner(id);
    views.push_back({to_string(id), core->rate(id).value_or(0),
                     with ? to_string(*with) : std::string{}});
  }
  std::vector<limit_view> limits;
  for (auto& [key, x] : core->limits().entries())
    limits.push_back({to_string(key.first), key.second, x.cap.value_or(0),
                      x.rest_until != instant{}, x.refused_until != instant{}});
  std::vector<std::string> bodies;
  for (auto& [id, entry] : transfers)
    bodies.push_back(to_string(id));
  // Who gets nothing, to see what the others do without it.
  auto held = core->lines().held();
  to(make_nvp("sources", views), make_nvp("transfers", bodies),
     make_nvp("leases", leases.size()), make_nvp("origins", limits),
     make_nvp("held", held ? to_string(*held) : std::string{}));
}

// -- wan_fetcher --------------------------------------------------------------

std::string wan_fetcher_state::about() const {
  return line ? line->port.name : std::string{};
}

std::string wan_fetcher_state::summary() const {
  auto out = count(fetches.size(), "fetches");
  if (line && !line->up)
    out += ", the line has gone";
  return env->allowance->held_to() ? out + ", own use goes first" : out;
}

void wan_fetcher_state::dump(archive& to) const {
  std::vector<range_view> views;
  for (auto& [key, x] : fetches)
    views.push_back({key.second, x.ask.range, x.at});
  auto& line = env->allowance->line();
  to(make_nvp("fetches", views), make_nvp("peak", std::round(line.peak())),
     make_nvp("own_wanted", std::round(line.wanted())),
     make_nvp("held_to", std::round(env->allowance->held_to().value_or(0))));
}

// -- line_watcher -------------------------------------------------------------

namespace {

struct line_view {
  std::string name;
  bool up = false;
  std::string interface;
  std::string gateway;
  std::string failure; ///< why no public address is known, or empty

  template <class Archive>
  void serialize(Archive& to) {
    to(make_nvp("name", name), make_nvp("up", up),
       make_nvp("interface", interface), make_nvp("gateway", gateway),
       make_nvp("failure", failure));
  }
};

} // namespace

std::string line_watcher_state::summary() const {
  auto up = std::ranges::count_if(lines, [](auto& x) { return x.last.up; });
  return std::to_string(up) + " of " + count(lines.size(), "lines");
}

void line_watcher_state::dump(archive& to) const {
  std::vector<line_view> views;
  size_t at = 0;
  if (env)
    for (auto& line : env->lines.all()) {
      auto& x = lines.at(at++);
      views.push_back({line.port.name, x.last.up, x.last.facts.interface,
                       x.last.facts.gateway, x.failure});
    }
  to(make_nvp("lines", views));
}

// -- transfer -----------------------------------------------------------------

std::string transfer_state::about() const {
  return start.source ? start.source->request.target.host : std::string{};
}

std::string transfer_state::summary() const {
  if (!core)
    return "starting";
  auto body = core->body();
  return percent(core->delivered() - body.begin, body.size()) + " delivered, "
         + count(leases.size(), "leases")
         + (core->spine_alive() ? ", spine" : "");
}

void transfer_state::dump(archive& to) const {
  if (!core)
    return;
  std::vector<range_view> views;
  for (auto& [lease, x] : leases)
    views.push_back({lease, {0, 0}, x.upto});
  auto& ledger = core->ledger();
  to(make_nvp("transfer", to_string(start.source->id)),
     make_nvp("host", about()), make_nvp("begin", core->body().begin),
     make_nvp("end", core->body().end),
     make_nvp("delivered", core->delivered()), make_nvp("spine", core->spine()),
     make_nvp("spine_alive", core->spine_alive()),
     make_nvp("rechecks", rechecks.size()),
     make_nvp("verified_by", std::string{to_string(core->stands_on())}),
     make_nvp("closed", closed), make_nvp("wasted", ledger.wasted),
     make_nvp("hedged", ledger.hedged), make_nvp("leases", views));
}

// -- peer_session -------------------------------------------------------------

std::string peer_session_state::about() const {
  if (!peer_name.empty())
    return peer_name;
  if (peer)
    return to_string(*peer);
  return start.stream ? to_string(start.stream->remote()) : std::string{};
}

std::string peer_session_state::summary() const {
  if (ended)
    return "ended";
  auto phase = ready ? "open" : opened ? "waiting" : "handshake";
  return std::string{phase} + ", asks " + std::to_string(wants.size())
         + ", serves " + std::to_string(serves.size());
}

void peer_session_state::dump(archive& to) const {
  std::vector<range_view> asks;
  for (auto& [lease, x] : wants)
    asks.push_back({lease, x.range, x.range.begin});
  std::vector<range_view> serving;
  for (auto& [lease, x] : serves)
    serving.push_back({lease, x.ask.range, x.ask.range.begin});
  auto remote = start.stream ? to_string(start.stream->remote()) : "";
  to(make_nvp("peer", peer ? to_string(*peer) : std::string{}),
     make_nvp("name", peer_name), make_nvp("remote", remote),
     make_nvp("dialled", start.dialled.has_value()), make_nvp("open", opened),
     make_nvp("ready", ready), make_nvp("secure", secure),
     make_nvp("foreign", foreign), make_nvp("ended", ended),
     make_nvp("bytes_from", bytes_from), make_nvp("bytes_to", bytes_to),
     make_nvp("unwritten", unwritten.size()), make_nvp("queued", queued.size()),
     make_nvp("asks", asks), make_nvp("serves", serving));
}

// -- roster -------------------------------------------------------------------

std::string roster_state::summary() const {
  return count(sessions.size(), "sessions");
}

void roster_state::dump(archive& to) const {
  std::vector<std::string> views;
  for (auto& [connection, x] : sessions)
    views.push_back(to_string(x.id) + " " + x.name + " at "
                    + to_string(x.remote));
  to(make_nvp("sessions", views));
}

// -- listeners ----------------------------------------------------------------

std::string proxy_acceptor_state::about() const {
  return port ? to_string(port->local()) : std::string{};
}

std::string proxy_acceptor_state::summary() const {
  return env ? count(env->counters.active, "clients") : std::string{};
}

void proxy_acceptor_state::dump(archive& to) const {
  to(make_nvp("listens", about()),
     make_nvp("clients", env->counters.active.load()),
     make_nvp("busy", env->counters.busy.load()));
}

std::string peer_acceptor_state::about() const {
  return port ? to_string(port->local()) : std::string{};
}

std::string peer_acceptor_state::summary() const {
  return "listening";
}

void peer_acceptor_state::dump(archive& to) const {
  to(make_nvp("listens", about()), make_nvp("strangers", gate.open()));
}

std::string discovery_listener_state::about() const {
  return env && env->self ? to_string(env->self->device()) : std::string{};
}

std::string discovery_listener_state::summary() const {
  return count(announced, "announcements")
         + (unheard ? ", no network takes them" : "");
}

void discovery_listener_state::dump(archive& to) const {
  to(make_nvp("announced", announced), make_nvp("unheard", unheard),
     make_nvp("replied", replied.size()));
}

// -- proxy_connection ---------------------------------------------------------

std::string proxy_connection_state::about() const {
  return busy ? request.target.host : std::string{};
}

std::string proxy_connection_state::summary() const {
  if (!busy)
    return "waits for a request";
  auto out = request.method;
  if (pooled)
    out += ", pooled";
  return out + (answered ? ", answering" : ", waits for the origin");
}

void proxy_connection_state::dump(archive& to) const {
  to(make_nvp("client", client ? to_string(client->remote()) : std::string{}),
     make_nvp("method", request.method), make_nvp("host", about()),
     make_nvp("busy", busy), make_nvp("answered", answered),
     make_nvp("pooled", pooled != nullptr), make_nvp("step", step),
     make_nvp("received", received), make_nvp("portions", portions.size()),
     make_nvp("crashes", crashes), make_nvp("ending", ending));
}

// -- exits --------------------------------------------------------------------

namespace {

/// A line that tunnels may leave through.
struct exit_view {
  std::string device;
  uint64_t in_use = 0; ///< tunnels
  double peak = 0;     ///< bytes a second
  bool rests = false;

  template <class Archive>
  void serialize(Archive& to) {
    to(make_nvp("device", device), make_nvp("in_use", in_use),
       make_nvp("peak", peak), make_nvp("rests", rests));
  }
};

} // namespace

std::string exits_state::summary() const {
  return count(sessions.size(), "peers, ") + count(core->sites(), "sites");
}

void exits_state::dump(archive& to) const {
  std::vector<exit_view> lines;
  for (auto& x : core->lines(now))
    lines.push_back({to_string(x.id), x.in_use, std::round(x.peak), x.rests});
  to(make_nvp("lines", lines), make_nvp("sites", core->sites()),
     make_nvp("kept_home", core->kept_home(now)));
}

// -- relayed_tunnel -----------------------------------------------------------

std::string relayed_tunnel_state::about() const {
  return start.wish.target.host;
}

std::string relayed_tunnel_state::summary() const {
  switch (now) {
    case phase::opening:
      return "the exit connects";
    case phase::accepting:
    case phase::undecided:
      return "waits for the client";
    case phase::greeting:
      return "waits for the site";
    case phase::open:
      return "open";
    case phase::leaving:
    case phase::over:
      break;
  }
  return "has ended";
}

void relayed_tunnel_state::dump(archive& to) const {
  to(make_nvp("exit", to_string(start.line)),
     make_nvp("target", to_string(start.wish.target)),
     make_nvp("to_site", flow.read()), make_nvp("from_site", flow.written()),
     make_nvp("wanted", start.wanted));
}

// -- exit_tunnel --------------------------------------------------------------

std::string exit_tunnel_state::about() const {
  return start.target.host;
}

std::string exit_tunnel_state::summary() const {
  return !flow.is_connected() ? "connects"
         : waiting            ? "waits for the share's rate"
                              : "open";
}

void exit_tunnel_state::dump(archive& to) const {
  to(make_nvp("peer", to_string(start.peer)),
     make_nvp("target", to_string(start.target)),
     make_nvp("from_origin", flow.read()),
     make_nvp("to_origin", flow.written()));
}

// -- console ------------------------------------------------------------------

std::string console_state::summary() const {
  return count(running.size(), "running, ") + count(ended.size(), "ended");
}

void console_state::dump(archive& to) const {
  to(make_nvp("sessions", sessions.size()), make_nvp("running", running.size()),
     make_nvp("ended", ended.size()));
}

} // namespace peapod
