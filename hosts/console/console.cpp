#include "hosts/console/console.hpp"

#include "hosts/console/client.hpp"
#include "hosts/console/once.hpp"
#include "hosts/console/screen.hpp"
#include "hosts/console/ui.hpp"

#include <array>
#include <csignal>
#include <iostream>

namespace peapod {

namespace {

using namespace std::chrono_literals;

/// How often the screen is drawn when no key comes.
constexpr auto tick = 200ms;

volatile std::sig_atomic_t caught = 0;

/// Notes the signals that end the program, so that the terminal is restored
/// first; gives their old handlers back.
class ending_signals {
public:
  ending_signals() {
    struct sigaction note {};
    note.sa_handler = [](int number) { caught = number; };
    for (size_t i = 0; i < numbers.size(); ++i)
      sigaction(numbers[i], &note, &before_[i]);
  }

  ~ending_signals() {
    for (size_t i = 0; i < numbers.size(); ++i)
      sigaction(numbers[i], &before_[i], nullptr);
  }

private:
  static constexpr std::array numbers{SIGINT, SIGTERM, SIGHUP, SIGQUIT};
  std::array<struct sigaction, numbers.size()> before_{};
};

/// An instant of the machine's clock.
instant present() {
  return instant{std::chrono::duration_cast<duration>(
      std::chrono::steady_clock::now().time_since_epoch())};
}

/// Until the user quits or a signal comes.
void show(console::screen& screen, const console_options& options) {
  auto client = console::client::start(options.socket, options.pod);
  console::ui ui{*client, options.pod};
  bool goes_on = true;
  while (goes_on && caught == 0) {
    for (auto& x : client->take())
      ui.apply(std::move(x), present());
    screen.show(ui.draw(screen.size(), present()));
    if (auto key = screen.wait(tick))
      goes_on = ui.take(*key, present());
  }
}

int run_full_screen(const console_options& options) {
  ending_signals signals;
  auto screen = console::screen::open();
  if (!screen) {
    std::cerr << "peapod: " << screen.error().detail << '\n';
    return exit_failure;
  }
  show(**screen, options);
  return exit_ok;
}

} // namespace

int run_console(const console_options& options) {
  if (options.once)
    return console::print_once(options, std::cout, std::cerr,
                               style_of_stdout());
  int code = exit_failure;
  try {
    code = run_full_screen(options);
  } catch (const std::exception& x) {
    // The screen has been closed on the way here.
    std::cerr << "peapod: the console has failed: " << x.what() << '\n';
  }
  // Whoever waits for us is told what ended us.
  if (caught != 0)
    std::raise(caught);
  return code;
}

} // namespace peapod
