#include "hosts/net/origin_dialer.hpp"

#include "actors/error_page.hpp"
#include "core/host_pattern.hpp"
#include "hosts/net/descriptors.hpp"
#include "hosts/net/dial_race.hpp"
#include "hosts/net/http_await.hpp"
#include "hosts/net/interfaces.hpp"
#include "hosts/net/lost_addresses.hpp"
#include "hosts/net/socket_address.hpp"
#include "hosts/net/upstream_tunnel.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

namespace peapod::net {

namespace {

/// Names looked up for peers at a time.
constexpr size_t max_peer_lookups = 8;

/// How long a line may take to connect where others stand in for it: long
/// enough for a packet that was lost and sent again.
constexpr auto line_patience = std::chrono::seconds(2);

using asio::ip::tcp;

instant now() {
  return instant{std::chrono::steady_clock::now().time_since_epoch()};
}

/// Whether another line may do better than one that has failed like this.
bool may_be_the_line(const error& why) {
  switch (why.code) {
    case errc::unreachable:
    case errc::connect_timed_out:
    case errc::timed_out:
    case errc::connection_refused:
    case errc::connection_closed:
    case errc::permission_denied:
    case errc::io_failed:
      return true;
    default:
      return false;
  }
}

/// Where a connection to an address ends: an unspecified one leads to this
/// machine, one of IPv4 inside IPv6 to that of IPv4.
asio::ip::address where_it_leads(const asio::ip::address& x) {
  using namespace asio::ip;
  auto to = unmapped(x);
  if (!to.is_unspecified())
    return to;
  return to.is_v4() ? address{address_v4::loopback()}
                    : address{address_v6::loopback()};
}

/// Whether an address is where our own proxy listens.
bool is_self(const endpoint& self, const asio::ip::address& address,
             uint16_t port) {
  if (port != self.port)
    return false;
  auto to = where_it_leads(address);
  boost::system::error_code ec;
  auto at = asio::ip::make_address(self.address, ec);
  if (ec || at == to)
    return true;
  if (!at.is_unspecified())
    return false;
  if (to.is_loopback())
    return true;
  auto own = own_addresses();
  return own && std::ranges::find(*own, to.to_string()) != own->end();
}

/// Whether a host that is not looked up here says by itself that it is this
/// machine (RFC 6761, 6.3), be it as a number, such as 2130706433 or 127.1.
bool names_this_machine(std::string_view host) {
  using resolver = asio::ip::tcp::resolver;
  asio::io_context unused;
  boost::system::error_code ec;
  auto found = resolver{unused}.resolve(host, "", resolver::numeric_host, ec);
  if (!ec)
    return std::ranges::any_of(found, [](auto& x) {
      return where_it_leads(x.endpoint().address()).is_loopback();
    });
  return is_at_or_below(without_final_dots(host), "localhost");
}

error refuse_own_services(const std::string& what) {
  return make_error(errc::policy_refused,
                    what
                        + " is the machine that PeaPod runs on, and what it "
                          "keeps to itself is not open to other machines");
}

} // namespace

struct origin_dialer::shared {
  shared(const asio::any_io_executor& executor, wan_config config,
         exit_policy policy)
    : ex(executor),
      wan(std::move(config)),
      allow_for_peer(std::move(policy)),
      names(ex, limits_for_us(wan.dns), wan.resolver, wan.epoch),
      peer_names(ex, limits_for_peers(wan.dns), wan.resolver, wan.epoch) {
    lost.emplace(ex, wan.epoch, [this](auto& x) { lose_unless_from(x); });
    if (wan.binds.empty())
      wan.binds.emplace_back();
    for (auto& x : wan.binds)
      lines.push_back(name_of(x));
    if (!wan.order)
      wan.order = std::make_shared<line_order>();
    if (!allow_for_peer)
      allow_for_peer = [](const std::string& ip, uint16_t) -> result<void> {
        return make_error(errc::policy_refused, ip + ": not open to peers");
      };
  }

  static dns_limits limits_for_us(const dns_limits& x) {
    return with_threads_for(x, descriptor_limit());
  }

  static dns_limits limits_for_peers(dns_limits x) {
    x = limits_for_us(x);
    x.lookups = std::min(x.lookups, max_peer_lookups);
    x.threads = std::max(x.lookups, x.threads / 4);
    return x;
  }

  bool several() const {
    return lines.size() > 1;
  }

  /// The order of the binds for somebody who keeps one for each site.
  std::vector<size_t> order_for(const host_port& to,
                                const line_wish& over) const {
    auto site = wan.site_of ? wan.site_of(to.host) : to.host;
    return wan.order->order(lines, over.user, site, wan.is_up, now());
  }

  /// The binds, in the order in which they are tried. Those that stand together
  /// race. None: there is no such line.
  std::vector<std::vector<source_bind>> turns_for(const host_port& to,
                                                  const line_wish& over) {
    std::vector<std::vector<source_bind>> out;
    if (!over.line.empty()) {
      auto i = std::ranges::find(lines, over.line);
      if (i != lines.end())
        out.push_back({wan.binds[static_cast<size_t>(i - lines.begin())]});
    } else if (several() && !over.user.empty()) {
      for (auto i : order_for(to, over))
        out.push_back({wan.binds[i]});
    } else {
      out.push_back(next_binds());
    }
    return out;
  }

  /// All binds, another one first each time.
  std::vector<source_bind> next_binds() {
    auto out = wan.binds;
    auto first = static_cast<std::ptrdiff_t>(next_bind++ % out.size());
    std::rotate(out.begin(), out.begin() + first, out.end());
    return out;
  }

  /// Whether we may dial `port` at an address, for a peer or for us.
  result<void> permit(const asio::ip::address& address, uint16_t port,
                      bool for_peer, own_services own) const {
    if (wan.self && is_self(*wan.self, address, port))
      return make_error(errc::loop_detected,
                        address_text({address.to_string(), port})
                            + " is PeaPod itself");
    if (own == own_services::refused && where_it_leads(address).is_loopback())
      return refuse_own_services(address_text({address.to_string(), port}));
    return for_peer ? allow_for_peer(address.to_string(), port)
                    : result<void>{};
  }

  void lose_unless_from(const std::vector<std::string>& addresses) {
    for (auto& x : races)
      x.lose_unless_from(addresses);
  }

  asio::any_io_executor ex;
  wan_config wan;
  std::vector<std::string> lines; ///< the names of `wan.binds`
  exit_policy allow_for_peer;
  dns_cache names;
  dns_cache peer_names; ///< apart, so that peers cannot delay our lookups
  dial_races races;
  std::optional<lost_addresses> lost; ///< tells the races
  size_t next_bind = 0;
};

namespace {

/// One way to a target, in as many steps as it takes.
class way final : public dial_job, public std::enable_shared_from_this<way> {
public:
  way(std::shared_ptr<origin_dialer::shared> all, host_port to,
      dial_purpose purpose, const line_wish& over, own_services own)
    : all_(std::move(all)),
      to_(std::move(to)),
      purpose_(purpose),
      own_(own),
      via_(all_->wan.upstream.to(to_.host, to_.port)),
      turns_(all_->turns_for(to_, over)) {}

  void begin(handler<socket_ptr> done) {
    if (turns_.empty())
      return asio::post(all_->ex, [done = std::move(done)] {
        done(make_error(errc::unreachable, "there is no such line"));
      });
    if (via_ && own_ == own_services::refused && names_this_machine(to_.host))
      return asio::post(all_->ex, [done = std::move(done), to = to_] {
        done(refuse_own_services(to_string(to)));
      });
    if (via_)
      return start<way, socket_ptr>(all_->ex, shared_from_this(), go(),
                                    std::move(done));
    race(to_, for_peer(), std::move(done));
  }

  void cancel() override {
    cancelled_ = true;
    patience_.reset();
    if (call_off_lookup_)
      call_off_lookup_();
    if (race_)
      race_->cancel();
    if (socket_) {
      boost::system::error_code ec;
      socket_->close(ec);
    }
  }

  error overdue() const override {
    if (via_ && race_)
      return failure_at_upstream(silent({via_->host, via_->port}));
    if (via_)
      return make_error(errc::connect_timed_out,
                        upstream_name(*via_) + ": no connection in time");
    return silent(to_);
  }

  tcp::endpoint reached() const override {
    return reached_;
  }

private:
  bool has_turns() const {
    return tried_ < turns_.size();
  }

  bool for_peer() const {
    return purpose_ == dial_purpose::peer;
  }

  /// That nothing has come of dialling `to` in time.
  error silent(const host_port& to) const {
    if (race_ && race_->is_looking_up())
      return make_error(errc::dns_unanswered,
                        to_string(to) + ": no answer of a name server in time");
    return make_error(errc::connect_timed_out,
                      to_string(to) + ": no connection in time");
  }

  /// Through the upstream proxy.
  task<socket_ptr> go() {
    auto target = to_;
    if (for_peer()) {
      auto checked = co_await find_checked();
      if (!checked)
        co_return checked.error();
      target.host = checked->to_string();
    }
    host_port proxy{via_->host, via_->port};
    auto socket = co_await connect(proxy, false);
    if (!socket)
      co_return failure_at_upstream(socket.error());
    if (purpose_ == dial_purpose::own_request)
      co_return socket;
    socket_ = *socket;
    auto opened = co_await open_through(*socket_, target, *via_);
    if (cancelled_)
      co_return make_error(errc::cancelled, "called off");
    if (!opened)
      co_return opened.error();
    co_return std::exchange(socket_, nullptr);
  }

  task<socket_ptr> connect(host_port to, bool checked) {
    if (cancelled_)
      co_return make_error(errc::cancelled, "called off");
    auto begin = [&](handler<socket_ptr> done) {
      race(to, checked, std::move(done));
    };
    co_return co_await await_handler<socket_ptr>(begin);
  }

  /// Over the line whose turn it is.
  void race(const host_port& to, bool checked, handler<socket_ptr> done) {
    auto& names = for_peer() ? all_->peer_names : all_->names;
    // The upstream proxy may be a program of this machine.
    auto own = via_ ? own_services::reached : own_;
    auto permit = [all = all_, port = to.port, checked,
                   own](const asio::ip::address& x) {
      return all->permit(x, port, checked, own);
    };
    auto binds = std::move(turns_[tried_++]);
    line_ = binds.size() == 1 ? name_of(binds.front()) : std::string{};
    auto raced = [self = shared_from_this(), to, checked,
                  done = std::move(done)](result<socket_ptr> outcome) mutable {
      self->on_raced(to, checked, std::move(outcome), std::move(done));
    };
    race_ = std::make_shared<dial_race>(all_->ex, std::move(raced));
    all_->races.push_back(*race_);
    if (has_turns())
      wait_for_line();
    race_->run(names, to.host, to.port, std::move(binds), permit);
  }

  /// Calls the race off when the line is silent; names are no line's.
  void wait_for_line() {
    patience_.emplace(all_->ex, line_patience);
    patience_->async_wait([self = shared_from_this()](auto ec) {
      if (ec || !self->race_ || self->cancelled_)
        return;
      if (self->race_->is_looking_up())
        return self->wait_for_line();
      self->silent_ = true;
      self->race_->cancel();
    });
  }

  void on_raced(const host_port& to, bool checked, result<socket_ptr> outcome,
                handler<socket_ptr> done) {
    patience_.reset();
    reached_ = race_->reached();
    race_.reset();
    if (std::exchange(silent_, false) && !outcome && !cancelled_)
      outcome = make_error(errc::connect_timed_out,
                           to_string(to) + ": no connection in time");
    if (outcome) {
      tell_order();
      return done(std::move(outcome));
    }
    if (may_be_the_line(outcome.error()))
      (for_peer() ? all_->peer_names : all_->names).doubt(to.host);
    // A line that is not there says nothing of the site.
    if (!failure_ || failure_->code == errc::io_failed)
      failure_ = outcome.error();
    if (cancelled_ || !has_turns() || !may_be_the_line(outcome.error()))
      return done(cancelled_ ? outcome.error() : *failure_);
    missed_.push_back(std::move(line_));
    race(to, checked, std::move(done));
  }

  /// Another line has made it where these have not, so it was them.
  void tell_order() {
    if (!all_->several() || line_.empty())
      return;
    for (auto& x : missed_)
      all_->wan.order->failed(x, now());
    all_->wan.order->worked(line_);
  }

  /// An address of the target that the exit policy allows: the first of the
  /// old family, which every proxy can reach, else of the new one.
  task<asio::ip::address> find_checked() {
    std::optional<error> why;
    for (auto family : {address_family::v4, address_family::v6}) {
      auto begin = [&](handler<addresses> done) {
        call_off_lookup_ =
            all_->peer_names.lookup(to_.host, family, std::move(done));
      };
      auto found = co_await await_handler<addresses>(begin);
      if (cancelled_)
        co_return make_error(errc::cancelled, "called off");
      if (!found)
        why = found.error();
      else
        for (auto& x : *found) {
          auto ok = all_->permit(x, to_.port, true, own_);
          if (ok)
            co_return x;
          why = ok.error();
        }
    }
    co_return why.value_or(
        make_error(errc::dns_failed, to_.host + ": no such host"));
  }

  std::shared_ptr<origin_dialer::shared> all_;
  host_port to_;
  dial_purpose purpose_;
  own_services own_;
  const upstream_proxy* via_;                   // of `all_`
  std::vector<std::vector<source_bind>> turns_; // lines, in their order
  size_t tried_ = 0;                            // of them
  std::string line_;                            // the last, if it is one
  std::vector<std::string> missed_;             // those that have failed
  std::optional<error> failure_;                // of the first of them
  std::optional<asio::steady_timer> patience_;  // with that line
  bool silent_ = false;                         // it was called off
  std::shared_ptr<dial_race> race_;
  std::function<void()> call_off_lookup_; // of `find_checked`
  tcp::endpoint reached_;
  socket_ptr socket_; // asks the upstream proxy
  bool cancelled_ = false;
};

} // namespace

origin_dialer::origin_dialer(asio::any_io_executor ex, wan_config wan,
                             exit_policy allow_for_peer)
  : shared_(std::make_shared<shared>(ex, std::move(wan),
                                     std::move(allow_for_peer))) {}

/// Jobs may live on, and must keep neither threads on their way to an event
/// loop that ends, nor a timer of it.
origin_dialer::~origin_dialer() {
  if (!shared_)
    return; // it was moved from
  shared_->names.close();
  shared_->peer_names.close();
  shared_->lost.reset();
}

std::shared_ptr<dial_job> origin_dialer::dial(const host_port& to,
                                              dial_purpose purpose,
                                              const line_wish& over,
                                              handler<socket_ptr> done,
                                              own_services own) {
  auto job = std::make_shared<way>(shared_, to, purpose, over, own);
  job->begin(std::move(done));
  return job;
}

std::string origin_dialer::line_for(const host_port& to,
                                    const line_wish& over) const {
  if (!over.line.empty() || !shared_->several() || over.user.empty())
    return over.line;
  return shared_->lines[shared_->order_for(to, over).front()];
}

const upstream_proxy* origin_dialer::upstream_for(const host_port& to) const {
  auto proxy = shared_->wan.upstream.to(to.host, to.port);
  return proxy && !proxy->tunnels_only ? proxy : nullptr;
}

} // namespace peapod::net
