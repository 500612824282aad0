#pragma once

#include "actors/ports.hpp"
#include "hosts/common/desktop_setting.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace peapod {

/// The desktops of this user's session, or why there is none whose proxy can
/// be set.
struct session_desktops {
  std::vector<std::unique_ptr<desktop>> all;
  std::string why_none; ///< a sentence, when `all` is empty
};

/// What became of the proxy of one desktop, in a sentence.
struct desktop_report {
  std::string desktop;
  std::string text;
  bool failed = false;
  bool had_proxy = false; ///< somebody else's proxy or script gave way to ours
};

/// What users may have to do, in a sentence, when the proxy that a network lets
/// nothing out without gave way to a daemon that does not know it; else empty.
std::string upstream_hint(const desktop_report& x);

/// How the proxy of one desktop stands.
struct desktop_state {
  std::string desktop;
  proxy_setting now;
  std::string error;      ///< instead of `now`, when it cannot be read
  bool on = false;        ///< it uses the script of a PeaPod
  bool answers = false;   ///< which serves it
  bool saved = false;     ///< what stood there before is known
  bool restoring = false; ///< putting it back was cut off
};

/// Sets the proxy of all desktops of a session and puts it back. What stood
/// there is written down first, so that it can be put back after a crash, a
/// power cut, or by another process. Blocks, for some tenths of a second.
class system_proxy {
public:
  using finder = std::function<session_desktops()>;
  using probe = std::function<bool(const std::string& url)>;

  /// `find` is called whenever desktops are needed, since they come and go with
  /// their sessions; `state_dir` is where the
  /// record is kept; `answers` tells whether a PeaPod serves the script at a
  /// URL.
  system_proxy(finder find, std::filesystem::path state_dir, probe answers);

  /// Hands the proxy to the daemon that serves the script at `url`. Errors:
  /// no desktop, or no record can be written; what single desktops refuse
  /// stands in the report.
  result<std::vector<desktop_report>> switch_on(const std::string& url);

  /// The same for desktops that this object has not handed over before: they
  /// have come since, or refused. What the others hold now is their users'
  /// will.
  result<std::vector<desktop_report>> switch_on_rest(const std::string& url);

  /// Puts back what stood there; empty when there was nothing to put back.
  /// Errors: the record cannot be read or written.
  result<std::vector<desktop_report>> switch_off();

  /// The same for what the daemon that serves `url` has set: it ends.
  result<std::vector<desktop_report>> give_back(const std::string& url);

  /// The same for what a crash or a reboot has left behind, told by the daemon
  /// that serves `url`: other living ones keep what they have.
  result<std::vector<desktop_report>> recover(const std::string& url);

  std::vector<desktop_state> state();

  /// Why there were no desktops at the last look; empty when there were.
  const std::string& why_none();

private:
  using filter = std::function<bool(const saved_setting&)>;

  result<std::vector<desktop_report>> put_back(const filter& concerns,
                                               bool strays);
  result<proxy_record> load() const;
  result<void> store(const proxy_record& x) const;
  result<desktop_report> switch_one(desktop& on, proxy_record& record,
                                    const std::string& url);
  desktop_report restore_one(desktop& on, proxy_record& record);
  result<void> carry_out(desktop& on, proxy_record& record,
                         const restore_plan& plan);
  session_desktops& look();
  bool has_desktop(const std::string& name);
  bool has_record() const;

  finder find_;
  std::optional<session_desktops> desktops_; ///< as last seen
  std::set<std::string> handed_over_;
  std::filesystem::path file_;
  probe answers_;
};

} // namespace peapod
