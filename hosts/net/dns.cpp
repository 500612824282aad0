#include "hosts/net/dns.hpp"

#include "hosts/net/boot_clock.hpp"
#include "hosts/net/socket_address.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/steady_timer.hpp>

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
  // A server's failure to find out, or no server: the system does not say.
  if (ec == asio::error::host_not_found_try_again)
    return make_error(errc::dns_unanswered,
                      host + ": no name server has an answer for now");
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

dns_limits with_threads_for(dns_limits x, size_t descriptors) {
  // An eighth of them for one dialer, with what it looks up for peers:
  // requests, tunnels and each of several own lines have dialers of their own.
  x.threads = std::min(x.threads, std::max(x.lookups, descriptors / 32));
  return x;
}

struct dns_cache::state : std::enable_shared_from_this<dns_cache::state> {
  using key = std::pair<std::string, address_family>;

  struct answer {
    result<addresses> outcome;
    instant answered;
    instant good_until;
    uint64_t epoch = 0; ///< in which it was asked for
  };

  /// A thread that asks the system.
  struct thread {
    key asked;
    std::shared_ptr<return_path> back; ///< keeps the event loop running
    uint64_t epoch = 0;
    instant begun;
  };

  /// What is to be found out: its thread, and who waits for it.
  struct lookup {
    uint64_t thread = 0; ///< its number; 0: it is in the queue
    std::map<uint64_t, handler<addresses>> waiting; ///< by their tickets
  };

  state(asio::any_io_executor executor, dns_limits bounds, name_resolver how,
        std::shared_ptr<const network_epoch> networks)
    : ex(std::move(executor)),
      limits(bounds),
      resolver(std::move(how)),
      epoch(std::move(networks)),
      timer(ex) {}

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

  /// Returns a ticket for `call_off`.
  uint64_t ask(const key& x, handler<addresses> done) {
    auto ticket = ++last_number;
    if (closed) {
      answer_later(done, make_error(errc::cancelled, "called off"));
    } else if (auto i = lookups.find(x); i != lookups.end()) {
      i->second.waiting.emplace(ticket, std::move(done));
      // Who asks the network of before may wait for long.
      if (is_outdated(i->second) && queue.size() < limits.waiting)
        enqueue(x, i->second);
    } else if (queue.size() >= limits.waiting) {
      answer_later(done, make_error(errc::limit_reached,
                                    x.first
                                        + ": too many names are being looked "
                                          "up"));
    } else {
      auto& job = lookups[x];
      job.waiting.emplace(ticket, std::move(done));
      enqueue(x, job);
    }
    return ticket;
  }

  /// What nobody waits for is not begun; what has begun is remembered.
  void call_off(const key& x, uint64_t ticket) {
    auto i = lookups.find(x);
    if (i == lookups.end())
      return;
    auto who = i->second.waiting.extract(ticket);
    if (!who)
      return;
    answer_later(who.mapped(), make_error(errc::cancelled, "called off"));
    if (!i->second.waiting.empty())
      return;
    if (i->second.thread == 0) {
      std::erase(queue, x);
      lookups.erase(i);
    }
    start_queued();
  }

  bool is_outdated(const lookup& job) const {
    auto i = threads.find(job.thread);
    return i != threads.end() && i->second.epoch != epoch_now();
  }

  /// Has the system asked, in place of whoever does so already.
  void enqueue(const key& x, lookup& job) {
    job.thread = 0;
    queue.push_back(x);
    start_queued();
  }

  void start_queued() {
    while (!queue.empty() && threads.size() < limits.threads
           && count_quick() < limits.lookups) {
      auto x = std::move(queue.front());
      queue.pop_front();
      begin(x, lookups[x]);
    }
    wait_for_slow();
  }

  /// Whether others have to wait for a thread.
  bool is_quick(const thread& x) const {
    auto job = lookups.find(x.asked);
    return x.epoch == epoch_now() && boot_time() < x.begun + limits.slow
           && job != lookups.end() && !job->second.waiting.empty();
  }

  size_t count_quick() const {
    return static_cast<size_t>(std::ranges::count_if(
        threads, [this](auto& x) { return is_quick(x.second); }));
  }

  /// Sees to the queue when the next thread is slow.
  void wait_for_slow() {
    timer->cancel();
    auto oldest = std::ranges::find_if(
        threads, [this](auto& x) { return is_quick(x.second); });
    if (queue.empty() || oldest == threads.end())
      return;
    timer->expires_after(oldest->second.begun + limits.slow - boot_time());
    timer->async_wait([weak = weak_from_this()](auto ec) {
      if (auto self = weak.lock(); self && !ec && !self->closed)
        self->start_queued();
    });
  }

  void begin(const key& x, lookup& job) {
    job.thread = ++last_number;
    auto back = std::make_shared<return_path>(ex);
    threads.emplace(job.thread, thread{x, back, epoch_now(), boot_time()});
    run_thread(job.thread, x, back);
  }

  void run_thread(uint64_t number, const key& x,
                  const std::shared_ptr<return_path>& back) {
    auto work = [weak = weak_from_this(), number, x, back, how = resolver] {
      auto outcome = how(x.first, x.second);
      back->post([weak, number, outcome] {
        if (auto self = weak.lock())
          self->finish(number, outcome);
      });
    };
    try {
      std::thread{std::move(work)}.detach();
    } catch (const std::system_error& e) {
      back->post(
          [weak = weak_from_this(), number, text = std::string{e.what()}] {
            if (auto self = weak.lock())
              self->finish(number, make_error(errc::limit_reached, text));
          });
    }
  }

  /// A thread has ended, perhaps one whose place another has taken.
  void finish(uint64_t number, const result<addresses>& outcome) {
    auto ended = threads.extract(number);
    if (!ended)
      return;
    ended.mapped().back->close();
    auto i = lookups.find(ended.mapped().asked);
    if (i == lookups.end() || i->second.thread != number)
      return start_queued();
    auto found = lookups.extract(i);
    remember(found.key(), outcome, ended.mapped().epoch);
    start_queued();
    for (auto& [ticket, done] : found.mapped().waiting)
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
    timer.reset();
    queue.clear();
    for (auto& [number, x] : std::exchange(threads, {}))
      x.back->close();
    for (auto& [x, job] : std::exchange(lookups, {}))
      for (auto& [ticket, done] : job.waiting)
        answer_later(done, make_error(errc::cancelled, "called off"));
  }

  asio::any_io_executor ex;
  dns_limits limits;
  name_resolver resolver;
  std::shared_ptr<const network_epoch> epoch;
  std::map<key, answer> answers;
  std::map<key, lookup> lookups;
  std::map<uint64_t, thread> threads; ///< by their numbers, the oldest first
  std::deque<key> queue; ///< of `lookups`, those that wait for a thread
  std::optional<asio::steady_timer> timer; ///< until the end, not the loop's
  uint64_t last_number = 0;                ///< of tickets and threads
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

std::function<void()> dns_cache::lookup(const std::string& host,
                                        address_family family,
                                        handler<addresses> done) {
  state::key x{host, family};
  if (auto known = state_->known(x)) {
    state_->answer_later(done, std::move(*known));
    return [] {};
  }
  auto ticket = state_->ask(x, std::move(done));
  return [weak = std::weak_ptr{state_}, x = std::move(x), ticket] {
    if (auto self = weak.lock())
      self->call_off(x, ticket);
  };
}

} // namespace peapod::net
