#pragma once

#include "core/types.hpp"
#include "hosts/common/styled_text.hpp"
#include "hosts/console/model.hpp"
#include "hosts/console/updates.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace peapod::console {

/// A key, whatever terminal it came from.
struct input {
  enum class key {
    character,
    up,
    down,
    left,
    right,
    page_up,
    page_down,
    home,
    end,
    enter,
    escape,
    backspace,
    tab,
    back_tab,
    other,
  };

  key what = key::other;
  char32_t character = 0;

  bool is(char32_t c) const {
    return what == key::character && character == c;
  }
};

/// Rows and columns.
struct extent {
  size_t rows = 24;
  size_t columns = 80;
};

/// What is asked in the bottom line.
struct question {
  enum class kind {
    yes_no, ///< `y` answers `y`; everything else takes it back
    choice, ///< one of the keys in `choices`
    text,   ///< a line, ended by Enter
  };

  kind what = kind::yes_no;
  std::string text;
  std::string choices;
  std::string answer; ///< what stands there at the beginning
  std::function<void(const std::string&)> answered;
  /// Called at each change of a text, so that a filter acts at once.
  std::function<void(const std::string&)> changed;
};

/// What pages can do besides showing something.
class desk {
public:
  virtual ~desk() = default;

  virtual model& data() = 0;
  virtual wishes& daemon() = 0;
  virtual instant now() const = 0;
  /// Whether the actors of all devices are shown, which cannot be touched.
  virtual bool is_pod_view() const = 0;
  virtual void open_actor(uint64_t id) = 0;
  virtual void go_back() = 0;
  virtual void ask(question x) = 0;
};

/// One page of the console, below the header and above the bottom line.
class page {
public:
  virtual ~page() = default;

  /// At most `size.rows` lines. Settles what is selected and scrolled.
  virtual lines draw(const model& data, extent size, instant now) = 0;

  /// Whether the key means something here.
  virtual bool take(const input& x, desk& where) = 0;

  /// The keys that are worth naming in the bottom line, the most useful first.
  virtual std::vector<std::string> hints() const = 0;
};

std::unique_ptr<page> make_actors_page();
std::unique_ptr<page> make_crashes_page();
std::unique_ptr<page> make_peers_page();
std::unique_ptr<page> make_transfers_page();
std::unique_ptr<page> make_events_page();
std::unique_ptr<page> make_help_page();

/// The page of one actor; which one is told later.
class actor_page : public page {
public:
  /// Nothing for no actor.
  virtual void show(std::optional<uint64_t> id) = 0;
  virtual std::optional<uint64_t> shown() const = 0;
};
std::unique_ptr<actor_page> make_actor_page();

/// What kill, restart and fault do with an actor, on whichever page it was
/// chosen. Whether the key was one of theirs.
bool take_actor_key(const input& x, const std::optional<control::actor>& chosen,
                    desk& where);

/// Asks for a filter and hands over each change.
void ask_filter(desk& where, const std::string& before,
                std::function<void(const std::string&)> changed);

} // namespace peapod::console
