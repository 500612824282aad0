#pragma once

#include "core/error.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What a desktop is told about its proxy, what it was told before, and whose
/// turn it is: pure decisions, without a desktop.
namespace peapod {

/// The two keys that matter, as the desktop writes them; empty: not set.
struct proxy_setting {
  std::string mode;   ///< which of the desktop's ways is in use
  std::string script; ///< URL of a proxy auto-configuration script
  /// How the desktop reads them, as `[$e]` of KDE: to be put back along.
  std::string mode_options{};
  std::string script_options{};

  bool operator==(const proxy_setting&) const = default;
};

/// A desktop whose proxy can be set.
class desktop {
public:
  virtual ~desktop() = default;

  /// As in `GNOME`.
  virtual std::string name() const = 0;

  /// The mode that uses the script, and the one that uses no proxy.
  virtual std::string script_mode() const = 0;
  virtual std::string direct_mode() const = 0;

  virtual result<proxy_setting> read() = 0;

  /// Errors also when the desktop took it and did not keep it.
  virtual result<void> write(const proxy_setting& x) = 0;

  /// The same for what stood there before we wrote: where the desktop tells
  /// defaults from what users set, a default stays one.
  virtual result<void> put_back(const proxy_setting& x) {
    return write(x);
  }
};

/// The setting of one desktop before we changed it, and what we made of it.
struct saved_setting {
  std::string desktop; ///< its name
  proxy_setting before;
  /// What we set, latest first. More than one only until the latest is known
  /// to be in place.
  std::vector<proxy_setting> ours;
  /// Putting back has begun: where a desktop goes through other settings on its
  /// way, as through its defaults, it may hold one of them.
  bool restoring = false;

  bool operator==(const saved_setting&) const = default;
};

/// Of all desktops.
using proxy_record = std::vector<saved_setting>;

/// The record's file, and back. Errors: `bad_config`.
std::string record_text(const proxy_record& x);
result<proxy_record> parse_record(std::string_view text);

/// Whether `url` is the script of a PeaPod on this machine.
bool is_pod_script(std::string_view url);

/// Whether the desktop holds what we set, wholly or, after a crash between two
/// keys, in part: nobody else has changed it.
bool is_held(const proxy_setting& now, const saved_setting& saved);

/// The modes of a desktop, by what they do.
struct proxy_modes {
  std::string script;
  std::string direct;
};

/// How to hand the proxy to the script at `url`: what to keep first. `answers`
/// tells whether a PeaPod serves another script. Error: `not_allowed` when a
/// living one has the proxy.
result<saved_setting> plan_switch_on(const proxy_setting& now,
                                     const std::optional<saved_setting>& saved,
                                     const proxy_modes& modes,
                                     const std::string& url, bool answers);

/// What there was to put back.
enum class restoration {
  nothing,      ///< the proxy was not ours
  already_back, ///< somebody has put it back already
  put_back,     ///< write what stood there before
  changed,      ///< the user has changed it since: it stays
  orphaned,     ///< ours, but what stood there before is not known: no proxy
  other_pod,    ///< a living PeaPod that keeps its record elsewhere has it
};

/// How to give the proxy back.
struct restore_plan {
  restoration what = restoration::nothing;
  std::optional<proxy_setting> write;

  bool operator==(const restore_plan&) const = default;
};

/// `answers` tells whether a PeaPod serves the script that is set now.
restore_plan plan_restore(const proxy_setting& now,
                          const std::optional<saved_setting>& saved,
                          const proxy_modes& modes, bool answers);

} // namespace peapod
