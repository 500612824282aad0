#include "hosts/linux/desktops_linux.hpp"

#include "hosts/common/kde_config.hpp"
#include "hosts/common/state_file.hpp"

#include <filesystem>
#include <utility>

namespace peapod {

namespace {

namespace fs = std::filesystem;

/// The value of a variable that is set and not empty.
std::optional<std::string> variable(const process_environment& env,
                                    const char* name) {
  auto out = env.variable ? env.variable(name) : std::nullopt;
  return out && !out->empty() ? out : std::nullopt;
}

/// Whether a message can reach the other programs of the session.
bool has_session_bus(const process_environment& env) {
  if (variable(env, "DBUS_SESSION_BUS_ADDRESS"))
    return true;
  auto runtime = variable(env, "XDG_RUNTIME_DIR");
  std::error_code ec;
  return runtime && fs::exists(fs::path{*runtime} / "bus", ec);
}

std::string first_line(std::string_view text) {
  while (text.starts_with('\n'))
    text.remove_prefix(1);
  return std::string{text.substr(0, text.find('\n'))};
}

// -- GSettings ----------------------------------------------------------------

constexpr auto schema = "org.gnome.system.proxy";
constexpr auto mode_key = "mode";
constexpr auto script_key = "autoconfig-url";

/// A value as GVariant text, kept as it is unless it is plain text.
std::string plain(std::string text) {
  while (text.ends_with('\n'))
    text.pop_back();
  bool quoted = text.size() >= 2 && text.front() == '\'' && text.back() == '\'';
  bool simple = text.find('\\') == std::string::npos;
  return quoted && simple ? text.substr(1, text.size() - 2) : text;
}

/// Text in quotes already is GVariant text.
std::string gvariant(const std::string& text) {
  bool is_raw = text.starts_with('\'') || text.starts_with('"');
  return is_raw ? text : "'" + text + "'";
}

class gsettings_desktop final : public desktop {
public:
  gsettings_desktop(bool has_bus, program_runner run)
    : has_bus_(has_bus), run_(std::move(run)) {}

  std::string name() const override {
    return "GNOME";
  }
  std::string script_mode() const override {
    return "auto";
  }
  std::string direct_mode() const override {
    return "none";
  }

  result<proxy_setting> read() override {
    auto mode = read_key(mode_key);
    if (!mode)
      return mode.error();
    auto script = read_key(script_key);
    if (!script)
      return script.error();
    return proxy_setting{*mode, *script};
  }

  result<void> write(const proxy_setting& x) override {
    return change(x, &gsettings_desktop::write_key);
  }

  result<void> put_back(const proxy_setting& x) override {
    return change(x, &gsettings_desktop::restore_key);
  }

private:
  using key_writer = result<void> (gsettings_desktop::*)(const char*,
                                                         const std::string&);

  /// The mode is in force only while there is a script to it.
  result<void> change(const proxy_setting& x, key_writer write) {
    bool on = x.mode == script_mode();
    std::pair mode{mode_key, x.mode};
    std::pair script{script_key, x.script};
    for (auto& [key, value] : {on ? script : mode, on ? mode : script})
      if (auto done = (this->*write)(key, value); !done)
        return done;
    // Without a place to keep it, gsettings says that all is well.
    auto now = read();
    if (now && *now == x)
      return {};
    return make_error(errc::io_failed, "did not keep the setting" + hint());
  }

  result<std::string> read_key(const char* key) {
    auto done = run_({"gsettings", "get", schema, key});
    if (!done)
      return done.error();
    if (done->status != 0)
      return make_error(errc::io_failed, "gsettings: " + first_line(done->err));
    return plain(done->out);
  }

  result<void> write_key(const char* key, const std::string& value) {
    return tell({"gsettings", "set", schema, key, gvariant(value)});
  }

  /// A user who never set the key follows the administrator's default again,
  /// also when that changes. Only what is no default is written.
  result<void> restore_key(const char* key, const std::string& value) {
    if (auto done = tell({"gsettings", "reset", schema, key}); !done)
      return done;
    auto now = read_key(key);
    return now && *now == value ? result<void>{} : write_key(key, value);
  }

  result<void> tell(const std::vector<std::string>& words) {
    auto done = run_(words);
    if (!done)
      return done.error();
    if (done->status != 0)
      return make_error(errc::io_failed,
                        "gsettings: " + first_line(done->err) + hint());
    said_ = first_line(done->err);
    return {};
  }

  std::string hint() const {
    auto said = said_.empty() ? "" : " (gsettings: " + said_ + ")";
    return has_bus_ ? said
                    : said
                          + ": there is no session bus here; run this as the "
                            "user of the desktop, inside its session";
  }

  bool has_bus_;
  program_runner run_;
  std::string said_;
};

/// Nothing, with the reason, where GSettings knows no proxy.
result<std::unique_ptr<desktop>> find_gsettings(const process_environment& env,
                                                const program_runner& run) {
  auto done = run({"gsettings", "writable", schema, mode_key});
  if (!done)
    return done.error();
  if (done->status != 0)
    return make_error(errc::not_found,
                      "gsettings: " + first_line(done->err)
                          + " (gsettings-desktop-schemas has it)");
  if (plain(done->out) != "true")
    return make_error(errc::not_allowed, "the administrator has locked the "
                                         "proxy setting of GNOME");
  return std::unique_ptr<desktop>{
      std::make_unique<gsettings_desktop>(has_session_bus(env), run)};
}

// -- KDE ----------------------------------------------------------------------

constexpr auto kde_group = "Proxy Settings";
constexpr auto kde_mode = "ProxyType";
constexpr auto kde_script = "Proxy Config Script";

/// Tells KDE's programs to read their setting anew.
const std::vector<std::string>& kde_signal() {
  static const std::vector<std::string> words{
      "dbus-send",
      "--session",
      "--type=signal",
      "/KIO/Scheduler",
      "org.kde.KIO.Scheduler.reparseSlaveConfiguration",
      "string:"};
  return words;
}

class kde_desktop final : public desktop {
public:
  kde_desktop(fs::path file, bool has_bus, program_runner run)
    : file_(std::move(file)), has_bus_(has_bus), run_(std::move(run)) {}

  std::string name() const override {
    return "KDE";
  }
  std::string script_mode() const override {
    return "2";
  }
  std::string direct_mode() const override {
    return "0";
  }

  result<proxy_setting> read() override {
    auto text = read_state_file(file_);
    if (!text)
      return text.error();
    auto content = text->value_or("");
    auto mode = kde_entry(content, kde_group, kde_mode).value_or(kde_value{});
    auto script =
        kde_entry(content, kde_group, kde_script).value_or(kde_value{});
    return proxy_setting{mode.text, script.text, mode.options, script.options};
  }

  result<void> write(const proxy_setting& x) override {
    auto text = read_state_file(file_);
    if (!text)
      return text.error();
    auto content = text->value_or("");
    for (auto& [key, value] :
         {std::pair{kde_mode, kde_value{x.mode, x.mode_options}},
          std::pair{kde_script, kde_value{x.script, x.script_options}}}) {
      auto changed = with_kde_entry(content, kde_group, key, value);
      if (!changed)
        return make_error(changed.error().code,
                          file_.string() + ": " + changed.error().detail);
      content = std::move(*changed);
    }
    if (auto written = replace_file(file_, content); !written)
      return written;
    tell_programs();
    return {};
  }

private:
  /// Programs that run read the file anew. Those that start later do anyway,
  /// so it does not matter whether this succeeds.
  void tell_programs() const {
    if (has_bus_)
      static_cast<void>(run_(kde_signal()));
  }

  fs::path file_;
  bool has_bus_;
  program_runner run_;
};

result<std::unique_ptr<desktop>> find_kde(const process_environment& env,
                                          const program_runner& run) {
  auto config = variable(env, "XDG_CONFIG_HOME");
  auto home = variable(env, "HOME");
  if (!config && !home)
    return make_error(errc::not_found, "neither HOME nor XDG_CONFIG_HOME is "
                                       "set");
  auto folder = config ? fs::path{*config} : fs::path{*home} / ".config";
  auto file = folder / "kioslaverc";
  auto current = variable(env, "XDG_CURRENT_DESKTOP").value_or("");
  std::error_code ec;
  bool runs = current.find("KDE") != std::string::npos
              || variable(env, "KDE_FULL_SESSION");
  if (!runs && !fs::exists(file, ec))
    return make_error(errc::not_found, "no KDE session");
  return std::unique_ptr<desktop>{
      std::make_unique<kde_desktop>(file, has_session_bus(env), run)};
}

} // namespace

session_desktops find_desktops(const process_environment& env,
                               program_runner run) {
  session_desktops out;
  // With sudo these would be root's settings, which no desktop reads.
  if (env.root && (variable(env, "SUDO_USER") || variable(env, "PKEXEC_UID"))) {
    out.why_none = "the system's proxy is a setting of each user: run this "
                   "without sudo, as the user of the desktop";
    return out;
  }
  auto gnome = find_gsettings(env, run);
  auto kde = find_kde(env, run);
  if (gnome)
    out.all.push_back(std::move(*gnome));
  if (kde)
    out.all.push_back(std::move(*kde));
  if (out.all.empty())
    out.why_none = "no desktop whose proxy PeaPod can set was found (GNOME: "
                   + gnome.error().detail + "; KDE: " + kde.error().detail
                   + "); use peapod proxy env, or give your browser the "
                     "script that peapod proxy status names";
  return out;
}

bool is_for_desktops(const std::vector<std::string>& words) {
  if (words == kde_signal())
    return true;
  if (words.size() < 4 || words[0] != "gsettings" || words[2] != schema
      || (words[3] != mode_key && words[3] != script_key))
    return false;
  bool is_short =
      words[1] == "get" || words[1] == "writable" || words[1] == "reset";
  return is_short ? words.size() == 4 : words[1] == "set" && words.size() == 5;
}

} // namespace peapod
