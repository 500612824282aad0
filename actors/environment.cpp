#include "actors/environment.hpp"

namespace peapod {

void environment::publish(event_kind kind, std::string text, std::string peer,
                          std::string transfer) const {
  pod_event x;
  x.kind = kind;
  if (auto who = running_record()) {
    x.actor = who->id;
    x.name = who->name();
    x.about = who->about();
  }
  x.text = std::move(text);
  x.peer = std::move(peer);
  x.transfer = std::move(transfer);
  live->events().publish(std::move(x));
}

void environment::forget_actors() {
  console.clear();
  scheduler.clear();
  lines.forget_actors();
  line_watcher.clear();
  roster.clear();
  discovery.clear();
  own_line.clear();
  sessions.clear();
  transfers.clear();
  clients.clear();
  exits.clear();
  relays.clear();
  exit_tunnels.clear();
  proxy.clear();
}

} // namespace peapod
