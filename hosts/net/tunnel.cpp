#include "hosts/net/tunnel.hpp"

#include "hosts/net/http_watchdog.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <optional>
#include <utility>
#include <vector>

namespace peapod::net {

namespace {

constexpr size_t buffer_size = 64 * 1024;
constexpr auto quiet_limit = std::chrono::minutes(10);

/// Two pumps and what they share.
class tunnel : public std::enable_shared_from_this<tunnel> {
public:
  tunnel(const asio::any_io_executor& ex, std::shared_ptr<transport> client,
         std::shared_ptr<transport> origin)
    : ex_(ex),
      client_(std::move(client)),
      origin_(std::move(origin)),
      watch_(ex, [this] { abort(); }),
      ended_(ex) {
    ended_.expires_at(asio::steady_timer::time_point::max());
  }

  task<relay_totals> run(std::string early) {
    watch_.arm(quiet_limit);
    begin(pump(*origin_, *client_, totals_.to_client, {}));
    begin(pump(*client_, *origin_, totals_.to_origin, std::move(early)));
    while (running_ > 0)
      co_await ended_.async_wait(as_value);
    if (watch_.expired())
      co_return make_error(errc::timed_out, "the tunnel was quiet too long");
    watch_.disarm();
    if (failure_)
      co_return *failure_;
    co_return totals_;
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
    start<tunnel, void>(ex_, shared_from_this(), std::move(pump),
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
      asio::const_buffer bytes{buffer.data(), *n};
      auto all = std::span<const asio::const_buffer>{&bytes, 1};
      if (auto ok = co_await to.write(all); !ok)
        co_return ok.error();
      count += *n;
      watch_.arm(quiet_limit);
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
  watchdog watch_;
  asio::steady_timer ended_; // never expires: cancelled when it happens
  relay_totals totals_;
  std::optional<error> failure_;
  int running_ = 0;
};

} // namespace

task<relay_totals> run_tunnel(std::shared_ptr<transport> client,
                              std::shared_ptr<transport> origin,
                              std::string early) {
  auto ex = client->socket().get_executor();
  auto both = std::make_shared<tunnel>(ex, client, origin);
  auto outcome = co_await both->run(std::move(early));
  origin->close();
  co_return outcome;
}

} // namespace peapod::net
