#pragma once

#include "hosts/console/ui.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace peapod::console {

using namespace std::chrono_literals;

/// An actor with the figures that tests look at.
inline control::actor actor(uint64_t id, std::string name,
                            std::optional<uint64_t> parent = std::nullopt,
                            std::string about = "") {
  control::actor out;
  out.id = id;
  out.name = std::move(name);
  out.parent = parent;
  out.about = std::move(about);
  out.restart = "permanent";
  out.runs_on = "worker";
  out.state = "idle";
  out.answered = true;
  out.uptime = 100;
  return out;
}

/// A small tree: 1 is the root, 2 supervises 4 and 5, 3 stands alone.
inline control::actor_list small_tree(uint64_t pid = 10) {
  return {{"00ff00ff00ff", "kitchen", "0.1.0", pid, 3725, true},
          {actor(1, "root_supervisor"), actor(2, "session_supervisor", 1),
           actor(3, "scheduler", 1), actor(4, "peer_session", 2, "phone"),
           actor(5, "peer_session", 2, "laptop")}};
}

/// Remembers what the user wants.
struct recorded_wishes : wishes {
  std::vector<std::string> all;

  void watch(std::optional<uint64_t> x) override {
    all.push_back("watch " + std::to_string(x.value_or(0)));
  }
  void kill(uint64_t x) override {
    all.push_back("kill " + std::to_string(x));
  }
  void restart(uint64_t x) override {
    all.push_back("restart " + std::to_string(x));
  }
  void trust(const std::string& id, const std::string& name, bool trusted,
             const std::vector<std::string>& code) override {
    all.push_back((trusted ? "trust " : "untrust ") + id + " " + name);
    for (auto& word : code)
      all.back() += " " + word;
  }
  void disturb(uint64_t x, const disturbance& how) override {
    all.push_back(how.action + " " + std::to_string(x) + " every "
                  + std::to_string(how.every) + " times "
                  + std::to_string(how.times) + " delay "
                  + std::to_string(static_cast<int>(how.delay * 1000)));
  }
};

/// A console without a terminal.
struct console_fixture {
  recorded_wishes daemon;
  ui console{daemon, false};
  instant now{1h};
  extent size{24, 80};

  void has(update x) {
    console.apply(std::move(x), now);
  }

  /// Presses keys: characters for themselves.
  bool press(std::string_view keys) {
    bool goes_on = true;
    for (auto c : keys)
      goes_on = press({input::key::character, static_cast<char32_t>(c)});
    return goes_on;
  }

  bool press(input x) {
    // One sees what a key acts on.
    console.draw(size, now);
    return console.take(x, now);
  }

  bool press(input::key x) {
    return press(input{x, 0});
  }

  std::vector<std::string> screen() {
    std::vector<std::string> out;
    for (auto& x : console.draw(size, now))
      out.push_back(x.text());
    return out;
  }

  /// Whether a line of the screen contains a text.
  bool shows(std::string_view text) {
    auto all = screen();
    return std::any_of(all.begin(), all.end(), [text](auto& x) {
      return x.find(text) != std::string::npos;
    });
  }

  /// The text of the selected line.
  std::string selected() {
    for (auto& x : console.draw(size, now))
      if (x.selected)
        return x.text();
    return "";
  }
};

} // namespace peapod::console
