#include "hosts/net/dns.hpp"

#include "hosts/net/http_await.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

#include <chrono>
#include <map>
#include <utility>

namespace peapod::net {

namespace {

using asio::ip::address;
using asio::ip::tcp;
using addresses = std::vector<address>;
using clock = std::chrono::steady_clock;

/// More names than this and the cache starts anew.
constexpr size_t max_names = 1024;

address unmapped(const address& x) {
  if (x.is_v6() && x.to_v6().is_v4_mapped())
    return asio::ip::make_address_v4(asio::ip::v4_mapped, x.to_v6());
  return x;
}

/// Lets the address families take turns, the first one's first.
addresses interleaved(const addresses& in) {
  addresses first, second, out;
  for (const auto& x : in)
    (x.is_v6() == in.front().is_v6() ? first : second).push_back(x);
  for (size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size())
      out.push_back(first[i]);
    if (i < second.size())
      out.push_back(second[i]);
  }
  return out;
}

error lookup_error(const std::string& host, boost::system::error_code ec) {
  if (ec == asio::error::operation_aborted)
    return make_error(errc::cancelled, "called off");
  if (ec == asio::error::host_not_found || ec == asio::error::no_data)
    return make_error(errc::dns_failed, host + ": no such host");
  if (ec == asio::error::host_not_found_try_again)
    return make_error(errc::dns_failed,
                      host + ": the name server does not answer");
  return make_error(errc::dns_failed, host + ": " + ec.message());
}

} // namespace

struct dns_cache::state : std::enable_shared_from_this<dns_cache::state> {
  struct answer {
    addresses list;
    clock::time_point good_until;
  };

  state(asio::any_io_executor executor, duration answers_live)
    : ex(executor), lifetime(answers_live), resolver(std::move(executor)) {}

  /// What is known without asking.
  addresses known(const std::string& host) {
    boost::system::error_code ec;
    auto literal = asio::ip::make_address(host, ec);
    if (!ec)
      return {unmapped(literal)};
    auto i = answers.find(host);
    if (i == answers.end() || i->second.good_until < clock::now())
      return {};
    return i->second.list;
  }

  task<addresses> ask(std::string host) {
    auto [ec, found] = co_await resolver.async_resolve(host, "", as_value);
    if (ec)
      co_return lookup_error(host, ec);
    addresses list;
    for (const auto& x : found)
      list.push_back(unmapped(x.endpoint().address()));
    if (list.empty())
      co_return make_error(errc::dns_failed, host + ": no such host");
    list = interleaved(list);
    if (answers.size() >= max_names)
      answers.clear();
    answers[host] = {list, clock::now() + lifetime};
    co_return list;
  }

  asio::any_io_executor ex;
  duration lifetime;
  tcp::resolver resolver;
  std::map<std::string, answer> answers;
};

dns_cache::dns_cache(asio::any_io_executor ex, duration lifetime)
  : state_(std::make_shared<state>(std::move(ex), lifetime)) {}

dns_cache::~dns_cache() {
  state_->resolver.cancel();
}

void dns_cache::lookup(const std::string& host, handler<addresses> done) {
  auto known = state_->known(host);
  if (known.empty())
    return start(state_->ex, state_, state_->ask(host), std::move(done));
  asio::post(state_->ex, [known, done = std::move(done)] { done(known); });
}

} // namespace peapod::net
