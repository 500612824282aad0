#include "hosts/net/http_watchdog.hpp"
#include "hosts/net/lost_addresses.hpp"
#include "hosts/net/tunnel.hpp"

#include <boost/asio/steady_timer.hpp>

#include <optional>
#include <utility>
#include <vector>

namespace peapod::net {

namespace {

constexpr size_t buffer_size = 64 * 1024;

/// Two loops and what they share.
class copied_tunnel : public live_tunnel,
                      public std::enable_shared_from_this<copied_tunnel> {
public:
  copied_tunnel(tunnel_ends ends, const tunnel_limits& limits,
                std::shared_ptr<tunnel_tools> tools)
    : ex_(ends.client->socket().get_executor()),
      client_(std::move(ends.client)),
      origin_(std::move(ends.origin)),
      own_(std::move(ends.own)),
      tools_(std::move(tools)),
      clock_(limits),
      watch_(ex_, [this] { abort(); }),
      ended_(ex_) {
    ended_.expires_at(asio::steady_timer::time_point::max());
    tools_->tunnels.push_back(*this);
  }

  std::shared_ptr<live_tunnel> hold() override {
    return shared_from_this();
  }

  void lose_unless_from(const std::vector<std::string>& addresses) override {
    auto gone = lost_source(origin_->socket(), addresses);
    if (!gone || failure_ || running_ == 0)
      return;
    failure_ = lost_address(*gone);
    abort();
  }

  task<relay_totals> run(std::string from_client, std::string from_origin) {
    watch_.arm(clock_.next());
    begin(pump(*origin_, *client_, totals_.to_client, std::move(from_origin)));
    begin(pump(*client_, *origin_, totals_.to_origin, std::move(from_client)));
    while (running_ > 0)
      co_await ended_.async_wait(as_value);
    origin_->close();
    if (watch_.expired())
      co_return clock_.verdict();
    watch_.disarm();
    if (failure_)
      co_return *failure_;
    co_return totals_;
  }

  const asio::any_io_executor& executor() const {
    return ex_;
  }

private:
  void begin(task<void> pump) {
    ++running_;
    auto done = [this](const result<void>& outcome) {
      if (!outcome && !failure_)
        failure_ = outcome.error();
      if (!outcome)
        abort();
      if (--running_ == 0)
        ended_.cancel();
    };
    start<copied_tunnel, void>(ex_, shared_from_this(), std::move(pump),
                               std::move(done));
  }

  /// One direction, until its source ends.
  task<void> pump(transport& from, transport& to, uint64_t& count,
                  std::string early) {
    if (!early.empty()) {
      count += early.size();
      if (auto ok = co_await to.write_text(std::move(early)); !ok)
        co_return ok.error();
    }
    std::vector<uint8_t> buffer(buffer_size);
    while (true) {
      auto n = co_await from.read_some(buffer);
      if (!n)
        co_return n.error();
      if (*n == 0)
        break;
      if (own_ && &from == origin_.get())
        own_->add(*n);
      asio::const_buffer bytes{buffer.data(), *n};
      auto all = std::span<const asio::const_buffer>{&bytes, 1};
      if (auto ok = co_await to.write(all); !ok)
        co_return ok.error();
      count += *n;
      watch_.arm(clock_.next());
    }
    // The other side may have gone already; then there is no one to tell.
    static_cast<void>(co_await to.finish_writing());
    co_return result<void>{};
  }

  void abort() {
    client_->reset();
    origin_->reset();
  }

  asio::any_io_executor ex_;
  std::shared_ptr<transport> client_;
  std::shared_ptr<transport> origin_;
  std::shared_ptr<own_use> own_;
  std::shared_ptr<tunnel_tools> tools_;
  tunnel_clock clock_;
  watchdog watch_;
  asio::steady_timer ended_; // never expires: cancelled when it happens
  relay_totals totals_;
  std::optional<error> failure_;
  int running_ = 0;
};

} // namespace

void run_copied_tunnel(tunnel_ends ends, const tunnel_limits& limits,
                       std::shared_ptr<tunnel_tools> tools,
                       handler<relay_totals> done) {
  auto both = std::make_shared<copied_tunnel>(ends, limits, std::move(tools));
  auto work =
      both->run(std::move(ends.from_client), std::move(ends.from_origin));
  auto ex = both->executor();
  start(ex, std::move(both), std::move(work), std::move(done));
}

} // namespace peapod::net
