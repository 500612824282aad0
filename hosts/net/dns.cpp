#include "hosts/net/dns.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

namespace peapod::net {

namespace asio = boost::asio;

namespace {

using asio::ip::address;
using asio::ip::tcp;
using addresses = std::vector<address>;
using clock = std::chrono::steady_clock;

/// More names than this and the cache starts anew.
constexpr size_t max_names = 1024;

/// More names than this waiting to be looked up and new ones are refused.
constexpr size_t max_waiting = 256;

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
  if (ec == asio::error::host_not_found || ec == asio::error::no_data)
    return make_error(errc::dns_failed, host + ": no such host");
  if (ec == asio::error::host_not_found_try_again)
    return make_error(errc::dns_failed,
                      host + ": the name server does not answer");
  return make_error(errc::dns_failed, host + ": " + ec.message());
}

/// Asks the system's resolver, which blocks for seconds when no name server
/// answers.
result<addresses> resolve(const std::string& host) {
  asio::io_context unused;
  boost::system::error_code ec;
  auto found = tcp::resolver{unused}.resolve(host, "", ec);
  if (ec)
    return lookup_error(host, ec);
  addresses list;
  for (const auto& x : found)
    list.push_back(unmapped(x.endpoint().address()));
  if (list.empty())
    return make_error(errc::dns_failed, host + ": no such host");
  return interleaved(list);
}

/// The way back to an executor for threads that may outlive it.
class return_path {
public:
  explicit return_path(asio::any_io_executor ex)
    : ex_(asio::prefer(std::move(ex),
                       asio::execution::outstanding_work.tracked)) {}

  void close() {
    std::lock_guard guard{mutex_};
    ex_.reset();
  }

  template <class Function>
  void post(Function f) {
    std::lock_guard guard{mutex_};
    if (ex_)
      asio::post(*ex_, std::move(f));
  }

private:
  std::mutex mutex_;
  std::optional<asio::any_io_executor> ex_;
};

} // namespace

struct dns_cache::state : std::enable_shared_from_this<dns_cache::state> {
  struct answer {
    addresses list;
    clock::time_point good_until;
  };

  /// A lookup under way: its thread, and who waits for it.
  struct lookup {
    std::shared_ptr<return_path> back; ///< keeps the event loop running
    std::vector<handler<addresses>> waiting;
  };

  state(asio::any_io_executor executor, size_t max_lookups,
        duration answers_live)
    : ex(std::move(executor)),
      lookups_at_a_time(max_lookups),
      lifetime(answers_live) {}

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

  void ask(const std::string& host, handler<addresses> done) {
    if (auto i = lookups.find(host); i != lookups.end()) {
      i->second.waiting.push_back(std::move(done));
    } else if (queue.size() >= max_waiting) {
      fail(done, make_error(errc::limit_reached,
                            host + ": too many names are being looked up"));
    } else {
      lookups[host].waiting.push_back(std::move(done));
      queue.push_back(host);
      start_queued();
    }
  }

  void start_queued() {
    while (!queue.empty() && running < lookups_at_a_time) {
      auto host = std::move(queue.front());
      queue.pop_front();
      ++running;
      auto back = std::make_shared<return_path>(ex);
      lookups[host].back = back;
      run_lookup(host, std::move(back));
    }
  }

  void run_lookup(const std::string& host, std::shared_ptr<return_path> back) {
    auto work = [weak = weak_from_this(), host, back] {
      auto outcome = resolve(host);
      back->post([weak, host, outcome] {
        if (auto self = weak.lock())
          self->finish(host, outcome);
      });
    };
    try {
      std::thread{std::move(work)}.detach();
    } catch (const std::system_error& x) {
      back->post([weak = weak_from_this(), host, text = std::string{x.what()}] {
        if (auto self = weak.lock())
          self->finish(host, make_error(errc::limit_reached, text));
      });
    }
  }

  void finish(const std::string& host, const result<addresses>& outcome) {
    auto found = lookups.extract(host);
    if (found.empty())
      return;
    --running;
    found.mapped().back->close();
    if (outcome) {
      if (answers.size() >= max_names)
        answers.clear();
      answers[host] = {*outcome, clock::now() + lifetime};
    }
    start_queued();
    for (auto& done : found.mapped().waiting)
      done(outcome);
  }

  void fail(handler<addresses>& done, const error& why) {
    asio::post(ex, [why, done = std::move(done)] { done(why); });
  }

  void close() {
    for (auto& [host, x] : std::exchange(lookups, {})) {
      if (x.back)
        x.back->close();
      for (auto& done : x.waiting)
        fail(done, make_error(errc::cancelled, "called off"));
    }
    queue.clear();
  }

  asio::any_io_executor ex;
  size_t lookups_at_a_time;
  duration lifetime;
  std::map<std::string, answer> answers;
  std::map<std::string, lookup> lookups;
  std::deque<std::string> queue; ///< of `lookups`, those that wait for a thread
  size_t running = 0;
};

dns_cache::dns_cache(asio::any_io_executor ex, size_t max_lookups,
                     duration lifetime)
  : state_(std::make_shared<state>(std::move(ex), max_lookups, lifetime)) {}

dns_cache::~dns_cache() {
  state_->close();
}

void dns_cache::lookup(const std::string& host, handler<addresses> done) {
  auto known = state_->known(host);
  if (known.empty())
    return state_->ask(host, std::move(done));
  asio::post(state_->ex, [known, done = std::move(done)] { done(known); });
}

} // namespace peapod::net
