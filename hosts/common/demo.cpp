#include "hosts/common/demo.hpp"

#include "hosts/common/demo_client.hpp"
#include "hosts/common/demo_origin.hpp"
#include "hosts/common/demo_pod.hpp"
#include "hosts/common/identity_file.hpp"
#include "hosts/common/progress.hpp"
#include "hosts/common/size_text.hpp"
#include "hosts/net/socket_address.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <future>
#include <iostream>

namespace peapod {

namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace fs = std::filesystem;
using boost::system::error_code;
using clock = std::chrono::steady_clock;

constexpr auto origin_address = "127.60.60.100";

/// How long devices may take to find each other.
constexpr auto formation_time = 10s;

// -- what the demo needs from the system --------------------------------------

/// Notices Ctrl-C; a second one ends the process at once.
class interruption {
public:
  interruption() {
    signals_.async_wait([this](error_code ec, int) {
      seen_ = !ec;
      signals_.clear(ec);
    });
  }

  /// Whether the user wants to end the demo.
  bool seen() {
    io_.poll();
    return seen_;
  }

  /// The same after at most `time`.
  bool seen_within(duration time) {
    io_.run_for(time);
    return seen_;
  }

  /// Returns when the user wants to end the demo.
  void wait() {
    io_.run();
  }

private:
  asio::io_context io_{1};
  asio::signal_set signals_{io_, SIGINT, SIGTERM};
  bool seen_ = false;
};

/// A folder that only this user can read, for as long as this object lives.
class scratch_folder {
public:
  scratch_folder() {
    std::array<uint8_t, 8> name;
    system_random(name);
    path_ = fs::temp_directory_path(error_) / ("peapod-demo-" + to_hex(name));
    if (!error_)
      fs::create_directory(path_, error_);
    if (!error_)
      fs::permissions(path_, fs::perms::owner_all, error_);
  }

  ~scratch_folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }

  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;

  result<fs::path> path() const {
    if (error_)
      return make_error(errc::io_failed, "cannot make the folder "
                                             + path_.string() + ": "
                                             + error_.message());
    return path_;
  }

private:
  fs::path path_;
  std::error_code error_;
};

// -- text ---------------------------------------------------------------------

double seconds(duration x) {
  return std::chrono::duration<double>(x).count();
}

/// Bytes a second.
double rate_of(const demo_download& x) {
  return static_cast<double>(x.size) / seconds(x.time);
}

std::string print(const char* format, double number) {
  std::array<char, 64> out{};
  std::snprintf(out.data(), out.size(), format, number);
  return out.data();
}

std::string row(const std::array<std::string, 5>& cells) {
  std::array<char, 160> out{};
  std::snprintf(out.data(), out.size(), "  %-9s%9s%16s%11s   %s\n",
                cells[0].c_str(), cells[1].c_str(), cells[2].c_str(),
                cells[3].c_str(), cells[4].c_str());
  return out.data();
}

std::string device_row(const std::string& name, uint64_t bytes,
                       uint64_t total) {
  auto share = 100.0 * static_cast<double>(bytes) / static_cast<double>(total);
  std::array<char, 160> out{};
  std::snprintf(out.data(), out.size(), "  %-12s%12s%7.1f %%\n", name.c_str(),
                size_text(bytes).c_str(), share);
  return out.data();
}

// -- the demo -----------------------------------------------------------------

class demo {
public:
  demo(const demo_options& options, std::ostream& out)
    : options_(options), out_(out) {}

  /// Whether every download was right.
  result<bool> run() {
    if (auto ready = prepare(); !ready)
      return ready.error();
    introduce();
    auto alone = download("1 device ", "alone");
    if (!alone)
      return alone.error();
    if (auto formed = form_pod(); !formed)
      return formed.error();
    auto pooled = download(devices_text(), "pod");
    if (!pooled)
      return pooled.error();
    auto right = report(*alone, *pooled);
    if (options_.keep_running)
      keep_running();
    return right;
  }

  void print_warnings(std::ostream& out) {
    if (pod_)
      pod_->warnings().print(out);
  }

private:
  result<void> prepare() {
    auto folder = folder_.path();
    if (!folder)
      return folder.error();
    auto origin = demo_origin::open({origin_address, 0}, options_.size,
                                    options_.line_rate);
    if (!origin)
      return origin.error();
    origin_ = std::move(*origin);
    auto pod = demo_pod::make(options_.devices, origin_->local(), *folder);
    if (!pod)
      return pod.error();
    pod_ = std::move(*pod);
    return pod_->add_device();
  }

  void introduce() {
    out_ << "PeaPod with " << devices_text() << " on this machine.\n"
         << "Their internet connections are simulated: a server on this "
            "machine sends\neach device at most "
         << rate_text(options_.line_rate) << ". Everything else is real.\n\n"
         << "Downloading " << size_text(options_.size)
         << " with one device, then with " << options_.devices << ":"
         << std::endl;
  }

  std::string devices_text() const {
    return std::to_string(options_.devices) + " devices";
  }

  // -- downloading ------------------------------------------------------------

  result<demo_download> download(const std::string& label,
                                 const std::string& name) {
    std::atomic<uint64_t> done = 0;
    std::stop_source stop;
    progress bar{out_, stdout_is_terminal(), "  " + label, options_.size};
    auto start = clock::now();
    auto work = std::async(std::launch::async, [&] {
      return download_through(
          pod_->devices().front()->proxy(), origin_->url(name),
          [&](uint64_t bytes) { done = bytes; }, stop.get_token());
    });
    while (work.wait_for(100ms) != std::future_status::ready) {
      if (signals_.seen())
        stop.request_stop();
      bar.show(done, clock::now() - start);
    }
    bar.show(done, clock::now() - start);
    bar.finish();
    return work.get();
  }

  // -- forming the pod --------------------------------------------------------

  result<void> form_pod() {
    auto start = clock::now();
    if (auto added = pod_->add_all(); !added)
      return added.error();
    auto formed = wait_for_pod();
    if (!formed && formed.error().code == errc::timed_out
        && pod_->multicast()) {
      if (auto again = pod_->restart_without_multicast(); !again)
        return again.error();
      formed = wait_for_pod();
    }
    if (!formed)
      return formed.error();
    if (!pod_->multicast())
      out_ << "  Multicast does not work on this machine's loopback: the "
              "devices were told\n  each other's addresses.\n";
    out_ << "  " << devices_text() << " have found each other within "
         << print("%.1f s", seconds(clock::now() - start)) << std::endl;
    return {};
  }

  result<void> wait_for_pod() {
    auto end = clock::now() + formation_time;
    for (;;) {
      auto size = pod_->size();
      if (size >= options_.devices)
        return {};
      if (clock::now() >= end)
        return make_error(errc::timed_out,
                          "the pod did not form: the first device is "
                          "connected to "
                              + std::to_string(size - 1) + " of "
                              + std::to_string(options_.devices - 1)
                              + " others");
      if (signals_.seen_within(50ms))
        return make_error(errc::cancelled, "interrupted");
    }
  }

  // -- reporting --------------------------------------------------------------

  bool report(const demo_download& alone, const demo_download& pooled) {
    auto once = is_right(alone);
    auto twice = is_right(pooled);
    auto speed_up = seconds(alone.time) / seconds(pooled.time);
    out_ << '\n'
         << row({"devices", "time", "rate", "speed-up", "SHA-256"})
         << row_of("1", alone, 1, once)
         << row_of(std::to_string(options_.devices), pooled, speed_up, twice)
         << '\n';
    report_ledger();
    if (is_slow(alone))
      out_ << "\nOne device alone did not reach its rate: this machine is too "
              "slow for it, or the\nfile too small. Try a lower --rate or a "
              "larger --size.\n";
    out_.flush();
    return once && twice;
  }

  /// Whether something else than its line kept the device from going faster.
  bool is_slow(const demo_download& alone) const {
    return rate_of(alone) < 0.9 * static_cast<double>(options_.line_rate);
  }

  bool is_right(const demo_download& x) const {
    return x.size == origin_->file().size && x.sha256 == origin_->file().sha256;
  }

  static std::string row_of(std::string devices, const demo_download& x,
                            double speed_up, bool right) {
    return row({std::move(devices), print("%.1f s", seconds(x.time)),
                rate_text(static_cast<uint64_t>(rate_of(x))),
                print("%.2f x", speed_up), right ? "right" : "WRONG"});
  }

  void report_ledger() {
    auto ledger = settled_ledger();
    if (!ledger) {
      out_ << "The download was not pooled: the first device fetched all of "
              "it.\n";
      return;
    }
    out_ << "Who fetched the file, with " << devices_text() << ":\n";
    for (size_t i = 0; i < ledger->by_device.size(); ++i)
      out_ << device_row(demo_pod::name_of(i), ledger->by_device[i],
                         options_.size);
    if (ledger->wasted > 0)
      out_ << device_row("not needed", ledger->wasted, options_.size);
    out_.flush();
  }

  /// The ledger may be told a moment after the client has its last byte.
  std::optional<demo_ledger> settled_ledger() {
    auto out = pod_->ledger_of("/pod.bin");
    for (int i = 0; i < 20 && (!out || out->running); ++i) {
      if (signals_.seen_within(100ms))
        break;
      out = pod_->ledger_of("/pod.bin");
    }
    return out;
  }

  void keep_running() {
    out_ << "\nThe pod goes on until Ctrl-C:\n";
    for (size_t i = 0; i < pod_->devices().size(); ++i)
      out_ << "  " << demo_pod::name_of(i) << "  http://"
           << net::address_text(pod_->devices()[i]->proxy()) << "  (proxy)\n";
    out_ << "  file      " << origin_->url("file") << '\n'
         << "\nTry:\n  curl -o /dev/null -x http://"
         << net::address_text(pod_->devices().front()->proxy()) << ' '
         << origin_->url("file") << "\n  peapod status --socket "
         << pod_->socket().string() << "\n  peapod console --socket "
         << pod_->socket().string() << std::endl;
    signals_.wait();
  }

  const demo_options& options_;
  std::ostream& out_;
  interruption signals_;
  scratch_folder folder_;
  std::unique_ptr<demo_origin> origin_;
  std::unique_ptr<demo_pod> pod_;
};

} // namespace

int run_demo(const demo_options& options) {
  demo work{options, std::cout};
  auto right = work.run();
  if (!right) {
    std::cerr << "peapod: "
              << (right.error().detail.empty() ? to_string(right.error())
                                               : right.error().detail)
              << std::endl;
    if (right.error().code != errc::cancelled)
      work.print_warnings(std::cerr);
    return exit_failure;
  }
  if (*right)
    return exit_ok;
  std::cerr << "peapod: a download was not what the server sent" << std::endl;
  work.print_warnings(std::cerr);
  return exit_failure;
}

} // namespace peapod
