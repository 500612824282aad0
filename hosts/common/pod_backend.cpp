#include "hosts/common/pod_backend.hpp"

#include "actors/sharing.hpp"
#include "hosts/common/actor_view.hpp"

#include <mutex>
#include <utility>

namespace peapod {

namespace {

pod_member to_member(member_view x) {
  pod_member out;
  out.id = x.id;
  out.name = std::move(x.name);
  auto rows = x.actors ? parse_view(*x.actors)
                       : result<std::vector<actor_row>>{x.actors.error()};
  if (rows)
    out.actors = std::move(*rows);
  else
    out.error = rows.error().detail;
  return out;
}

/// Waits for this device's actors and those of the others, which are asked at
/// the same time.
class gathering {
public:
  gathering(pod_member self, std::function<void(std::vector<pod_member>)> done)
    : members_{std::move(self)}, done_(std::move(done)) {}

  void take_own(std::vector<actor_row> rows) {
    std::unique_lock guard{mutex_};
    members_.front().actors = std::move(rows);
    finish(std::move(guard));
  }

  void take_others(std::vector<member_view> views) {
    std::unique_lock guard{mutex_};
    for (auto& x : views)
      members_.push_back(to_member(std::move(x)));
    finish(std::move(guard));
  }

private:
  void finish(std::unique_lock<std::mutex> guard) {
    if (--open_ > 0)
      return;
    guard.unlock();
    done_(std::move(members_));
  }

  std::mutex mutex_;
  unsigned open_ = 2;
  std::vector<pod_member> members_;
  std::function<void(std::vector<pod_member>)> done_;
};

class pod_backend : public control_backend {
public:
  explicit pod_backend(pod& x) : pod_(x) {}

  void status(std::function<void(result<pod_status>)> done) override {
    pod_.status(std::move(done));
  }

  void actors(std::function<void(std::vector<actor_row>)> done) override {
    pod_.actors(std::move(done));
  }

  void actor(actor_number id,
             std::function<void(result<actor_page>)> done) override {
    pod_.actor(id, std::move(done));
  }

  void members(std::function<void(std::vector<pod_member>)> done) override {
    auto both = std::make_shared<gathering>(self(), std::move(done));
    pod_.actors([both](std::vector<actor_row> rows) {
      both->take_own(std::move(rows));
    });
    pod_.members([both](std::vector<member_view> views) {
      both->take_others(std::move(views));
    });
  }

  std::vector<crash_report> crashes() const override {
    return pod_.crashes();
  }

  std::map<std::string, uint64_t> restarts() const override {
    return pod_.env().live->restarts();
  }

  uint64_t crash_count() const override {
    return pod_.crash_count();
  }

  feed_ptr<pod_event> events(std::optional<uint64_t> since) override {
    return pod_.events(since);
  }

  result<feed_ptr<message_record>> trace(actor_number id) override {
    return pod_.trace(id);
  }

  void kill(actor_number id, std::function<void(result<void>)> done) override {
    pod_.kill(id, std::move(done));
  }

  void restart(actor_number id,
               std::function<void(result<actor_number>)> done) override {
    pod_.restart(id, std::move(done));
  }

  result<void> disturb(actor_number id, const fault& what) override {
    return pod_.disturb(id, what);
  }

  void change_trust(std::string who, bool trusted,
                    std::vector<std::string> code,
                    std::function<void(result<peer_status>)> done) override {
    pod_.change_trust(std::move(who), trusted, std::move(code),
                      std::move(done));
  }

  const proxy_counters& counters() const override {
    return pod_.env().counters;
  }

  sharing_state sharing() const override {
    return pod_.env().sharing->state();
  }

  const byte_budget& serving() const override {
    return *pod_.env().serving;
  }

private:
  pod_member self() {
    pod_member out;
    out.id = pod_.env().self->device();
    out.name = pod_.env().config.name;
    out.self = true;
    return out;
  }

  pod& pod_;
};

} // namespace

std::unique_ptr<control_backend> make_pod_backend(pod& x) {
  return std::make_unique<pod_backend>(x);
}

} // namespace peapod
