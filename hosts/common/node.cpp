#include "hosts/common/node.hpp"

#include "actors/sharing.hpp"
#include "hosts/common/actor_view.hpp"
#include "hosts/common/control_api.hpp"
#include "hosts/common/exit_clients.hpp"
#include "hosts/common/identity_file.hpp"
#include "hosts/common/local_calendar.hpp"
#include "hosts/common/peer_listener.hpp"
#include "hosts/common/pod_backend.hpp"
#include "hosts/common/quiet_scheduler.hpp"
#include "hosts/common/reopened.hpp"
#include "hosts/common/secret_file.hpp"
#include "hosts/common/site_file.hpp"
#include "hosts/common/site_lookup.hpp"
#include "hosts/common/trust_file.hpp"
#include "hosts/common/usage_file.hpp"
#include "hosts/common/watchdog.hpp"
#include "hosts/net/asio_unit.hpp"
#include "hosts/net/control_server.hpp"
#include "hosts/net/descriptors.hpp"
#include "hosts/net/http_ports.hpp"
#include "hosts/net/interfaces.hpp"
#include "hosts/net/line_prober.hpp"
#include "hosts/net/network_watch.hpp"
#include "hosts/net/origin_dates.hpp"
#include "hosts/net/tcp_stream.hpp"
#include "hosts/net/udp_discovery.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <optional>
#include <thread>
#include <utility>

namespace peapod {

namespace {

namespace asio = boost::asio;

/// How long sockets may take to close gracefully.
constexpr auto close_time = std::chrono::milliseconds(500);

net::source_bind bind_of(const std::string& text) {
  return parse_ip(text) ? net::source_bind{text, {}}
                        : net::source_bind{{}, text};
}

/// How everything that leaves chooses among the own lines.
struct line_choice {
  std::shared_ptr<line_order> order;
  std::function<std::string(const std::string&)> site_of;
  line_order::check is_up;
  std::shared_ptr<net::network_epoch> epoch;
};

std::vector<net::source_bind> binds_of(const settings& x) {
  std::vector<net::source_bind> out;
  for (auto& text : x.wan.bind)
    out.push_back(bind_of(text));
  return out;
}

line_order::weights weights_of(const settings& x) {
  line_order::weights out;
  for (size_t i = 0; i < x.wan.weights.size(); ++i)
    out[x.wan.bind[i]] = static_cast<double>(x.wan.weights[i]);
  return out;
}

net::wan_config wan_of(const settings& x, std::shared_ptr<own_use> own,
                       const line_choice& lines) {
  net::wan_config out;
  out.own = std::move(own);
  out.binds = binds_of(x);
  out.order = lines.order;
  out.site_of = lines.site_of;
  out.is_up = lines.is_up;
  out.epoch = lines.epoch;
  out.upstream = x.wan.upstream;
  out.dns.lifetime = x.wan.dns_cache;
  return out;
}

net::exit_policy policy_of(const settings& x) {
  return [policy = exit_policy{x.share.allow_private, x.share.ports},
          never = x.share.never_hosts](const std::string& ip, uint16_t port) {
    // Networks among them mean whatever names lead there, too.
    if (covers(never, ip, port))
      return result<void>{make_error(errc::policy_refused,
                                     ip + " is one of share.never-hosts")};
    auto own = net::own_addresses();
    if (!own)
      return result<void>{own.error()};
    return policy.check(ip, port, *own);
  };
}

pod_config config_of(const settings& x) {
  pod_config out;
  out.name = x.pod.name;
  out.legacy = x.transport.legacy;
  out.trust = x.trust.mode;
  out.legacy_devices = x.trust.legacy_devices;
  out.discovery = x.discovery.enabled;
  out.beacon_interval = x.discovery.interval;
  out.static_peers = x.discovery.static_peers;
  out.pool.enabled = x.pool.enabled;
  out.pool.min_size = x.pool.min_size;
  out.pool.never_hosts = x.pool.never_hosts;
  out.pool.share_credentials = x.pool.share_credentials;
  out.scheduling.chunk_size = x.pool.chunk_size;
  // What is leased is held; the rest of the budget is for what comes twice,
  // for frames that are arriving or partly delivered, and for the holes that
  // they leave in the heap (tests/bench/memory.py measures it).
  out.scheduling.memory = x.pool.memory / 2;
  out.audit = x.pool.audit;
  out.share = x.share.enabled;
  out.share_rate = x.share.max_rate;
  out.own_first = x.share.own_first;
  out.client_networks = x.proxy.allow;
  out.max_clients = x.proxy.max_clients;
  out.max_tunnels = x.proxy.max_tunnels;
  out.tunnels = x.tunnels;
  out.tunnel_idle = x.proxy.tunnel_idle;
  out.tunnel_total = x.proxy.tunnel_total;
  out.share_tunnels = x.share.tunnels;
  out.fault_injection = x.debug.fault_injection;
  out.pod_view = x.console.pod_view;
  return out;
}

sharing_config sharing_of(const settings& x) {
  sharing_config out;
  out.on = x.share.enabled;
  out.never_peers = x.share.never_peers;
  out.never_hosts = x.share.never_hosts;
  out.rate = x.share.max_rate;
  out.limits = {x.share.per_day, x.share.per_month};
  out.when_metered = x.share.when_metered;
  out.on_battery = x.share.on_battery;
  out.min_battery = x.share.min_battery;
  return out;
}

/// `listen` is where peers can connect to.
net::discovery_config discovery_of(const settings& x, const endpoint& listen) {
  net::discovery_config out;
  out.group = x.discovery.group;
  out.port = x.discovery.port;
  out.interfaces = x.discovery.interfaces;
  out.exclude = x.discovery.exclude;
  out.listen = listen;
  return out;
}

/// The trusted devices and the pod's secret, from their files.
result<void> open_trust(const settings& x, pod_ports& to) {
  auto trust = load_trust(x.pod.state_dir);
  if (!trust)
    return trust.error();
  *to.trust = std::move(*trust);
  to.save_trust = [folder = x.pod.state_dir](const trust_store& now) {
    return save_trust(folder, now);
  };
  if (x.trust.mode != trust_mode::secret)
    return {};
  auto secret = load_secret(x.trust.secret_file);
  if (!secret)
    return secret.error();
  to.psk = std::make_shared<const kept_secret<32>>(secret->psk().bytes());
  return {};
}

/// Nothing but errors is made up for a log that is off.
log_level level_of(severity x) {
  switch (x) {
    case severity::trace:
      return log_level::trace;
    case severity::debug:
      return log_level::debug;
    case severity::info:
      return log_level::info;
    case severity::warn:
      return log_level::warn;
    default:
      return log_level::error;
  }
}

/// As the actors see it.
instant now() {
  return instant{std::chrono::steady_clock::now().time_since_epoch()};
}

/// Whether an own line can be used now, as far as is known.
bool is_usable(wan_lines& lines, const std::string& name) {
  return std::ranges::any_of(lines.all(), [&](auto& x) {
    return x.port.name == name && x.up && x.rests_until.load() <= now();
  });
}

struct quiet_config : caf::actor_system_config {
  quiet_config() {
    use_quiet_scheduler(*this);
  }
};

} // namespace

class node::impl {
public:
  impl(const settings& x, identity self, std::string version)
    : work_(asio::make_work_guard(io_)),
      system_(config_),
      unit_(system_, io_.get_executor()),
      self_(std::make_shared<const identity>(std::move(self))),
      settings_(x),
      version_(std::move(version)) {}

  ~impl() {
    stop(duration::zero());
  }

  result<void> open(log_sink log) {
    auto ex = io_.get_executor();
    pod_ports ports;
    if (auto ok = open_trust(settings_, ports); !ok)
      return ok;
    choose_lines();
    auto proxy = make_reopened<http_acceptor>(
        ex, [ex, x = settings_, own = own_, choice = choice_] {
          return net::listen_http(ex, x.proxy.listen, wan_of(x, own, choice),
                                  {x.proxy.tunnel_idle, x.proxy.tunnel_total},
                                  x.proxy.max_header);
        });
    auto peers = make_reopened<stream_acceptor>(ex, [ex, this, log] {
      return peers_at_.port == 0 ? listen_for_peers(ex, settings_, log)
                                 : listen_again(ex, settings_, peers_at_);
    });
    auto group = make_reopened<discovery_port>(ex, [ex, this] {
      return net::open_discovery(ex, discovery_of(settings_, peers_at_));
    });
    auto config = config_of(settings_);
    if (auto port = proxy->open_first(); !port)
      return port.error();
    else
      proxy_at_ = (**port).local();
    if (auto port = peers->open_first(); !port)
      return port.error();
    else
      peers_at_ = (**port).local();
    config.transport_port = peers_at_.port;
    if (config.discovery)
      if (auto port = group->open_first(); !port)
        return port.error();
    ports.http = net::make_http_client(ex, client_config());
    ports.lines = lines();
    if (settings_.tunnels.plain)
      ports.http_through = make_exit_clients(ex, proxy_at_, client_config());
    ports.tunnels =
        net::make_tunnel_dialer(ex, client_config().wan, policy_of(settings_));
    ports.site_of = choice_.site_of;
    ports.own = own_;
    ports.dialer = net::make_dialer(ex);
    ports.listen_proxy = [proxy] { return (*proxy)(); };
    ports.listen_peers = [peers] { return (*peers)(); };
    ports.open_discovery = [group] { return (*group)(); };
    ports.watch_network = [ex, x = settings_.discovery.exclude,
                           epoch = choice_.epoch] {
      return net::watch_network(ex, x, epoch);
    };
    ports.random = system_random;
    ports.log = log_ = std::move(log);
    ports.log_from = level_of(settings_.log.level);
    ports.view = [this](std::function<void(std::string)> done) {
      pod_->actors(
          [done = std::move(done), this](const std::vector<actor_row>& x) {
            done(view_text(x, settings_.pool.never_hosts));
          });
    };
    usage_.emplace(settings_.pod.state_dir, ports.log);
    sharing_ = std::make_shared<sharing_gate>(sharing_of(settings_),
                                              usage_->load(), local_time_now);
    pod_.emplace(system_, &unit_, std::move(config), std::move(ports), self_);
    pod_->env().sharing = sharing_;
    sites_.emplace(settings_.pod.state_dir, system_random, log_);
    pod_->env().sites.set(sites_->load(now(), site_file::wall_clock::now()));
    api_ = std::make_shared<control_api>(daemon_of(), make_pod_backend(*pod_));
    api_->watch_clock([dates = dates_] { return dates->judge(); });
    return open_control(ex);
  }

  void is_confined() {
    api_->is_confined();
  }

  void start(std::function<void(std::string)> given_up,
             std::function<void(std::string)> hung) {
    std::promise<void> ended;
    io_ended_ = ended.get_future();
    thread_ = std::thread{[this, ended = std::move(ended)]() mutable {
      run_io();
      ended.set_value();
    }};
    pod_->start(std::move(given_up));
    watchdog_.emplace(
        pod_->env().live, io_.get_executor(), settings_.debug.hang_limit,
        [log = pod_->env().ports.log](const std::string& line) {
          log(log_level::warn, line);
        },
        hung);
  }

  void stop(duration drain) {
    if (std::exchange(stopped_, true))
      return;
    watchdog_.reset();
    if (thread_.joinable()) {
      pod_->stop(drain);
      system_.await_all_actors_done();
      // Sockets close on the thread that runs them.
      asio::post(io_, [this] {
        control_.reset();
        pod_->env().ports = {};
        pod_->env().lines.forget_ports();
      });
      work_.reset();
      if (io_ended_.wait_for(close_time) != std::future_status::ready)
        io_.stop();
      thread_.join();
      // A question about the state may have come in on the way.
      system_.await_all_actors_done();
    }
    control_.reset();
    api_.reset();
    save_state();
    pod_.reset();
  }

  void observe(const device_conditions& x) {
    sharing_->observe(x);
    tell_pause();
  }

  void save_state() {
    if (!sharing_ || !pod_)
      return;
    usage_->save(sharing_->state().used);
    sites_->save(pod_->env().sites.get(), now(), site_file::wall_clock::now());
    tell_pause();
  }

  std::string status_json() {
    auto promise = std::make_shared<std::promise<std::string>>();
    auto out = promise->get_future();
    api_->answer({"GET", "/v1/status", ""}, [promise](net::control_response x) {
      promise->set_value(std::move(x.body));
    });
    return out.get();
  }

  endpoint proxy_at_;
  endpoint peers_at_;
  std::shared_ptr<const identity> self() const {
    return self_;
  }

private:
  void choose_lines() {
    choice_.order =
        std::make_shared<line_order>(line_salt(*self_), weights_of(settings_));
    choice_.epoch = std::make_shared<net::network_epoch>();
    choice_.site_of = make_site_lookup();
    choice_.is_up = [this](const std::string& line) {
      return !pod_ || is_usable(pod_->env().lines, line);
    };
  }

  net::client_config client_config() const {
    net::client_config out;
    out.wan = wan_of(settings_, own_, choice_);
    out.wan.self = proxy_at_;
    // Connections that wait for nothing certain are the first to do without.
    out.max_idle = std::min(out.max_idle,
                            net::descriptor_limit() / 8 / (1 + line_clients()));
    out.allow_for_peer = policy_of(settings_);
    out.dates = dates_;
    return out;
  }

  /// Clients besides the one that takes the lines in turn.
  size_t line_clients() const {
    auto lines = settings_.wan.bind.size();
    return lines > 1 ? lines : 0;
  }

  /// What ranges come over: each line by itself.
  std::vector<line_port> lines() {
    auto ex = io_.get_executor();
    std::vector<line_port> out;
    auto probe = [&](const net::source_bind& from) {
      return net::make_line_probe(ex, from, settings_.egress.stun,
                                  system_random);
    };
    if (settings_.wan.bind.empty())
      out.push_back({{}, nullptr, probe({})});
    for (auto& name : settings_.wan.bind) {
      if (std::ranges::count(out, name, &line_port::name) > 0)
        continue;
      auto config = client_config();
      config.wan.binds = {bind_of(name)};
      std::shared_ptr<http_client> http;
      if (line_clients() > 0)
        http = net::make_http_client(ex, std::move(config));
      out.push_back({name, std::move(http), probe(bind_of(name))});
    }
    return out;
  }

  daemon_info daemon_of() const {
    daemon_info out;
    out.id = to_string(self_->device());
    out.name = settings_.pod.name;
    out.version = version_;
    out.pid = ::getpid();
    out.fault_injection = settings_.debug.fault_injection;
    out.proxy = to_string(proxy_at_);
    return out;
  }

  /// Logs when sharing stops or goes on for another reason than before.
  void tell_pause() {
    auto why = sharing_->state().paused;
    if (why == std::exchange(paused_, why) || !settings_.share.enabled)
      return;
    if (log_)
      log_(log_level::info,
           why ? "sharing is paused: " + std::string{to_string(*why)}
               : "sharing goes on");
  }

  /// An exception that leaves a completion handler is a bug like one that
  /// leaves an actor, and whoever waits for the handler waits in vain.
  void run_io() {
    for (;;) {
      try {
        io_.run();
        return;
      } catch (const std::exception& e) {
        pod_->io_failed(e.what());
      }
    }
  }

  result<void> open_control(const asio::any_io_executor& ex) {
    auto& console = settings_.console;
    if (console.socket.empty())
      return {};
    std::optional<net::group_number> group;
    if (!console.group.empty()) {
      auto found = net::find_group(console.group);
      if (!found)
        return make_error(found.error().code,
                          "[console] group: " + found.error().detail);
      group = *found;
    }
    auto server = net::control_server::open(
        ex, console.socket,
        [api = api_](net::control_request ask, net::control_reply reply) {
          api->serve(std::move(ask), std::move(reply));
        },
        {}, group);
    if (!server)
      return server.error();
    control_ = std::move(*server);
    return {};
  }

  quiet_config config_;
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  caf::actor_system system_;
  net::asio_unit unit_;
  std::shared_ptr<const identity> self_;
  settings settings_;
  const std::shared_ptr<own_use> own_ = std::make_shared<own_use>();
  const std::shared_ptr<net::origin_dates> dates_ =
      std::make_shared<net::origin_dates>();
  line_choice choice_;
  std::string version_;
  log_sink log_;
  std::optional<usage_file> usage_;
  std::optional<site_file> sites_;
  std::shared_ptr<sharing_gate> sharing_;
  std::optional<sharing_obstacle> paused_; ///< as the log was told
  std::optional<pod> pod_;
  std::shared_ptr<control_api> api_;
  std::unique_ptr<net::control_server> control_;
  std::thread thread_;
  std::optional<watchdog> watchdog_;
  std::future<void> io_ended_;
  bool stopped_ = false;
};

result<std::unique_ptr<node>> node::open(const settings& x, identity self,
                                         log_sink log, std::string version) {
  std::unique_ptr<node> out{
      new node{std::make_unique<impl>(x, std::move(self), std::move(version))}};
  if (auto opened = out->impl_->open(std::move(log)); !opened)
    return opened.error();
  return out;
}

node::node(std::unique_ptr<impl> x) : impl_(std::move(x)) {}

node::~node() = default;

void node::is_confined() {
  impl_->is_confined();
}

void node::start(std::function<void(std::string)> given_up,
                 std::function<void(std::string)> hung) {
  impl_->start(std::move(given_up), std::move(hung));
}

void node::stop(duration drain) {
  impl_->stop(drain);
}

endpoint node::proxy() const {
  return impl_->proxy_at_;
}

endpoint node::transport() const {
  return impl_->peers_at_;
}

const device_id& node::id() const {
  return impl_->self()->device();
}

void node::observe(const device_conditions& x) {
  impl_->observe(x);
}

void node::save_state() {
  impl_->save_state();
}

std::string node::status_json() {
  return impl_->status_json();
}

} // namespace peapod
