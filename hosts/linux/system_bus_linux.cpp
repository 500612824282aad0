#include "hosts/linux/system_bus_linux.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <systemd/sd-bus.h>

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

namespace peapod {

namespace {

namespace asio = boost::asio;

constexpr auto properties = "org.freedesktop.DBus.Properties";

struct closes {
  void operator()(sd_bus* x) const {
    // Without a last attempt to write, which might wait.
    sd_bus_close(x);
    sd_bus_unref(x);
  }
  void operator()(sd_bus_message* x) const {
    sd_bus_message_unref(x);
  }
};

using bus_ptr = std::unique_ptr<sd_bus, closes>;
using message_ptr = std::unique_ptr<sd_bus_message, closes>;

// -- reading an answer --------------------------------------------------------

template <class T, class Wire>
bool read_as(sd_bus_message* in, char type, bus_values& out,
             const std::string& name) {
  Wire x{};
  if (sd_bus_message_read_basic(in, type, &x) < 0)
    return false;
  out[name] = static_cast<T>(x);
  return true;
}

/// Reads a variant, if it is of a simple type.
bool read_variant(sd_bus_message* in, bus_values& out,
                  const std::string& name) {
  const char* contents = nullptr;
  if (sd_bus_message_peek_type(in, nullptr, &contents) < 0 || !contents)
    return false;
  std::string type{contents};
  if (type != "b" && type != "u" && type != "d")
    return sd_bus_message_skip(in, "v") >= 0;
  if (sd_bus_message_enter_container(in, SD_BUS_TYPE_VARIANT, type.c_str()) < 0)
    return false;
  auto done = type == "b"   ? read_as<bool, int>(in, 'b', out, name)
              : type == "u" ? read_as<uint32_t, uint32_t>(in, 'u', out, name)
                            : read_as<double, double>(in, 'd', out, name);
  return done && sd_bus_message_exit_container(in) >= 0;
}

/// The answer to GetAll; what comes before something malformed.
bus_values read_values(sd_bus_message* in) {
  bus_values out;
  if (sd_bus_message_is_method_error(in, nullptr)
      || sd_bus_message_enter_container(in, SD_BUS_TYPE_ARRAY, "{sv}") < 0)
    return out;
  while (sd_bus_message_enter_container(in, SD_BUS_TYPE_DICT_ENTRY, "sv") > 0) {
    const char* name = nullptr;
    if (sd_bus_message_read_basic(in, 's', &name) < 0
        || !read_variant(in, out, name)
        || sd_bus_message_exit_container(in) < 0)
      break;
  }
  return out;
}

} // namespace

// -- the connection -----------------------------------------------------------

class system_bus::impl : public std::enable_shared_from_this<impl> {
public:
  impl(asio::any_io_executor executor, bus_patience retries)
    : retries_(retries),
      delay_(retries.first),
      descriptor_(executor),
      timer_(executor),
      retry_(executor) {}

  void follow(bus_object object,
              std::function<void(const bus_values&)> changed) {
    followed_.push_back(std::make_unique<followed>(
        followed{this, std::move(object), std::move(changed)}));
  }

  void connect() {
    if (ended_)
      return;
    sd_bus* opened = nullptr;
    if (sd_bus_open_system(&opened) < 0)
      return connect_later();
    bus_.reset(opened);
    auto copy = ::fcntl(sd_bus_get_fd(bus_.get()), F_DUPFD_CLOEXEC, 3);
    if (copy < 0)
      return lose();
    descriptor_.assign(copy);
    for (auto& x : followed_)
      if (!subscribe(*x) || !ask(*x, true))
        return lose();
    process();
  }

  void end() {
    ended_ = true;
    close();
    retry_.cancel();
  }

private:
  struct followed {
    impl* of;
    bus_object object;
    std::function<void(const bus_values&)> changed;
    bool asking = false;    ///< an answer is awaited
    bool ask_again = false; ///< since something has changed meanwhile
  };

  // -- following
  // ----------------------------------------------------------------

  bool subscribe(followed& x) {
    auto owner =
        "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',"
        "arg0='"
        + x.object.service + "'";
    return sd_bus_match_signal_async(
               bus_.get(), nullptr, x.object.service.c_str(),
               x.object.path.c_str(), properties, "PropertiesChanged",
               on_changed, nullptr, &x)
               >= 0
           && sd_bus_add_match_async(bus_.get(), nullptr, owner.c_str(),
                                     on_changed, nullptr, &x)
                  >= 0;
  }

  /// Asks for all properties. Only `may_start` lets the bus start a service
  /// that does not run.
  bool ask(followed& x, bool may_start) {
    if (std::exchange(x.asking, true)) {
      x.ask_again = true;
      return true;
    }
    sd_bus_message* made = nullptr;
    auto done = sd_bus_message_new_method_call(
        bus_.get(), &made, x.object.service.c_str(), x.object.path.c_str(),
        properties, "GetAll");
    message_ptr message{made};
    return done >= 0 && sd_bus_message_set_auto_start(made, may_start) >= 0
           && sd_bus_message_append(made, "s", x.object.interface.c_str()) >= 0
           && sd_bus_call_async(bus_.get(), nullptr, made, on_answer, &x, 0)
                  >= 0;
  }

  /// What a signal says is not believed, but a reason to ask.
  static int on_changed(sd_bus_message*, void* data, sd_bus_error*) {
    auto& x = *static_cast<followed*>(data);
    x.of->ask(x, false);
    return 0;
  }

  static int on_answer(sd_bus_message* answer, void* data, sd_bus_error*) {
    auto& x = *static_cast<followed*>(data);
    x.asking = false;
    // The bus answers: it is not to be waited for.
    x.of->delay_ = x.of->retries_.first;
    x.changed(read_values(answer));
    if (std::exchange(x.ask_again, false))
      x.of->ask(x, false);
    return 0;
  }

  // -- the loop
  // -----------------------------------------------------------------

  void process() {
    if (!bus_)
      return;
    int more = 1;
    while (more > 0)
      more = sd_bus_process(bus_.get(), nullptr);
    if (more < 0 || sd_bus_is_open(bus_.get()) <= 0)
      return lose();
    await();
  }

  void await() {
    auto events = sd_bus_get_events(bus_.get());
    if (events < 0)
      return lose();
    // What was awaited before may be of no interest any more.
    descriptor_.cancel();
    ++round_;
    if (events & POLLIN)
      await(asio::posix::descriptor_base::wait_read);
    if (events & POLLOUT)
      await(asio::posix::descriptor_base::wait_write);
    await_timeout();
  }

  void await(asio::posix::descriptor_base::wait_type what) {
    descriptor_.async_wait(what, next());
  }

  void await_timeout() {
    uint64_t microseconds = UINT64_MAX;
    if (sd_bus_get_timeout(bus_.get(), &microseconds) < 0
        || microseconds > INT64_MAX / 1000) {
      timer_.cancel();
      return;
    }
    // Of CLOCK_MONOTONIC, which is the steady clock here.
    timer_.expires_at(std::chrono::steady_clock::time_point{
        std::chrono::microseconds{microseconds}});
    timer_.async_wait(next());
  }

  /// Goes on after whatever happens first in this round.
  std::function<void(boost::system::error_code)> next() {
    return
        [self = weak_from_this(), round = round_](boost::system::error_code) {
          auto x = self.lock();
          if (x && x->round_ == round)
            x->process();
        };
  }

  // -- losing it
  // ----------------------------------------------------------------

  void close() {
    ++round_;
    timer_.cancel();
    boost::system::error_code ignored;
    descriptor_.close(ignored);
    bus_.reset();
  }

  void lose() {
    close();
    for (auto& x : followed_) {
      x->asking = x->ask_again = false;
      x->changed({});
    }
    connect_later();
  }

  void connect_later() {
    retry_.expires_after(delay_);
    delay_ = std::min(2 * delay_, retries_.longest);
    retry_.async_wait([self = weak_from_this()](boost::system::error_code ec) {
      auto x = self.lock();
      if (x && !ec)
        x->connect();
    });
  }

  bus_patience retries_;
  duration delay_;
  bus_ptr bus_;
  asio::posix::stream_descriptor descriptor_;
  asio::steady_timer timer_;
  asio::steady_timer retry_;
  std::vector<std::unique_ptr<followed>> followed_;
  uint64_t round_ = 0;
  bool ended_ = false;
};

system_bus::system_bus(boost::asio::any_io_executor executor,
                       bus_patience retries)
  : impl_(std::make_shared<impl>(std::move(executor), retries)) {}

system_bus::~system_bus() {
  impl_->end();
}

void system_bus::follow(bus_object object,
                        std::function<void(const bus_values&)> changed) {
  impl_->follow(std::move(object), std::move(changed));
}

void system_bus::start() {
  impl_->connect();
}

} // namespace peapod
