#include "hosts/net/tunnel.hpp"

#include "hosts/net/http_watchdog.hpp"
#include "hosts/net/lost_addresses.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

namespace peapod::net {

namespace {

using std::chrono::steady_clock;

/// Two pumps between plain connections. Holds no buffer while nothing moves.
class direct_tunnel final : public pump::owner,
                            public live_tunnel,
                            public std::enable_shared_from_this<direct_tunnel> {
public:
  direct_tunnel(tunnel_ends ends, const tunnel_limits& limits,
                std::shared_ptr<tunnel_tools> tools, handler<relay_totals> done)
    : client_(std::move(ends.client)),
      origin_(std::move(ends.origin)),
      own_(std::move(ends.own)),
      tools_(std::move(tools)),
      to_client_(*this, *origin_, *client_, *tools_, how),
      to_origin_(*this, *client_, *origin_, *tools_, how),
      clock_(limits),
      watch_(client_->socket().get_executor(), [this] { abort(); }),
      done_(std::move(done)) {}

  void start(tunnel_ends ends) {
    tools_->tunnels.push_back(*this);
    early_ = {ends.from_client.size(), ends.from_origin.size()};
    watch_.arm(clock_.next());
    to_client_.start(std::move(ends.from_origin));
    to_origin_.start(std::move(ends.from_client));
  }

  std::shared_ptr<void> keep_alive() override {
    return shared_from_this();
  }

  std::shared_ptr<live_tunnel> hold() override {
    return shared_from_this();
  }

  void lose_unless_from(const std::vector<std::string>& addresses) override {
    auto gone = lost_source(origin_->socket(), addresses);
    if (!gone || failure_ || running_ == 0)
      return;
    failure_ = std::make_unique<error>(lost_address(*gone));
    abort();
  }

  void on_moved(pump&) override {
    count_own();
    if (!watch_.expired())
      watch_.arm(clock_.next());
  }

  void on_blocked(pump&) override {}

  void on_end(pump& who, result<pump::ending> how_it_ended) override {
    --running_;
    count_own();
    if (how_it_ended) {
      pass_on_end(&who == &to_client_);
    } else if (!failure_) {
      failure_ = std::make_unique<error>(how_it_ended.error());
      abort();
    }
    if (running_ == 0)
      finish();
  }

private:
  static constexpr pump::options how{.watch_resets = true};

  void pass_on_end(bool to_client) {
    // When both have ended both connections are about to be closed.
    if (running_ == 0)
      return;
    // The other side may have gone already; then there is no one to tell.
    boost::system::error_code ec;
    auto& to = to_client ? *client_ : *origin_;
    to.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ec);
  }

  void count_own() {
    auto taken = to_client_.taken();
    auto n = taken - std::exchange(counted_, taken);
    if (own_ && n > 0)
      own_->add(n);
  }

  void abort() {
    client_->reset();
    origin_->reset();
  }

  void finish() {
    origin_->close();
    result<relay_totals> out =
        relay_totals{early_.to_origin + to_origin_.taken(),
                     early_.to_client + to_client_.taken()};
    if (watch_.expired())
      out = clock_.verdict();
    else if (failure_)
      out = *failure_;
    watch_.disarm();
    std::exchange(done_, nullptr)(std::move(out));
  }

  std::shared_ptr<transport> client_;
  std::shared_ptr<transport> origin_;
  std::shared_ptr<own_use> own_;
  std::shared_ptr<tunnel_tools> tools_;
  pump to_client_;
  pump to_origin_;
  tunnel_clock clock_;
  watchdog watch_;
  handler<relay_totals> done_;
  relay_totals early_;
  uint64_t counted_ = 0;           // as own use
  std::unique_ptr<error> failure_; // seldom there
  int running_ = 2;
};

} // namespace

void tunnel_tools::lose_unless_from(const std::vector<std::string>& addresses) {
  std::vector<std::shared_ptr<live_tunnel>> all;
  for (auto& x : tunnels)
    all.push_back(x.hold());
  for (auto& x : all)
    x->lose_unless_from(addresses);
}

error lost_address(const std::string& address) {
  return make_error(errc::connection_closed,
                    "this device has lost its address " + address);
}

tunnel_clock::tunnel_clock(const tunnel_limits& limits)
  : limits_(limits), begun_(steady_clock::now()) {}

duration tunnel_clock::next() const {
  auto left = begun_ + limits_.total - steady_clock::now();
  return std::clamp<duration>(left, duration::zero(), limits_.idle);
}

error tunnel_clock::verdict() const {
  auto whole = steady_clock::now() - begun_ >= limits_.total;
  auto limit = whole ? limits_.total : limits_.idle;
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limit);
  auto words = std::to_string(seconds.count()) + " s";
  return make_error(
      errc::timed_out,
      whole ? "the tunnel was open for " + words + ", [proxy] tunnel-total"
            : "the tunnel was quiet for " + words + ", [proxy] tunnel-idle");
}

void run_tunnel(tunnel_ends ends, const tunnel_limits& limits,
                std::shared_ptr<tunnel_tools> tools,
                handler<relay_totals> done) {
  if (!ends.client->is_plain() || !ends.origin->is_plain())
    return run_copied_tunnel(std::move(ends), limits, std::move(tools),
                             std::move(done));
  auto both = std::make_shared<direct_tunnel>(ends, limits, std::move(tools),
                                              std::move(done));
  both->start(std::move(ends));
}

} // namespace peapod::net
