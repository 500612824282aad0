#include "hosts/net/http_exchange.hpp"
#include "hosts/net/http_ports.hpp"

#include <utility>

namespace peapod::net {

namespace {

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
    lost_(executor, config.wan.epoch, [this](auto& x) { drop_lost(x); }) {}

void client_core::drop_lost(const std::vector<std::string>& own) {
  std::vector<std::shared_ptr<exchange_state>> all;
  for (auto& x : exchanges)
    all.push_back(static_cast<exchange_state&>(x).shared_from_this());
  for (auto& x : all)
    x->lose_unless_from(own);
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
