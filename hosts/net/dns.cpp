#include "hosts/net/dns.hpp"

#include "hosts/net/boot_clock.hpp"
#include "hosts/net/socket_address.hpp"

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

/// The address that `host` is, if it is one and no name.
std::optional<address> literal_address(const std::string& host) {
  boost::system::error_code ec;
  if (host.find(':') != host.npos) {
    auto v6 = asio::ip::make_address_v6(host, ec);
    return ec ? std::nullopt : std::optional{unmapped(v6)};
  }
  if (host.empty() || host.back() < '0' || host.back() > '9')
    return std::nullopt;
  auto v4 = asio::ip::make_address_v4(host, ec);
  return ec ? std::nullopt : std::optional<address>{v4};
}

address_family family_of(const address& x) {
  return x.is_v6() ? address_family::v6 : address_family::v4;
}

error lookup_error(const std::string& host, boost::system::error_code ec) {
  if (ec == asio::error::host_not_found || ec == asio::error::no_data)
    return make_error(errc::dns_failed, host + ": no such host");
  if (ec == asio::error::host_not_found_try_again)
    return make_error(errc::dns_unanswered,
                      host + ": the name server does not answer");
  return make_error(errc::dns_failed, host + ": " + ec.message());
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

result<addresses> resolve_by_system(const std::string& host,
                                    address_family family) {
  asio::io_context unused;
  boost::system::error_code ec;
  auto v6 = family == address_family::v6;
  // Without an IPv6 address of our own none is asked for. For IPv4 that would
  // make an offline machine say that a name does not exist.
  auto flags = v6 ? tcp::resolver::address_configured : tcp::resolver::flags{};
  auto found = tcp::resolver{unused}.resolve(v6 ? tcp::v6() : tcp::v4(), host,
                                             "", flags, ec);
  if (ec)
    return lookup_error(host, ec);
  addresses out;
  for (const auto& x : found)
    out.push_back(x.endpoint().address());
  return out;
}

struct dns_cache::state : std::enable_shared_from_this<dns_cache::state> {
  using key = std::pair<std::string, address_family>;

  struct answer {
    result<addresses> outcome;
    instant answered;
    instant good_until;
    uint64_t epoch = 0; ///< in which it was asked for
  };

  /// A lookup under way: its thread, and who waits for it.
  struct lookup {
    std::shared_ptr<return_path> back; ///< keeps the event loop running
    std::vector<handler<addresses>> waiting;
    uint64_t epoch = 0;
  };

  state(asio::any_io_executor executor, dns_limits bounds, name_resolver how,
        std::shared_ptr<const network_epoch> networks)
    : ex(std::move(executor)),
      limits(bounds),
      resolver(std::move(how)),
      epoch(std::move(networks)) {}

  uint64_t epoch_now() const {
    return epoch ? epoch->number() : 0;
  }

  /// What is known without asking.
  std::optional<result<addresses>> known(const key& x) const {
    if (auto literal = literal_address(x.first))
      return family_of(*literal) == x.second ? addresses{*literal}
                                             : addresses{};
    auto i = answers.find(x);
    if (i == answers.end() || i->second.good_until <= boot_time()
        || i->second.epoch != epoch_now())
      return std::nullopt;
    return i->second.outcome;
  }

  void ask(const key& x, handler<addresses> done) {
    if (closed)
      return answer_later(done, make_error(errc::cancelled, "called off"));
    if (auto i = lookups.find(x); i != lookups.end()) {
      i->second.waiting.push_back(std::move(done));
      // Who asks the network of before may wait for long.
      if (i->second.back && i->second.epoch != epoch_now())
        begin(x, i->second);
    } else if (queue.size() >= limits.waiting) {
      answer_later(done, make_error(errc::limit_reached,
                                    x.first
                                        + ": too many names are being looked "
                                          "up"));
    } else {
      lookups[x].waiting.push_back(std::move(done));
      queue.push_back(x);
      start_queued();
    }
  }

  void start_queued() {
    while (!queue.empty() && running < limits.lookups) {
      auto x = std::move(queue.front());
      queue.pop_front();
      ++running;
      begin(x, lookups[x]);
    }
  }

  /// Asks the system, in place of whoever does so for this lookup already.
  void begin(const key& x, lookup& job) {
    if (job.back)
      job.back->close();
    job.back = std::make_shared<return_path>(ex);
    job.epoch = epoch_now();
    run_lookup(x, job.back, job.epoch);
  }

  void run_lookup(const key& x, std::shared_ptr<return_path> back,
                  uint64_t asked_in) {
    auto work = [weak = weak_from_this(), x, back, asked_in, how = resolver] {
      auto outcome = how(x.first, x.second);
      back->post([weak, x, asked_in, outcome] {
        if (auto self = weak.lock())
          self->finish(x, asked_in, outcome);
      });
    };
    try {
      std::thread{std::move(work)}.detach();
    } catch (const std::system_error& e) {
      back->post(
          [weak = weak_from_this(), x, asked_in, text = std::string{e.what()}] {
            if (auto self = weak.lock())
              self->finish(x, asked_in, make_error(errc::limit_reached, text));
          });
    }
  }

  void finish(const key& x, uint64_t asked_in,
              const result<addresses>& outcome) {
    auto i = lookups.find(x);
    if (i == lookups.end() || i->second.epoch != asked_in)
      return;
    auto found = lookups.extract(i);
    --running;
    found.mapped().back->close();
    remember(x, outcome, asked_in);
    start_queued();
    for (auto& done : found.mapped().waiting)
      done(outcome);
  }

  void remember(const key& x, const result<addresses>& outcome,
                uint64_t asked_in) {
    auto lifetime = outcome ? limits.lifetime : limits.failure_lifetime;
    auto lasting = outcome || outcome.error().code == errc::dns_failed
                   || outcome.error().code == errc::dns_unanswered;
    if (limits.lifetime <= duration::zero() || lifetime <= duration::zero()
        || limits.answers == 0 || !lasting)
      return;
    answers.erase(x);
    if (answers.size() >= limits.answers)
      answers.erase(std::min_element(
          answers.begin(), answers.end(), [](auto& a, auto& b) {
            return a.second.good_until < b.second.good_until;
          }));
    auto now = boot_time();
    answers.emplace(x, answer{outcome, now, now + lifetime, asked_in});
  }

  void doubt(const std::string& host) {
    for (auto family : {address_family::v6, address_family::v4})
      if (auto i = answers.find({host, family}); i != answers.end())
        i->second.good_until = std::min(
            i->second.good_until, i->second.answered + limits.failure_lifetime);
  }

  void answer_later(handler<addresses>& done, result<addresses> outcome) {
    asio::post(ex, [outcome = std::move(outcome), done = std::move(done)] {
      done(outcome);
    });
  }

  void close() {
    closed = true;
    for (auto& [x, job] : std::exchange(lookups, {})) {
      if (job.back)
        job.back->close();
      for (auto& done : job.waiting)
        answer_later(done, make_error(errc::cancelled, "called off"));
    }
    queue.clear();
  }

  asio::any_io_executor ex;
  dns_limits limits;
  name_resolver resolver;
  std::shared_ptr<const network_epoch> epoch;
  std::map<key, answer> answers;
  std::map<key, lookup> lookups;
  std::deque<key> queue; ///< of `lookups`, those that wait for a thread
  size_t running = 0;
  bool closed = false;
};

dns_cache::dns_cache(asio::any_io_executor ex, dns_limits limits,
                     name_resolver resolver,
                     std::shared_ptr<const network_epoch> epoch)
  : state_(std::make_shared<state>(std::move(ex), limits, std::move(resolver),
                                   std::move(epoch))) {}

dns_cache::~dns_cache() {
  close();
}

void dns_cache::close() {
  state_->close();
}

void dns_cache::doubt(const std::string& host) {
  state_->doubt(host);
}

std::optional<result<addresses>> dns_cache::known(const std::string& host,
                                                  address_family family) const {
  return state_->known({host, family});
}

void dns_cache::lookup(const std::string& host, address_family family,
                       handler<addresses> done) {
  state::key x{host, family};
  if (auto known = state_->known(x))
    state_->answer_later(done, std::move(*known));
  else
    state_->ask(x, std::move(done));
}

} // namespace peapod::net
