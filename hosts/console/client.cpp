#include "hosts/console/client.hpp"

#include "hosts/common/control_client.hpp"
#include "hosts/common/control_routes.hpp"
#include "hosts/common/event_source.hpp"
#include "hosts/common/json_members.hpp"
#include "hosts/common/terminal_text.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <exception>
#include <mutex>
#include <thread>

namespace peapod::console {

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr auto interval = 1s;

/// The daemon itself gives up after two.
constexpr duration patience = 3s;

/// A restart waits for what is stopped in order.
constexpr duration wish_patience = 15s;

/// All members but those behind `mutex_` are used on the client's thread only.
class polling_client : public client {
public:
  polling_client(std::filesystem::path socket, bool pod_view)
    : path_(std::move(socket)), pod_view_(pod_view) {
    asio::post(io_, [this] { begin_round(); });
    thread_ = std::thread{[this] { run(); }};
  }

  ~polling_client() override {
    io_.stop();
    thread_.join();
  }

  std::vector<update> take() override {
    std::lock_guard guard{mutex_};
    if (failure_)
      std::rethrow_exception(failure_);
    return std::exchange(inbox_, {});
  }

  // -- wishes -----------------------------------------------------------------

  void watch(std::optional<uint64_t> actor) override {
    asio::post(io_, [this, actor] {
      watched_ = actor;
      trace_.reset();
      if (actor)
        ask_page(*actor, [] {});
    });
  }

  void kill(uint64_t actor) override {
    wish(actor, "kill", "", "killed " + std::to_string(actor));
  }

  void restart(uint64_t actor) override {
    wish(actor, "restart", "", "restarted " + std::to_string(actor));
  }

  void trust(const std::string& id, const std::string& name, bool trusted,
             const std::vector<std::string>& code) override {
    wish(trust_target(id, trusted), trust_body(code),
         name + (trusted ? " is trusted" : " is not trusted any more"));
  }

  void disturb(uint64_t actor, const disturbance& how) override {
    boost::json::object body{{"action", how.action}};
    if (how.action != "clear") {
      body["every"] = how.every;
      body["times"] = how.times;
    }
    if (how.action == "delay")
      body["delay"] = how.delay;
    wish(actor, "fault", boost::json::serialize(body),
         how.action + ": " + std::to_string(actor) + " will be disturbed");
  }

private:
  using next = std::function<void()>;

  /// An exception is for the thread that can close the screen.
  void run() try { io_.run(); } catch (...) {
    std::lock_guard guard{mutex_};
    failure_ = std::current_exception();
  }

  void put(update x) {
    std::lock_guard guard{mutex_};
    // A reader that is suspended (Ctrl-Z) must not cost memory without end.
    if (inbox_.size() < 20000)
      inbox_.push_back(std::move(x));
  }

  // -- a round of questions ---------------------------------------------------

  /// One question after the other: a daemon that is stuck gets few of them.
  void begin_round() {
    ask("/v1/actors", control::read_actors, [this] {
      follow_events();
      ask("/v1/status", control::read_status, [this] {
        ask("/v1/crashes", control::read_crashes, [this] { ask_more(); });
      });
    });
  }

  void ask_more() {
    auto page = [this] {
      if (watched_)
        ask_page(*watched_, [this] { end_round(); });
      else
        end_round();
    };
    if (pod_view_)
      ask("/v1/pod", control::read_pod, page);
    else
      page();
  }

  void end_round() {
    timer_.expires_after(interval);
    timer_.async_wait([this](auto ec) {
      if (!ec)
        begin_round();
    });
  }

  /// Asks and hands on what is read; a failure ends the round.
  template <class Read>
  void ask(const std::string& target, Read read, next then) {
    async_ask_daemon(io_.get_executor(), path_, {"GET", target, ""}, patience,
                     [this, read, then](auto got) {
                       if (!got)
                         return give_up(got.error().detail);
                       if (got->status != 200)
                         return give_up(
                             control::failure_text(got->status, got->body));
                       auto data = read(got->body);
                       if (!data)
                         return give_up(data.error().detail);
                       note_pid(*data);
                       put(std::move(*data));
                       then();
                     });
  }

  void give_up(const std::string& why) {
    put(connection_lost{printable(why)});
    end_round();
  }

  void note_pid(const control::actor_list& x) {
    // Another process counts its events from the beginning.
    if (pid_ != 0 && x.daemon.pid != pid_) {
      last_event_ = 0;
      events_.reset();
      trace_.reset();
    }
    pid_ = x.daemon.pid;
  }

  template <class T>
  void note_pid(const T&) {}

  void ask_page(uint64_t actor, next then) {
    auto target = "/v1/actors/" + std::to_string(actor);
    async_ask_daemon(io_.get_executor(), path_, {"GET", target, ""}, patience,
                     [this, actor, then](auto got) {
                       take_page(actor, std::move(got));
                       then();
                     });
  }

  void take_page(uint64_t actor, result<net::control_response> got) {
    if (!got || watched_ != actor)
      return;
    auto data = control::read_actor(got->body);
    if (got->status == 200 && data) {
      put(std::move(*data));
      follow_messages(actor);
    } else {
      put(page_missing{actor, control::failure_text(got->status, got->body)});
    }
  }

  // -- streams ----------------------------------------------------------------

  void follow_events() {
    if (events_)
      return;
    auto since = "/v1/events?since=" + std::to_string(last_event_);
    events_ =
        event_source::open(io_.get_executor(), path_, since,
                           {nullptr, [this](server_event x) { take_event(x); },
                            [this](error) { events_.reset(); }});
  }

  void take_event(const server_event& x) {
    if (take_dropped(x))
      return;
    if (auto event = control::read_event(x.data)) {
      last_event_ = event->seq;
      put(std::move(*event));
    }
  }

  bool take_dropped(const server_event& x) {
    if (x.kind != "dropped")
      return false;
    auto data = control::parse_object(x.data);
    put(events_dropped{data ? control::number_of(*data, "count") : 0});
    return true;
  }

  void follow_messages(uint64_t actor) {
    if (trace_)
      return;
    auto target = "/v1/trace?actor=" + std::to_string(actor);
    trace_ = event_source::open(
        io_.get_executor(), path_, target,
        {nullptr, [this, actor](server_event x) { take_message(actor, x); },
         [this](error) { trace_.reset(); }});
  }

  void take_message(uint64_t actor, const server_event& x) {
    if (x.kind == "message")
      if (auto message = control::read_message(x.data))
        put(message_traced{actor, std::move(*message)});
  }

  // -- wishes -----------------------------------------------------------------

  void wish(uint64_t actor, const std::string& what, std::string body,
            std::string granted) {
    wish("/v1/actors/" + std::to_string(actor) + "/" + what, std::move(body),
         std::move(granted));
  }

  void wish(std::string target, std::string body, std::string granted) {
    asio::post(io_, [this, target, body = std::move(body),
                     granted = std::move(granted)] {
      async_ask_daemon(
          io_.get_executor(), path_, {"POST", target, body}, wish_patience,
          [this, granted](auto got) { take_answer(std::move(got), granted); });
    });
  }

  void take_answer(result<net::control_response> got,
                   const std::string& granted) {
    if (!got)
      return put(wish_answered{false, printable(got.error().detail)});
    if (got->status != 200)
      return put(
          wish_answered{false, control::failure_text(got->status, got->body)});
    auto data = control::parse_object(got->body);
    auto as = data ? control::id_of(*data, "as") : std::nullopt;
    put(wish_answered{true,
                      granted + (as ? " as " + std::to_string(*as) : "")});
  }

  std::filesystem::path path_;
  bool pod_view_;
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard_ =
      asio::make_work_guard(io_);
  asio::steady_timer timer_{io_};
  std::unique_ptr<event_source> events_;
  std::unique_ptr<event_source> trace_;
  uint64_t last_event_ = 0;
  uint64_t pid_ = 0;
  std::optional<uint64_t> watched_;
  std::mutex mutex_;
  std::vector<update> inbox_;
  std::exception_ptr failure_;
  std::thread thread_;
};

} // namespace

std::unique_ptr<client> client::start(std::filesystem::path socket,
                                      bool pod_view) {
  return std::make_unique<polling_client>(std::move(socket), pod_view);
}

} // namespace peapod::console
