#include "hosts/net/http_ports.hpp"
#include "hosts/net/http_watchdog.hpp"
#include "hosts/net/origin_dialer.hpp"
#include "hosts/net/tcp_connection.hpp"

#include <utility>

namespace peapod::net {

namespace {

/// One attempt and its deadline; keeps itself alive until it has ended.
class attempt : public std::enable_shared_from_this<attempt> {
public:
  attempt(const asio::any_io_executor& ex,
          handler<std::shared_ptr<tunnel_stream>> done)
    : watch_(ex, [this] { on_overdue(); }), done_(std::move(done)) {}

  void begin(origin_dialer& by, const host_port& to, const line_wish& over,
             duration timeout) {
    watch_.arm(timeout);
    job_ = by.dial(to, dial_purpose::peer, over,
                   [self = shared_from_this()](result<socket_ptr> socket) {
                     self->on_dialled(std::move(socket));
                   });
  }

private:
  void on_overdue() {
    overdue_ = job_->overdue();
    job_->cancel();
  }

  void on_dialled(result<socket_ptr> socket) {
    watch_.disarm();
    auto job = std::exchange(job_, nullptr);
    auto done = std::exchange(done_, nullptr);
    if (!socket)
      return done(overdue_ ? *overdue_ : socket.error());
    done(make_tunnel_stream(
        make_plain_transport(std::move(**socket), job->reached())));
  }

  watchdog watch_;
  handler<std::shared_ptr<tunnel_stream>> done_;
  std::shared_ptr<dial_job> job_;
  std::optional<error> overdue_;
};

class dialer final : public tunnel_dialer {
public:
  dialer(asio::any_io_executor ex, wan_config wan, exit_policy allow)
    : ex_(ex), dialer_(std::move(ex), std::move(wan), std::move(allow)) {}

  void dial(host_port to, line_wish over, duration timeout,
            handler<std::shared_ptr<tunnel_stream>> done) override {
    std::make_shared<attempt>(ex_, std::move(done))
        ->begin(dialer_, to, std::move(over), timeout);
  }

private:
  asio::any_io_executor ex_;
  origin_dialer dialer_;
};

} // namespace

std::unique_ptr<tunnel_dialer> make_tunnel_dialer(asio::any_io_executor ex,
                                                  wan_config wan,
                                                  exit_policy allow_for_peer) {
  return std::make_unique<dialer>(std::move(ex), std::move(wan),
                                  std::move(allow_for_peer));
}

} // namespace peapod::net
