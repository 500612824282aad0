#include "hosts/net/origin_dialer.hpp"

#include "hosts/net/dial_race.hpp"
#include "hosts/net/http_await.hpp"
#include "hosts/net/interfaces.hpp"
#include "hosts/net/socket_address.hpp"
#include "hosts/net/upstream_tunnel.hpp"

#include <algorithm>
#include <utility>

namespace peapod::net {

namespace {

/// Names looked up for peers at a time.
constexpr size_t max_peer_lookups = 8;

using asio::ip::tcp;

/// Where a connection to an address ends: an unspecified one leads to this
/// machine, one of IPv4 inside IPv6 to that of IPv4.
asio::ip::address where_it_leads(const asio::ip::address& to) {
  using namespace asio::ip;
  if (to.is_v6() && to.to_v6().is_v4_mapped())
    return where_it_leads(make_address_v4(v4_mapped, to.to_v6()));
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

} // namespace

struct origin_dialer::shared {
  shared(const asio::any_io_executor& executor, wan_config config,
         exit_policy policy)
    : ex(executor),
      wan(std::move(config)),
      allow_for_peer(std::move(policy)),
      names(ex, wan.dns, wan.resolver),
      peer_names(ex, limits_for_peers(wan.dns), wan.resolver) {
    if (wan.binds.empty())
      wan.binds.emplace_back();
    if (!allow_for_peer)
      allow_for_peer = [](const std::string& ip, uint16_t) -> result<void> {
        return make_error(errc::policy_refused, ip + ": not open to peers");
      };
  }

  static dns_limits limits_for_peers(dns_limits x) {
    x.lookups = std::min(x.lookups, max_peer_lookups);
    return x;
  }

  /// The binds, another one first each time.
  std::vector<source_bind> next_binds() {
    auto out = wan.binds;
    auto first = static_cast<std::ptrdiff_t>(next_bind++ % out.size());
    std::rotate(out.begin(), out.begin() + first, out.end());
    return out;
  }

  /// Whether we may dial `port` at an address, for a peer or for us.
  result<void> permit(const asio::ip::address& address, uint16_t port,
                      bool for_peer) const {
    if (wan.self && is_self(*wan.self, address, port))
      return make_error(errc::loop_detected,
                        address_text({address.to_string(), port})
                            + " is PeaPod itself");
    return for_peer ? allow_for_peer(address.to_string(), port)
                    : result<void>{};
  }

  asio::any_io_executor ex;
  wan_config wan;
  exit_policy allow_for_peer;
  dns_cache names;
  dns_cache peer_names; ///< apart, so that peers cannot delay our lookups
  size_t next_bind = 0;
};

namespace {

/// One way to a target, in as many steps as it takes.
class way final : public dial_job, public std::enable_shared_from_this<way> {
public:
  way(std::shared_ptr<origin_dialer::shared> all, host_port to,
      dial_purpose purpose)
    : all_(std::move(all)),
      to_(std::move(to)),
      purpose_(purpose),
      via_(all_->wan.upstream.to(to_.host, to_.port)) {}

  void begin(handler<socket_ptr> done) {
    if (via_)
      return start<way, socket_ptr>(all_->ex, shared_from_this(), go(),
                                    std::move(done));
    race(to_, for_peer(),
         [self = shared_from_this(),
          done = std::move(done)](result<socket_ptr> outcome) {
           self->end_race();
           done(std::move(outcome));
         });
  }

  void cancel() override {
    cancelled_ = true;
    if (race_)
      race_->cancel();
    if (socket_) {
      boost::system::error_code ec;
      socket_->close(ec);
    }
  }

  error overdue() const override {
    auto who = via_ ? upstream_name(*via_) : to_string(to_);
    if (race_ && race_->is_looking_up())
      return make_error(errc::dns_unanswered,
                        who + ": no name server answers in time");
    return make_error(errc::connect_timed_out, who + ": no connection in time");
  }

  tcp::endpoint reached() const override {
    return reached_;
  }

private:
  bool for_peer() const {
    return purpose_ == dial_purpose::peer;
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
      co_return make_error(socket.error().code,
                           "upstream proxy " + socket.error().detail);
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
    auto out = co_await await_handler<socket_ptr>(begin);
    end_race();
    co_return out;
  }

  void race(const host_port& to, bool checked, handler<socket_ptr> done) {
    auto& names = for_peer() ? all_->peer_names : all_->names;
    auto permit = [all = all_, port = to.port,
                   checked](const asio::ip::address& x) {
      return all->permit(x, port, checked);
    };
    race_ = std::make_shared<dial_race>(all_->ex, std::move(done));
    race_->run(names, to.host, to.port, all_->next_binds(), permit);
  }

  void end_race() {
    reached_ = race_->reached();
    race_.reset();
  }

  /// An address of the target that the exit policy allows: the first of the
  /// old family, which every proxy can reach, else of the new one.
  task<asio::ip::address> find_checked() {
    std::optional<error> why;
    for (auto family : {address_family::v4, address_family::v6}) {
      auto begin = [&](handler<addresses> done) {
        all_->peer_names.lookup(to_.host, family, std::move(done));
      };
      auto found = co_await await_handler<addresses>(begin);
      if (cancelled_)
        co_return make_error(errc::cancelled, "called off");
      if (!found)
        why = found.error();
      else
        for (auto& x : *found) {
          auto ok = all_->permit(x, to_.port, true);
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
  const upstream_proxy* via_; // of `all_`
  std::shared_ptr<dial_race> race_;
  tcp::endpoint reached_;
  socket_ptr socket_; // asks the upstream proxy
  bool cancelled_ = false;
};

} // namespace

origin_dialer::origin_dialer(asio::any_io_executor ex, wan_config wan,
                             exit_policy allow_for_peer)
  : shared_(std::make_shared<shared>(ex, std::move(wan),
                                     std::move(allow_for_peer))) {}

/// Jobs may live on, and must not keep threads on their way to an event loop
/// that ends.
origin_dialer::~origin_dialer() {
  if (!shared_)
    return; // it was moved from
  shared_->names.close();
  shared_->peer_names.close();
}

std::shared_ptr<dial_job> origin_dialer::dial(const host_port& to,
                                              dial_purpose purpose,
                                              handler<socket_ptr> done) {
  auto job = std::make_shared<way>(shared_, to, purpose);
  job->begin(std::move(done));
  return job;
}

const upstream_proxy* origin_dialer::upstream_for(const host_port& to) const {
  auto proxy = shared_->wan.upstream.to(to.host, to.port);
  return proxy && !proxy->tunnels_only ? proxy : nullptr;
}

} // namespace peapod::net
