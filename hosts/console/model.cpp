#include "hosts/console/model.hpp"

#include <algorithm>
#include <set>

namespace peapod::console {

namespace {

using namespace std::chrono_literals;

constexpr size_t max_events = 5000;
constexpr size_t max_messages = 500;

/// How long an actor is shown after its end.
constexpr duration epitaph = 4s;

template <class T>
void add_bounded(std::deque<T>& to, T x, size_t bound) {
  to.push_back(std::move(x));
  if (to.size() > bound)
    to.pop_front();
}

/// Whether an update changes what is shown, rather than what is told.
bool is_news(const update& x) {
  return !std::holds_alternative<connection_lost>(x)
         && !std::holds_alternative<wish_answered>(x);
}

bool is_event(const update& x) {
  return std::holds_alternative<control::event>(x)
         || std::holds_alternative<events_dropped>(x)
         || std::holds_alternative<message_traced>(x);
}

} // namespace

void model::apply(update x, instant now) {
  if (!paused_ || !is_news(x))
    std::visit([&](auto& known) { take(std::move(known), now); }, x);
  else if (is_event(x))
    add_bounded(waiting_, std::move(x), max_events);
}

void model::pause(bool wanted, instant now) {
  paused_ = wanted;
  while (!paused_ && !waiting_.empty()) {
    apply(std::move(waiting_.front()), now);
    waiting_.pop_front();
  }
}

// -- the connection -----------------------------------------------------------

void model::connected(const control::daemon& x, instant now) {
  if (daemon_.pid != 0 && x.pid != 0 && x.pid != daemon_.pid)
    begin_anew(x, now);
  else if (link_ == link::down)
    tell("connected again", tone::good, now);
  link_ = link::up;
  trouble_.clear();
  auto name = std::move(daemon_.name);
  auto id = std::move(daemon_.id);
  daemon_ = x;
  if (daemon_.id.empty())
    daemon_.id = std::move(id);
  if (daemon_.name.empty())
    daemon_.name = std::move(name);
}

/// Another process has taken the socket over: numbers start anew in it.
void model::begin_anew(const control::daemon& x, instant now) {
  auto text = "the daemon has been restarted (process "
              + std::to_string(daemon_.pid) + ", now " + std::to_string(x.pid)
              + ")";
  note_event("console", text);
  tell(text, tone::warn, now);
  actors_.clear();
  crashes_ = {};
  forget_page();
  message_rate_ = down_rate_ = up_rate_ = {};
  peer_rates_.clear();
  deliveries_.clear();
}

void model::take(connection_lost x, instant) {
  link_ = link::down;
  trouble_ = std::move(x.why);
}

// -- actors -------------------------------------------------------------------

void model::take(control::actor_list x, instant now) {
  connected(x.daemon, now);
  double rate = 0;
  for (auto& a : x.actors)
    rate += a.rate;
  message_rate_.add(now, rate);
  note_actors(std::move(x.actors), now);
}

void model::note_actors(std::vector<control::actor> alive, instant now) {
  std::map<uint64_t, seen_actor> before;
  for (auto& x : actors_)
    before.emplace(x.actor.id, std::move(x));
  actors_.clear();
  for (auto& x : alive) {
    auto known = before.find(x.id);
    auto since = known == before.end() ? now : known->second.since;
    if (known != before.end())
      before.erase(known);
    actors_.push_back({std::move(x), false, since});
  }
  for (auto& [id, x] : before) {
    if (!x.ended)
      x.since = now;
    x.ended = true;
    x.actor.state = "ended";
    x.actor.rate = x.actor.load = 0;
    x.actor.mailbox = 0;
    if (now - x.since < epitaph)
      actors_.push_back(std::move(x));
  }
}

size_t model::live_actors() const {
  return static_cast<size_t>(std::count_if(actors_.begin(), actors_.end(),
                                           [](auto& x) { return !x.ended; }));
}

bool model::has_crashed(uint64_t actor) const {
  return std::any_of(crashes_.crashes.begin(), crashes_.crashes.end(),
                     [actor](auto& x) { return x.actor == actor; });
}

void model::take(control::actor_page x, instant) {
  // What was traced already is not added again.
  for (auto& message : x.recent)
    if (std::find(messages_.begin(), messages_.end(), message)
            == messages_.end()
        && (messages_.empty() || message.time > messages_.back().time))
      add_message(message);
  page_ = std::move(x);
  page_trouble_.clear();
}

void model::take(page_missing x, instant) {
  page_trouble_ = std::move(x.why);
}

void model::take(message_traced x, instant) {
  if (std::find(messages_.begin(), messages_.end(), x.message)
      == messages_.end())
    add_message(std::move(x.message));
}

void model::add_message(control::message x) {
  add_bounded(messages_, std::move(x), max_messages);
}

void model::forget_page() {
  page_.reset();
  page_trouble_.clear();
  messages_.clear();
}

// -- the pod ------------------------------------------------------------------

void model::take(control::status x, instant now) {
  if (x.daemon.pid == 0 && daemon_.pid == 0)
    connected(x.daemon, now);
  double down = 0;
  double up = 0;
  std::set<std::string> known;
  for (auto& peer : x.peers) {
    peer_rates_[peer.id].down.add(now, peer.rate_down);
    peer_rates_[peer.id].up.add(now, peer.rate_up);
    down += peer.rate_down;
    up += peer.rate_up;
    known.insert(peer.id);
  }
  down_rate_.add(now, down);
  up_rate_.add(now, up);
  for (auto& transfer : x.transfers) {
    deliveries_[transfer.id].add(now, static_cast<double>(transfer.delivered));
    known.insert(transfer.id);
  }
  std::erase_if(peer_rates_, [&](auto& x) { return !known.count(x.first); });
  std::erase_if(deliveries_, [&](auto& x) { return !known.count(x.first); });
  status_ = std::move(x);
}

void model::take(control::crash_list x, instant) {
  crashes_ = std::move(x);
}

void model::take(std::vector<control::member> x, instant) {
  members_ = std::move(x);
}

const model::peer_rates& model::rates_of(const std::string& peer) const {
  static const peer_rates none;
  auto found = peer_rates_.find(peer);
  return found == peer_rates_.end() ? none : found->second;
}

const series& model::delivery_of(const std::string& transfer) const {
  static const series none;
  auto found = deliveries_.find(transfer);
  return found == deliveries_.end() ? none : found->second;
}

// -- events and notices -------------------------------------------------------

void model::take(control::event x, instant) {
  add_bounded(events_, std::move(x), max_events);
}

void model::take(events_dropped x, instant) {
  note_event("dropped",
             std::to_string(x.count) + " events were lost: they came too fast");
}

void model::note_event(std::string kind, std::string text) {
  control::event out;
  out.kind = std::move(kind);
  out.text = std::move(text);
  if (!events_.empty())
    out.time = events_.back().time;
  add_bounded(events_, std::move(out), max_events);
}

void model::take(wish_answered x, instant now) {
  tell(std::move(x.text), x.granted ? tone::good : tone::bad, now);
}

void model::tell(std::string text, tone how, instant now) {
  notice_ = {std::move(text), how, now};
}

} // namespace peapod::console
