#include "hosts/net/http_exchange.hpp"
#include "hosts/net/http_ports.hpp"
#include "hosts/net/interfaces.hpp"

#include <chrono>
#include <utility>

namespace peapod::net {

namespace {

/// How long an address may be gone.
constexpr auto return_wait = std::chrono::seconds(6);

/// The port's side of an exchange: dropping it calls the work off.
class exchange final : public exchange_port {
public:
  explicit exchange(std::shared_ptr<exchange_state> state)
    : state_(std::move(state)) {}

  ~exchange() override {
    state_->cancel();
  }

  void write_body(body_part part, handler<void> done) override {
    auto work = state_->write_body(std::move(part));
    start(state_->executor(), state_, std::move(work), std::move(done));
  }

  void read_head(handler<response_head> done) override {
    state_->read_head(std::move(done));
  }

  void read_body(size_t limit, handler<body_part> done) override {
    auto work = state_->read_body(limit);
    start(state_->executor(), state_, std::move(work), std::move(done));
  }

  uint64_t received() const override {
    return state_->received();
  }

  void cancel() override {
    state_->cancel();
  }

  const std::shared_ptr<exchange_state>& state() const override {
    return state_;
  }

private:
  std::shared_ptr<exchange_state> state_;
};

class client final : public http_client {
public:
  explicit client(std::shared_ptr<client_core> core) : core_(std::move(core)) {}

  ~client() override {
    core_->pool->close();
  }

  std::shared_ptr<http_exchange> open(request_head head,
                                      exchange_options options,
                                      interim_handler on_interim) override {
    auto state = std::make_shared<exchange_state>(
        core_, std::move(head), std::move(options), std::move(on_interim));
    state->begin();
    return std::make_shared<exchange>(std::move(state));
  }

private:
  std::shared_ptr<client_core> core_;
};

} // namespace

std::shared_ptr<exchange_state> state_of(const http_exchange& port) {
  auto* ours = dynamic_cast<const exchange_port*>(&port);
  return ours != nullptr ? ours->state() : nullptr;
}

client_core::client_core(const asio::any_io_executor& executor,
                         client_config config)
  : ex(executor),
    dialer(executor, config.wan, std::move(config.allow_for_peer)),
    pool(std::make_shared<origin_pool>(
        executor,
        origin_pool::limits{config.max_idle_per_origin, config.max_idle,
                            config.idle_lifetime},
        config.wan.epoch)),
    own(std::move(config.wan.own)),
    dates(std::move(config.dates)),
    ca_file_(std::move(config.ca_file)),
    patience_(executor) {
  if (config.wan.epoch)
    watching_ = config.wan.epoch->listen([this] { on_other_network(); });
}

/// A radio link that is lost for a moment gets the same address again, and
/// connections survive that.
void client_core::on_other_network() {
  changed_ = true;
  if (!waiting_)
    wait_for_return();
}

/// Networks that change again and again do not begin the wait anew.
void client_core::wait_for_return() {
  waiting_ = std::exchange(changed_, false);
  if (!waiting_)
    return;
  patience_.expires_after(return_wait);
  std::weak_ptr<void> alive = watching_;
  patience_.async_wait([this, alive](boost::system::error_code ec) {
    if (ec || alive.expired())
      return;
    drop_lost();
    wait_for_return();
  });
}

void client_core::drop_lost() {
  auto own = own_addresses();
  if (!own)
    return;
  std::vector<std::shared_ptr<exchange_state>> all;
  for (auto& x : exchanges)
    all.push_back(static_cast<exchange_state&>(x).shared_from_this());
  for (auto& x : all)
    x->lose_unless_from(*own);
}

const result<tls_context>& client_core::tls() {
  if (!tls_)
    tls_ = make_tls_context(ca_file_);
  return *tls_;
}

std::unique_ptr<http_client> make_http_client(asio::any_io_executor ex,
                                              client_config config) {
  auto core = std::make_shared<client_core>(ex, std::move(config));
  return std::make_unique<client>(std::move(core));
}

} // namespace peapod::net
