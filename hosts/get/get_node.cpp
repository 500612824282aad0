#include "hosts/get/get_node.hpp"

#include "actors/scheduler.hpp"
#include "hosts/common/end_signals.hpp"
#include "hosts/common/identity_file.hpp"
#include "hosts/common/quiet_scheduler.hpp"
#include "hosts/get/progress_keeper.hpp"
#include "hosts/net/asio_unit.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/send.hpp>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <thread>

namespace peapod {

namespace {

namespace asio = boost::asio;

/// Signals that come so soon after each other are one.
constexpr auto one_signal = std::chrono::milliseconds{500};

struct quiet_config : caf::actor_system_config {
  quiet_config() {
    use_quiet_scheduler(*this);
  }
};

} // namespace

class get_node::impl {
public:
  explicit impl(line_setup setup)
    : work_(asio::make_work_guard(io_)),
      system_(config_),
      unit_(system_, io_.get_executor()),
      env_(std::make_shared<environment>()),
      setup_(std::move(setup)) {
    env_->config.audit = 0; // TLS ends here: no line can lie
    env_->config.scheduling.memory = 48_MiB;
    env_->ports.random = system_random;
    env_->self =
        std::make_shared<const identity>(identity::generate(system_random));
    env_->live = std::make_shared<directory>(
        [shown = setup_.shown](const crash_report& x) {
          shown->note(x.name + " crashed: " + x.reason);
        });
    env_->io = spawn_place{&system_, &unit_, env_->live};
    env_->workers = spawn_place{&system_, nullptr, env_->live};
    env_->console.set(spawn_on<console_actor, progress_keeper_state>(
        env_->workers, progress_keeper_behavior, setup_.shown));
    env_->scheduler.set(spawn_on<scheduler_actor, scheduler_state>(
        env_->workers, scheduler_behavior, env_));
    setup_.io = io_.get_executor();
    setup_.desk = desk_;
    setup_.spare = spare_;
    add_end_signals(signals_);
    watch_signals();
    thread_ = std::thread{[this] { io_.run(); }};
  }

  ~impl() {
    if (keeper_)
      caf::anon_send_exit(keeper_, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(env_->scheduler.get(), caf::exit_reason::user_shutdown);
    caf::anon_send_exit(env_->console.get(), caf::exit_reason::user_shutdown);
    env_->forget_actors();
    {
      std::lock_guard guard{mutex_};
      running_ = nullptr;
    }
    system_.await_all_actors_done();
    asio::post(io_, [this] {
      signals_.cancel();
      env_->ports = {};
      io_.stop(); // nothing is left to say on connections that wait
    });
    work_.reset();
    thread_.join();
  }

  void start(download_task task) {
    follow_lines();
    task.desk = desk_;
    task.keeper = keeper_;
    task.spare = spare_;
    begin(spawn_on<download_actor, download_state>(env_->io, download_behavior,
                                                   env_, std::move(task)));
  }

  void start(upload_task task) {
    auto upload = spawn_on<upload_actor, upload_state>(
        env_->io, upload_behavior, env_, std::move(task));
    begin(upload);
    setup_.uploads = upload;
    follow_lines();
  }

  bool is_interrupted() const {
    return interrupted_;
  }

private:
  /// The lines, from the first use on.
  void follow_lines() {
    if (!keeper_)
      keeper_ = spawn_on<line_keeper_actor, line_keeper_state>(
          env_->io, line_keeper_behavior, env_, std::move(setup_));
  }

  template <class Handle>
  void begin(const Handle& what) {
    std::lock_guard guard{mutex_};
    running_ = caf::actor_cast<caf::strong_actor_ptr>(what);
    tell(running_, start_work{});
    if (interrupted_)
      tell(running_, stop_download{});
  }

  void watch_signals() {
    signals_.async_wait([this](const boost::system::error_code& ec, int) {
      if (ec)
        return;
      on_signal();
      watch_signals();
    });
  }

  void on_signal() {
    auto now = std::chrono::steady_clock::now();
    if (interrupted_) {
      // Both a process and its group may get the same one.
      if (now - interrupted_at_ < one_signal)
        return;
      std::_Exit(static_cast<int>(get_exit::interrupted));
    }
    interrupted_at_ = now;
    interrupted_ = true;
    std::lock_guard guard{mutex_};
    tell(running_, stop_download{});
  }

  quiet_config config_;
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  caf::actor_system system_;
  net::asio_unit unit_;
  environment_ptr env_;
  line_setup setup_;
  std::shared_ptr<write_desk> desk_ = std::make_shared<write_desk>();
  std::shared_ptr<spare_lines> spare_ = std::make_shared<spare_lines>();
  asio::signal_set signals_{io_};
  std::atomic<bool> interrupted_ = false;
  std::chrono::steady_clock::time_point interrupted_at_;
  line_keeper_actor keeper_;
  std::mutex mutex_; ///< of what follows
  caf::strong_actor_ptr running_;
  std::thread thread_;
};

get_node::get_node(line_setup setup)
  : impl_(std::make_unique<impl>(std::move(setup))) {}

get_node::~get_node() = default;

void get_node::start(download_task task) {
  impl_->start(std::move(task));
}

void get_node::start(upload_task task) {
  impl_->start(std::move(task));
}

bool get_node::is_interrupted() const {
  return impl_->is_interrupted();
}

} // namespace peapod
