#pragma once

#include "hosts/console/model.hpp"
#include "hosts/console/page.hpp"

#include <array>
#include <memory>
#include <optional>
#include <string>

namespace peapod::console {

/// The whole console without its terminal: takes keys and updates, gives
/// lines.
class ui : public desk {
public:
  /// `pod_view`: the actors of all devices are shown, and none is touched.
  ui(wishes& daemon, bool pod_view);
  ~ui() override;

  /// Something has come from the client.
  void apply(update x, instant now);

  /// A key was pressed. False when the user wants to quit.
  bool take(const input& x, instant now);

  /// What the screen shows: exactly `size.rows` lines, none wider than
  /// `size.columns`.
  lines draw(extent size, instant now);

  // -- for pages --------------------------------------------------------------

  model& data() override {
    return model_;
  }
  wishes& daemon() override {
    return daemon_;
  }
  instant now() const override {
    return now_;
  }
  bool is_pod_view() const override {
    return pod_view_;
  }
  void open_actor(uint64_t id) override;
  void go_back() override;
  void ask(question x) override;

private:
  static constexpr size_t help = 6;
  static constexpr size_t one_actor = 1;

  bool take_common(const input& x);
  void take_answer(const input& x);
  void take_text(const input& x);
  void answer(std::string text);
  void go_to(size_t number);
  line header(size_t columns) const;
  line tabs(size_t columns, instant now) const;
  line bottom(size_t columns, instant now) const;

  wishes& daemon_;
  bool pod_view_;
  model model_;
  instant now_{};
  std::array<std::unique_ptr<page>, 7> pages_;
  actor_page* actor_ = nullptr;
  size_t current_ = 0;
  size_t before_ = 0; ///< the page to go back to
  std::optional<question> question_;
};

/// The smallest screen that the console is made for.
constexpr extent least_extent{15, 60};

} // namespace peapod::console
