#include "actors/pod.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/exit_reason.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <utility>

/// The part of `pod` that looks at live actors and ends them.
namespace peapod {

namespace {

/// Let a waiting helper look again, or end.
struct look_again {};

} // namespace

} // namespace peapod

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::look_again)

namespace peapod {

namespace {

using namespace std::chrono_literals;

/// How long busy actors may take to describe themselves.
constexpr auto patience = 250ms;

constexpr auto look_interval = 10ms;

/// How long other devices may take to show their actors.
constexpr auto time_for_members = 3s;

/// How long an actor that is told to end may take; a supervisor has children.
constexpr auto time_to_end = 1s;
constexpr auto time_to_end_tree = 12s;

/// How long to wait for a successor once the old one has ended.
constexpr auto time_to_restart = 3s;

/// Calls `look` again and again until it returns true or `limit` is over, and
/// then `done` with the last result.
void watch(caf::actor_system& system, duration limit,
           std::function<bool()> look, std::function<void(bool)> done) {
  system.spawn<caf::hidden>([=](caf::event_based_actor* self) {
    auto until = self->clock().now() + limit;
    caf::anon_send(self, look_again{});
    return caf::behavior{[=](look_again) {
      auto seen = look();
      if (!seen && self->clock().now() < until) {
        self->delayed_send(self, look_interval, look_again{});
        return;
      }
      self->quit();
      done(seen);
    }};
  });
}

// -- asking actors ------------------------------------------------------------

/// One question to many actors, answered by most of them.
class survey : public std::enable_shared_from_this<survey> {
public:
  struct answer {
    self_description state;
    std::vector<message_record> recent;
  };
  using answers = std::map<actor_number, answer>;

  survey(std::vector<record_ptr> whom, std::function<void(answers)> done)
    : whom_(std::move(whom)), done_(std::move(done)) {}

  void start(caf::actor_system& system) {
    open_ = whom_.size();
    for (auto& x : whom_)
      ask(*x);
    auto self = shared_from_this();
    watch(
        system, patience, [self] { return self->is_over(); },
        [self](bool) { self->finish(); });
  }

private:
  void ask(const actor_record& whom) {
    auto to = caf::actor_cast<caf::strong_actor_ptr>(whom.handle);
    if (!to)
      return take(whom.id, std::nullopt);
    actor_control order;
    order.describe = [self = shared_from_this()](actor_record& who,
                                                 self_description x) {
      who.set_description(x.about, x.summary);
      self->take(who.id, answer{std::move(x), who.recent()});
    };
    to->enqueue(caf::make_mailbox_element(
                    nullptr, caf::make_message_id(caf::message_priority::high),
                    {}, std::move(order)),
                nullptr);
  }

  void take(actor_number id, std::optional<answer> x) {
    std::lock_guard guard{mutex_};
    --open_;
    if (x)
      answers_.emplace(id, std::move(*x));
  }

  bool is_over() {
    std::lock_guard guard{mutex_};
    return open_ == 0;
  }

  void finish() {
    std::unique_lock guard{mutex_};
    auto out = std::exchange(answers_, {});
    guard.unlock();
    done_(std::move(out));
  }

  std::vector<record_ptr> whom_;
  std::function<void(answers)> done_;
  std::mutex mutex_;
  size_t open_ = 0;
  answers answers_;
};

error no_such_actor(const directory& live, actor_number id) {
  auto name = "actor " + std::to_string(id);
  if (live.is_gone(id))
    return make_error(errc::gone,
                      name + " (" + live.name_of(id) + ") has ended");
  return make_error(errc::not_found, "there is no " + name);
}

actor_row row_with(const actor_record& who, const survey::answers& answers) {
  auto out = who.row();
  out.answered = answers.contains(who.id);
  return out;
}

/// Why an actor has not ended although it was told to.
error still_there(const actor_record& who) {
  auto seconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(who.in_handler());
  return make_error(errc::timed_out,
                    "actor " + std::to_string(who.id) + " (" + who.name()
                        + ") has been handling " + who.handling() + " for "
                        + std::to_string(seconds.count())
                        + " ms; it ends once that is over, it cannot be "
                          "interrupted");
}

} // namespace

// -- looking ------------------------------------------------------------------

void pod::actors(std::function<void(std::vector<actor_row>)> done) {
  auto whom = env_->live->records();
  auto finish = [whom, done = std::move(done)](const survey::answers& answers) {
    std::vector<actor_row> rows;
    rows.reserve(whom.size());
    for (auto& x : whom)
      rows.push_back(row_with(*x, answers));
    done(std::move(rows));
  };
  std::make_shared<survey>(whom, std::move(finish))
      ->start(*env_->workers.system);
}

void pod::actor(actor_number id, std::function<void(result<actor_page>)> done) {
  auto who = env_->live->find(id);
  if (!who)
    return done(no_such_actor(*env_->live, id));
  auto finish = [who, done = std::move(done)](survey::answers answers) {
    actor_page out;
    out.row = row_with(*who, answers);
    out.fault = who->fault_text();
    if (auto i = answers.find(who->id); i != answers.end()) {
      out.data = std::move(i->second.state.data);
      out.recent = std::move(i->second.recent);
    }
    done(std::move(out));
  };
  std::make_shared<survey>(std::vector{who}, std::move(finish))
      ->start(*env_->workers.system);
}

void pod::members(std::function<void(std::vector<member_view>)> done) {
  struct answers {
    std::mutex mutex;
    size_t open = 0;
    std::vector<member_view> views;
  };
  auto shared = std::make_shared<answers>();
  auto add = [shared](member_view x) {
    std::lock_guard guard{shared->mutex};
    --shared->open;
    shared->views.push_back(std::move(x));
  };
  std::vector<caf::strong_actor_ptr> sessions;
  for (auto& x : env_->live->records())
    if (auto handle = caf::actor_cast<caf::strong_actor_ptr>(x->handle);
        handle && x->name() == "peer_session")
      sessions.push_back(std::move(handle));
  shared->open = sessions.size();
  for (auto& x : sessions)
    tell(x, ask_view{add});
  auto is_over = [shared] {
    std::lock_guard guard{shared->mutex};
    return shared->open == 0;
  };
  watch(*env_->workers.system, time_for_members, is_over,
        [shared, done = std::move(done)](bool) {
          std::unique_lock guard{shared->mutex};
          auto out = std::exchange(shared->views, {});
          guard.unlock();
          std::ranges::sort(out, {}, &member_view::id);
          done(std::move(out));
        });
}

std::vector<crash_report> pod::crashes() const {
  return env_->live->crashes();
}

uint64_t pod::crash_count() const {
  return env_->live->crash_count();
}

feed_ptr<pod_event> pod::events(std::optional<uint64_t> since) {
  return env_->live->events().follow(since);
}

result<feed_ptr<message_record>> pod::trace(actor_number id) {
  auto who = env_->live->find(id);
  if (!who)
    return no_such_actor(*env_->live, id);
  return who->trace();
}

// -- ending -------------------------------------------------------------------

void pod::kill(actor_number id, std::function<void(result<void>)> done) {
  auto& live = *env_->live;
  auto who = live.find(id);
  if (!who)
    return done(no_such_actor(live, id));
  auto row = who->row();
  if (!row.parent)
    return done(make_error(errc::not_allowed,
                           row.name
                               + " is the program itself: end the daemon "
                                 "instead"));
  constexpr auto words = "killed by hand";
  auto handle = caf::actor_cast<caf::strong_actor_ptr>(who->handle);
  if (row.strategy) // stops its children first
    tell(handle,
         caf::exit_msg{{}, caf::make_error(caf::sec::runtime_error, words)});
  else
    tell_crash(handle, words);
  watch(
      *env_->workers.system,
      row.strategy ? duration{time_to_end_tree} : duration{time_to_end},
      [live = env_->live, id] { return !live->find(id); },
      [who, done = std::move(done)](bool ended) {
        done(ended ? result<void>{} : still_there(*who));
      });
}

void pod::restart(actor_number id,
                  std::function<void(result<actor_number>)> done) {
  auto live = env_->live;
  auto who = live->find(id);
  if (!who)
    return done(no_such_actor(*live, id));
  auto row = who->row();
  if (!row.parent || row.restart == restart_type::temporary)
    return done(make_error(
        errc::not_allowed,
        row.parent ? row.name
                         + " is temporary: its supervisor does not "
                           "restart it; kill ends it"
                   : row.name
                         + " is the program itself: restart the daemon "
                           "instead"));
  if (auto parent = live->find(*row.parent))
    tell(caf::actor_cast<caf::strong_actor_ptr>(parent->handle),
         restart_child{id});
  auto find_successor = [live, row] {
    for (auto& x : live->records())
      if (x->id > row.id && x->parent() == row.parent && x->name() == row.name)
        return x->id;
    return actor_number{0};
  };
  watch(
      *env_->workers.system, time_to_end_tree,
      [live, id, find_successor] { return !live->find(id); },
      [=, system = env_->workers.system](bool ended) {
        if (!ended)
          return done(still_there(*who));
        watch(
            *system, time_to_restart, [=] { return find_successor() != 0; },
            [=](bool) { done(find_successor()); });
      });
}

result<void> pod::disturb(actor_number id, const fault& what) {
  if (!env_->config.fault_injection)
    return make_error(errc::not_allowed,
                      "actors are disturbed only with [debug] "
                      "fault-injection=true");
  auto who = env_->live->find(id);
  if (!who)
    return no_such_actor(*env_->live, id);
  who->set_fault(what);
  return {};
}

} // namespace peapod
