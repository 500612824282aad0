#include "core/exit_choice.hpp"

#include "core/address_policy.hpp"

#include <algorithm>
#include <array>

namespace peapod {

namespace {

using namespace std::chrono_literals;

/// How long a client's site keeps its line after its last tunnel.
constexpr duration place_lifetime = 24h;

/// Sites that are remembered; those not used longest are forgotten first.
constexpr size_t max_places = 4096;

constexpr size_t max_pins = 1024;

constexpr size_t max_clients = 256;

/// What a client opens so soon after something else may belong to it.
constexpr duration companion_time = 30s;

/// A tunnel is in use for so long after it has moved something.
constexpr duration in_use_time = 3s;

/// A peer that fails so often in a row is left alone for a while.
constexpr unsigned max_failures = 3;
constexpr duration rest_time = 30s;

/// A line that has never brought as much says nothing about what it can do, in
/// bytes a second.
constexpr double telling_peak = 256 * 1024;

/// What a line is thought to carry before anything is known, in bytes a second.
constexpr double usual_rate = 2 * 1024 * 1024;

/// How long the best second of a line counts in full; then it fades.
constexpr duration peak_lifetime = 60s;

} // namespace

bool is_internet_host(std::string_view host) {
  if (auto address = parse_ip(host))
    return is_public(*address);
  host = without_final_dots(host);
  constexpr std::array local{"local",    "localhost", "home.arpa", "internal",
                             "intranet", "lan",       "home",      "corp"};
  return host.find('.') != std::string_view::npos
         && std::ranges::none_of(local, [&](std::string_view x) {
              return is_at_or_below(host, x);
            });
}

bool looks_like_sign_in(std::string_view host) {
  constexpr std::array names{"account", "accounts", "auth",   "auth0", "id",
                             "idp",     "login",    "logon",  "oauth", "oauth2",
                             "openid",  "passport", "signin", "sso"};
  auto first = host.substr(0, host.find('.'));
  return std::ranges::find(names, first) != names.end();
}

// -- lines --------------------------------------------------------------------

exit_choice::exit_choice(tunnel_rules rules, device_id self,
                         const site_memory& known)
  : rules_(std::move(rules)), self_(self), salt_(known.salt) {
  lines_[self_];
  for (auto& x : known.entries)
    if (places_.size() < max_places)
      places_[x.key] = {x.line, x.used};
}

void exit_choice::stands(const device_id& peer, bool offers, instant now) {
  auto& x = lines_[peer];
  x.offers = offers;
  x.seen = now;
}

void exit_choice::lost(const device_id& peer) {
  if (peer != self_)
    lines_.erase(peer);
}

bool exit_choice::is_usable(const device_id& id, instant now) const {
  if (id == self_)
    return true;
  auto i = lines_.find(id);
  return i != lines_.end() && i->second.offers
         && now - i->second.seen <= line_lifetime
         && now >= i->second.rests_until;
}

bool exit_choice::has_peers(instant now) const {
  return std::ranges::any_of(lines_, [&](auto& kv) {
    return kv.first != self_ && is_usable(kv.first, now);
  });
}

// -- how busy they are --------------------------------------------------------

void exit_choice::pace::add(uint64_t n, instant now) {
  if (since == instant{})
    since = now;
  bytes += n;
  auto time = now - since;
  if (time < 1s)
    return;
  auto seconds = std::chrono::duration<double>(time).count();
  rate = static_cast<double>(bytes) / seconds;
  auto fading = std::chrono::duration<double>(peak_lifetime).count();
  peak = std::max(rate, peak * std::max(0.0, 1 - seconds / fading));
  bytes = 0;
  since = now;
}

void exit_choice::opened(uint64_t tunnel, const device_id& line, instant now) {
  flows_[tunnel] = {line, now};
}

void exit_choice::moved(uint64_t tunnel, uint64_t bytes, instant now) {
  auto i = flows_.find(tunnel);
  if (i == flows_.end() || bytes == 0)
    return;
  i->second.active = now;
  auto at = lines_.find(i->second.line);
  if (at == lines_.end())
    return;
  at->second.speed.add(bytes, now);
  at->second.failures = 0;
}

void exit_choice::closed(uint64_t tunnel) {
  flows_.erase(tunnel);
}

void exit_choice::connected(const device_id& peer, duration took) {
  auto i = lines_.find(peer);
  if (i == lines_.end())
    return;
  auto& x = i->second;
  if (!x.connects) {
    x.connects = took;
    x.varies = took / 2;
    return;
  }
  auto off = took > *x.connects ? took - *x.connects : *x.connects - took;
  x.varies = (x.varies * 3 + off) / 4;
  x.connects = (*x.connects * 7 + took) / 8;
}

duration exit_choice::patience(const device_id& peer) const {
  auto i = lines_.find(peer);
  if (i == lines_.end() || !i->second.connects)
    return most_patience;
  auto& x = i->second;
  return std::clamp(*x.connects + x.varies * 4, least_patience, most_patience);
}

void exit_choice::own_total(uint64_t bytes, instant now) {
  auto more = bytes - std::min(bytes, std::exchange(own_total_, bytes));
  auto& own = lines_[self_];
  own.speed.add(more, now);
  if (own.speed.rate < telling_peak / 16)
    return;
  // Tunnels over the own line do not tell what they move: all of them may.
  for (auto& [id, x] : flows_)
    if (x.line == self_)
      x.active = now;
}

size_t exit_choice::in_use(const device_id& id, instant now) const {
  return static_cast<size_t>(std::ranges::count_if(flows_, [&](auto& kv) {
    return kv.second.line == id && now - kv.second.active <= in_use_time;
  }));
}

double exit_choice::capacity(const line& x) const {
  if (x.speed.peak >= telling_peak)
    return x.speed.peak;
  // Who has not shown anything may be as good as the best.
  double best = 0;
  for (auto& [id, y] : lines_)
    best = std::max(best, y.speed.peak);
  return best >= telling_peak ? best : usual_rate;
}

// -- choosing -----------------------------------------------------------------

/// Whether anything leaves through peers to its port.
bool exit_choice::is_open(const tunnel_wish& x) const {
  auto port = x.target.port;
  if (x.plain && !rules_.plain)
    return false;
  return std::ranges::find(rules_.ports, port) != rules_.ports.end()
         || (rules_.plain && port == http_port);
}

bool exit_choice::may_leave(const tunnel_wish& x, instant now) const {
  if (rules_.mode == tunnel_mode::off || !is_internet_host(x.target.host)
      || covers(rules_.home_hosts, x.target.host, x.target.port) || !is_open(x))
    return false;
  auto pinned = pins_.find(x.site);
  return pinned == pins_.end() || now >= pinned->second.until;
}

device_id exit_choice::least_loaded(const tunnel_wish& x, instant now) const {
  auto best = self_;
  std::optional<double> least;
  for (auto& [id, y] : lines_) {
    if (!is_usable(id, now) || std::ranges::find(x.tried, id) != x.tried.end())
      continue;
    auto load = static_cast<double>(in_use(id, now) + 1) / capacity(y);
    // The own line is the shortest way: it wins when nothing else is better.
    if (!least || load < *least || (load == *least && id == self_)) {
      least = load;
      best = id;
    }
  }
  return best;
}

/// The line of what the client has opened just before, if the two may have to
/// do with each other.
std::optional<device_id> exit_choice::companion(const tunnel_wish& x,
                                                instant now) const {
  auto i = visits_.find(x.client);
  if (i == visits_.end() || now - i->second.when > companion_time
      || (!i->second.signs_in && !looks_like_sign_in(x.target.host)))
    return std::nullopt;
  auto at = places_.find(key_of(x.client, i->second.site));
  return at == places_.end() ? std::nullopt : std::optional{at->second.line};
}

device_id exit_choice::settle(const tunnel_wish& x, const device_id& line,
                              instant now) {
  places_[key_of(x.client, x.site)] = {line, now};
  ++changes_;
  visits_[x.client] = {x.site, looks_like_sign_in(x.target.host), now};
  make_room(now);
  return line;
}

device_id exit_choice::choose(const tunnel_wish& x, instant now) {
  if (!may_leave(x, now))
    return self_;
  auto may_use = [&](const device_id& id) {
    return is_usable(id, now)
           && std::ranges::find(x.tried, id) == x.tried.end();
  };
  if (rules_.mode == tunnel_mode::sticky) {
    auto at = places_.find(key_of(x.client, x.site));
    bool known = at != places_.end() && now - at->second.used <= place_lifetime;
    if (known && may_use(at->second.line))
      return settle(x, at->second.line, now);
    if (!known)
      if (auto with = companion(x, now); with && may_use(*with))
        return settle(x, *with, now);
  }
  return settle(x, least_loaded(x, now), now);
}

void exit_choice::failed(const tunnel_wish& x, const device_id& line,
                         tunnel_failure why, instant now) {
  // The next one goes elsewhere.
  places_.erase(key_of(x.client, x.site));
  ++changes_;
  if (why == tunnel_failure::peer) {
    connected(line, most_patience); // at least
    auto i = lines_.find(line);
    if (i == lines_.end() || ++i->second.failures < max_failures)
      return;
    i->second.failures = 0;
    i->second.rests_until = now + rest_time;
    return;
  }
  auto& pin = pins_[x.site];
  pin.until = now + (pin.times++ == 0 ? duration{1h} : duration{24h});
  make_room(now);
}

/// Forgets what is too old, and the oldest of what is too much.
void exit_choice::make_room(instant now) {
  auto oldest = [](auto& from, auto key) {
    from.erase(std::ranges::min_element(from, {}, key));
  };
  if (places_.size() > max_places)
    std::erase_if(places_, [now](auto& kv) {
      return now - kv.second.used > place_lifetime;
    });
  if (places_.size() > max_places)
    oldest(places_, [](auto& kv) { return kv.second.used; });
  if (pins_.size() > max_pins)
    oldest(pins_, [](auto& kv) { return kv.second.until; });
  if (visits_.size() > max_clients)
    oldest(visits_, [](auto& kv) { return kv.second.when; });
}

// -- for those who look -------------------------------------------------------

std::vector<exit_choice::line_view> exit_choice::lines(instant now) const {
  std::vector<line_view> out;
  for (auto& [id, x] : lines_)
    out.push_back({id, in_use(id, now), x.speed.peak, now < x.rests_until});
  return out;
}

site_memory exit_choice::memory() const {
  site_memory out{salt_, {}};
  out.entries.reserve(places_.size());
  for (auto& [key, x] : places_)
    out.entries.push_back({key, x.line, x.used});
  return out;
}

std::vector<std::string> exit_choice::kept_home(instant now) const {
  std::vector<std::string> out;
  for (auto& [site, x] : pins_)
    if (now < x.until)
      out.push_back(site);
  return out;
}

} // namespace peapod
