#include "hosts/net/line_prober.hpp"

#include "hosts/net/routes.hpp"
#include "hosts/net/socket_address.hpp"
#include "hosts/net/stun_client.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace peapod::net {

namespace {

namespace asio = boost::asio;

std::string text_of(const ip_address& x) {
  if (x.is_v4()) {
    asio::ip::address_v4::bytes_type bytes;
    std::ranges::copy(x.bytes(), bytes.begin());
    return net::text_of(asio::ip::address{asio::ip::address_v4{bytes}});
  }
  asio::ip::address_v6::bytes_type bytes;
  std::ranges::copy(x.bytes(), bytes.begin());
  return asio::ip::address_v6{bytes}.to_string();
}

/// What two questions, one of each family, come to.
struct both_answers {
  handler<public_addresses> done;
  public_addresses found{};
  std::optional<error> why{};
  unsigned left = 2;

  void take(const result<stun_answer>& outcome) {
    if (outcome) {
      auto ip = outcome->address.unmapped();
      (ip.is_v4() ? found.v4 : found.v6) = text_of(ip);
    } else if (!why || why->code == errc::dns_failed) {
      why = outcome.error(); // that a family has no address says least
    }
    if (--left > 0)
      return;
    if (found.v4.empty() && found.v6.empty())
      done(*why);
    else
      done(std::move(found));
  }
};

class line_prober : public line_probe {
public:
  line_prober(const asio::any_io_executor& ex, source_bind from,
              const std::optional<host_port>& server, random_source random)
    : from_(std::move(from)) {
    if (server)
      stun_.emplace(ex, *server, from_, std::move(random));
  }

  line_look look() override {
    line_look out;
    auto way = find_default_way(from_);
    // Where the kernel says nothing, connections will tell.
    bool no_way = !way && way.error().code == errc::unreachable;
    bool bound = !from_.address.empty() || !from_.interface.empty();
    out.up = is_there(from_) && !(bound && no_way);
    if (way)
      out.facts = {way->interface, way->gateway, way->gateway_mac, {}, {}};
    return out;
  }

  bool can_ask() const override {
    return stun_.has_value();
  }

  void ask(handler<public_addresses> done) override {
    auto both = std::make_shared<both_answers>(both_answers{std::move(done)});
    for (auto family : {address_family::v4, address_family::v6})
      stun_->ask(family, [both](const result<stun_answer>& outcome) {
        both->take(outcome);
      });
  }

private:
  source_bind from_;
  std::optional<stun_client> stun_;
};

} // namespace

std::shared_ptr<line_probe> make_line_probe(asio::any_io_executor ex,
                                            source_bind from,
                                            std::optional<host_port> server,
                                            random_source random) {
  return std::make_shared<line_prober>(ex, std::move(from), server,
                                       std::move(random));
}

} // namespace peapod::net
