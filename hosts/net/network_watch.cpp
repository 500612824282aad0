#include "hosts/net/network_watch.hpp"

#include "core/sleep_detector.hpp"
#include "hosts/net/boot_clock.hpp"
#include "hosts/net/discovery_choice.hpp"
#include "hosts/net/interfaces.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace peapod::net {

namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using change_handler = handler<network_change>;

constexpr auto look_interval = std::chrono::seconds(1);

/// The addresses of this machine, and those that a neighbour can reach now.
struct surroundings {
  std::set<std::string> addresses;
  /// Links that are up, by their index, and with it the addresses there that
  /// discovery knows: those of IPv4 and of the link. Others come and go as
  /// routers like.
  std::set<std::string> reachable;
  /// Where connections can leave from, and whether the link is up. Addresses of
  /// links do not count: they come with each interface of a container.
  std::set<std::string> ways_out;

  bool operator==(const surroundings&) const = default;
};

std::optional<surroundings>
look_around(const std::vector<std::string>& exclude) {
  auto is_excluded = [&](const network_interface& x) {
    return x.loopback || std::ranges::any_of(exclude, [&](auto& pattern) {
             return matches_pattern(pattern, x.name);
           });
  };
  auto all = list_interfaces();
  if (!all)
    return std::nullopt;
  surroundings out;
  for (auto& x : *all) {
    out.addresses.insert(address_with_zone(x));
    if (!is_link_local(x))
      out.ways_out.insert(std::to_string(x.index) + (x.up ? " up " : " down ")
                          + x.address);
    if (!x.up || is_excluded(x))
      continue;
    auto index = std::to_string(x.index);
    out.reachable.insert(index);
    if (x.address.find(':') == std::string::npos || is_link_local(x))
      out.reachable.insert(index + ' ' + x.address);
  }
  return out;
}

/// Kept alive by the operations on it.
class watching : public std::enable_shared_from_this<watching> {
public:
  watching(asio::any_io_executor executor, std::vector<std::string> exclude,
           std::shared_ptr<network_epoch> epoch)
    : executor_(std::move(executor)),
      timer_(executor_),
      exclude_(std::move(exclude)),
      epoch_(std::move(epoch)) {}

  void start() {
    if (auto found = look_around(exclude_))
      last_ = std::move(*found);
    look_at_clocks();
    watcher_ = watch_interfaces(executor_, [weak = weak_from_this()] {
      if (auto self = weak.lock())
        self->look();
    });
    schedule();
  }

  void wait(change_handler done) {
    done_ = std::move(done);
    asio::post(executor_, [self = shared_from_this()] { self->answer(); });
  }

  void close() {
    open_ = false;
    watcher_.reset();
    timer_.cancel();
    asio::post(executor_, [self = shared_from_this()] { self->answer(); });
  }

private:
  void schedule() {
    timer_.expires_after(look_interval);
    timer_.async_wait([weak = weak_from_this()](error_code ec) {
      auto self = weak.lock();
      if (ec || self == nullptr || !self->open_)
        return;
      self->look();
      self->schedule();
    });
  }

  void look_at_clocks() {
    using std::chrono::steady_clock;
    auto running = instant{steady_clock::now().time_since_epoch()};
    if (auto away = sleep_.look(running, boot_time())) {
      news().away += *away;
      end_epoch();
    }
  }

  void look() {
    look_at_clocks();
    if (auto found = look_around(exclude_); found && *found != last_) {
      news().gained |=
          !std::ranges::includes(last_.reachable, found->reachable);
      if (found->ways_out != last_.ways_out)
        end_epoch();
      last_ = std::move(*found);
    }
    answer();
  }

  void end_epoch() {
    if (epoch_)
      epoch_->next();
  }

  network_change& news() {
    if (!news_)
      news_.emplace();
    return *news_;
  }

  void answer() {
    if (!done_ || (open_ && !news_))
      return;
    auto done = std::exchange(done_, nullptr);
    if (!open_) {
      done(make_error(errc::cancelled, "watching has ended"));
      return;
    }
    auto out = *std::exchange(news_, std::nullopt);
    out.addresses.assign(last_.addresses.begin(), last_.addresses.end());
    done(std::move(out));
  }

  asio::any_io_executor executor_;
  asio::steady_timer timer_;
  std::vector<std::string> exclude_;
  std::shared_ptr<network_epoch> epoch_;
  bool open_ = true;
  surroundings last_;
  sleep_detector sleep_;
  std::optional<network_change> news_; ///< that nobody was told yet
  std::unique_ptr<interface_watcher> watcher_;
  change_handler done_;
};

class network_watcher : public network_watch {
public:
  network_watcher(asio::any_io_executor executor,
                  std::vector<std::string> exclude,
                  std::shared_ptr<network_epoch> epoch)
    : watching_(std::make_shared<watching>(
        std::move(executor), std::move(exclude), std::move(epoch))) {
    watching_->start();
  }

  ~network_watcher() override {
    watching_->close();
  }

  void wait(handler<network_change> done) override {
    watching_->wait(std::move(done));
  }

  void close() override {
    watching_->close();
  }

private:
  std::shared_ptr<watching> watching_;
};

} // namespace

std::shared_ptr<network_watch>
watch_network(asio::any_io_executor executor, std::vector<std::string> exclude,
              std::shared_ptr<network_epoch> epoch) {
  return std::make_shared<network_watcher>(
      std::move(executor), std::move(exclude), std::move(epoch));
}

} // namespace peapod::net
