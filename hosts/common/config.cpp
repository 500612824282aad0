#include "hosts/common/config.hpp"

#include "hosts/common/config_keys.hpp"
#include "hosts/common/ini_reader.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <map>
#include <set>
#include <sstream>

namespace peapod {

namespace {

const config_key* find_key(std::string_view name) {
  auto keys = config_keys();
  auto i = std::lower_bound(keys.begin(), keys.end(), name,
                            [](auto& x, auto y) { return x.name < y; });
  return i != keys.end() && i->name == name ? &*i : nullptr;
}

/// What a user may have meant by an unknown key.
std::string hint_for(std::string_view name) {
  auto section = name.substr(0, name.find('.'));
  std::string same;
  for (auto& key : config_keys())
    if (key.name.starts_with(std::string{section} + "."))
      same += (same.empty() ? "" : ", ")
              + std::string{key.name.substr(section.size() + 1)};
  if (same.empty())
    return "unknown section [" + std::string{section} + "]";
  return "unknown key; [" + std::string{section} + "] has " + same;
}

bool is_loopback(const ip_address& ip) {
  constexpr std::array<uint8_t, 16> one{0, 0, 0, 0, 0, 0, 0, 0,
                                        0, 0, 0, 0, 0, 0, 0, 1};
  auto plain = ip.unmapped();
  return plain.is_v4() ? plain.bytes()[0] == 127 : plain == ip_address{one};
}

/// Whether an upstream proxy is the one that we listen as. What an address
/// elsewhere leads to is seen when it is dialled.
bool is_own(const upstream_proxy& x, const endpoint& listen) {
  auto ip = parse_ip(x.host);
  auto here = x.host == "localhost" || x.host == listen.address
              || (ip && is_loopback(*ip));
  return here && x.port == listen.port;
}

// -- collecting ---------------------------------------------------------------

/// Fills settings entry by entry and keeps everything that is wrong.
class loader {
public:
  explicit loader(std::string file) : file_(std::move(file)) {}

  void read(std::string_view text) {
    auto parsed = read_ini(text);
    complete_ = parsed.complete;
    auto problem = parsed.problems.begin();
    auto told_until = [&](int line) {
      for (; problem != parsed.problems.end() && problem->line < line;
           ++problem)
        add(*problem);
    };
    for (auto& entry : parsed.entries) {
      told_until(entry.line);
      add(entry);
    }
    told_until(std::numeric_limits<int>::max());
  }

  /// `section.key=value` of the command line.
  void override_with(const std::string& text) {
    auto equals = text.find('=');
    auto name = text.substr(0, equals);
    auto place = "--" + name;
    auto* key = find_key(name);
    if (key == nullptr)
      return fail(place, hint_for(name));
    if (equals == std::string::npos)
      return fail(place, "write it with its value: --" + name + "=VALUE");
    places_[name] = place;
    auto value = value_of(*key, text.substr(equals + 1));
    if (!value || !key->store(settings_, *value))
      fail(place, "expected " + std::string{key->expected});
  }

  /// Rules that concern more than one key.
  void check() {
    auto& s = settings_;
    auto ip = parse_ip(s.proxy.listen.address);
    if (ip && !is_loopback(*ip) && s.proxy.allow.empty()
        && is_known("proxy.allow"))
      fail(place_of("proxy.listen"),
           "listening beyond this machine needs proxy.allow, the networks of "
           "the clients, such as [\"192.168.0.0/16\"]");
    if (s.wan.upstream.proxy && is_own(*s.wan.upstream.proxy, s.proxy.listen)
        && is_known("proxy.listen"))
      fail(place_of("wan.upstream"),
           "this is PeaPod's own proxy, proxy.listen: expected another one");
    if (!s.wan.weights.empty() && s.wan.weights.size() != s.wan.bind.size()
        && is_known("wan.bind"))
      fail(place_of("wan.weights"), "expected one number for each of the "
                                        + std::to_string(s.wan.bind.size())
                                        + " lines of wan.bind");
    if (s.pool.memory / 4 < s.pool.chunk_size && is_known("pool.memory")
        && is_known("pool.chunk-size"))
      fail(place_of("pool.memory"),
           "expected at least 4 times pool.chunk-size");
  }

  result<settings> finish() {
    if (problems_.empty())
      return std::move(settings_);
    std::string all;
    for (auto& problem : problems_)
      all += (all.empty() ? "" : "\n") + problem;
    return make_error(errc::bad_config, all);
  }

private:
  /// Whether the value of a key is what stands in the file, or its default
  /// because it does not stand there.
  bool is_known(const std::string& key) const {
    return complete_ && !unread_.contains(key);
  }

  void add(const ini_problem& problem) {
    auto place = line_place(problem.line);
    unread_.insert(problem.key);
    if (problem.key.empty())
      return fail(place, problem.what);
    if (problem.key.starts_with("global."))
      return fail_without_section(place, problem.key);
    place += ": " + problem.key;
    auto* key = find_key(problem.key);
    if (key == nullptr)
      return fail(place, hint_for(problem.key));
    fail(place, problem.what + "; expected " + std::string{key->expected}
                    + quotes_for(key->kind));
  }

  /// What somebody may have left out.
  static std::string quotes_for(value_kind kind) {
    switch (kind) {
      case value_kind::text:
        return ", in double quotes";
      case value_kind::text_list:
        return ", each in double quotes";
      default:
        return "";
    }
  }

  void add(const ini_entry& entry) {
    auto place = line_place(entry.line) + ": " + entry.key;
    auto* key = find_key(entry.key);
    if (entry.key.starts_with("global."))
      return fail_without_section(line_place(entry.line), entry.key);
    if (key == nullptr)
      return fail(place, hint_for(entry.key));
    if (auto [i, first] = places_.emplace(entry.key, place); !first)
      return fail(place, "set twice, first at "
                             + i->second.substr(0, i->second.rfind(": ")));
    if (key->store(settings_, entry.value))
      return;
    unread_.insert(entry.key);
    fail(place, "expected " + std::string{key->expected});
  }

  /// A value as it is written on the command line: text without quotes, lists
  /// without brackets.
  static std::optional<caf::config_value> value_of(const config_key& key,
                                                   std::string text) {
    auto quoted = text.size() > 1 && text.front() == '"' && text.back() == '"';
    if (key.kind == value_kind::text && !quoted)
      return caf::config_value{std::move(text)};
    auto is_list = key.kind == value_kind::text_list
                   || key.kind == value_kind::number_list;
    if (is_list && !text.starts_with('['))
      text = bracketed(text, key.kind == value_kind::text_list);
    auto parsed = read_ini("[x]\nx=" + text + "\n");
    if (!parsed.problems.empty() || parsed.entries.size() != 1)
      return std::nullopt;
    return std::move(parsed.entries.front().value);
  }

  static std::string bracketed(const std::string& text, bool quote) {
    std::string out = "[";
    std::istringstream in{text};
    for (std::string element; std::getline(in, element, ',');)
      out += (out.size() > 1 ? "," : "")
             + (quote ? "\"" + element + "\"" : element);
    return out + "]";
  }

  std::string line_place(int line) const {
    return file_ + ":" + std::to_string(line);
  }

  std::string place_of(const std::string& key) const {
    auto i = places_.find(key);
    return i != places_.end() ? i->second : file_ + ": " + key;
  }

  /// CAF's parser calls the section of such a key `global`.
  void fail_without_section(const std::string& place, const std::string& key) {
    complete_ = false;
    fail(place, key.substr(7) + ": a [section] must stand before it");
  }

  void fail(const std::string& place, const std::string& what) {
    problems_.push_back(place + ": " + what);
  }

  std::string file_;
  settings settings_;
  std::map<std::string, std::string> places_;
  std::set<std::string> unread_; ///< keys whose values are of no use
  bool complete_ = true;         ///< no key was overlooked
  std::vector<std::string> problems_;
};

// -- reading a file -----------------------------------------------------------

/// Nobody writes a larger one by hand; a device file would have no end.
constexpr size_t max_file_size = 1_MiB;

result<std::string> read_file(const std::filesystem::path& file) {
  auto unreadable = [&](const std::string& why) {
    return make_error(errc::bad_config,
                      file.string() + ": cannot be read: " + why);
  };
  std::error_code ec;
  if (std::filesystem::is_directory(file, ec))
    return unreadable("it is a folder");
  errno = 0;
  std::ifstream in{file, std::ios::binary};
  if (!in)
    return unreadable(std::strerror(errno != 0 ? errno : EIO));
  std::string out(max_file_size + 1, '\0');
  in.read(out.data(), static_cast<std::streamsize>(out.size()));
  if (in.bad())
    return unreadable(std::strerror(errno != 0 ? errno : EIO));
  out.resize(static_cast<size_t>(in.gcount()));
  if (out.size() > max_file_size)
    return unreadable("it is larger than 1 MiB");
  return out;
}

void fill_defaults(settings& s, const process_environment& env) {
  if (s.pod.name.empty())
    s.pod.name = env.host_name.empty() ? "peapod" : env.host_name.substr(0, 32);
  if (s.pod.state_dir.empty())
    s.pod.state_dir = default_state_dir(env);
  if (s.trust.secret_file.empty())
    s.trust.secret_file = s.pod.state_dir / "secret";
  if (s.console.socket.empty())
    s.console.socket = default_socket(env, s.pod.state_dir);
}

/// The value of a variable that is set and not empty.
std::optional<std::string> variable(const process_environment& env,
                                    const char* name) {
  auto out = env.variable ? env.variable(name) : std::nullopt;
  return out && !out->empty() ? out : std::nullopt;
}

} // namespace

result<settings> load_settings(const std::filesystem::path& file,
                               std::span<const std::string> overrides,
                               const process_environment& env) {
  if (file.empty())
    return parse_settings("", "command line", overrides, env);
  auto text = read_file(file);
  if (!text)
    return text.error();
  return parse_settings(*text, file.string(), overrides, env);
}

result<settings> parse_settings(std::string_view text, std::string_view name,
                                std::span<const std::string> overrides,
                                const process_environment& env) {
  loader loading{std::string{name}};
  loading.read(text);
  for (auto& x : overrides)
    loading.override_with(x);
  loading.check();
  auto out = loading.finish();
  if (out)
    fill_defaults(*out, env);
  return out;
}

process_environment process_environment::of_process() {
  process_environment out;
  out.variable = [](const char* name) -> std::optional<std::string> {
    if (auto* text = std::getenv(name))
      return text;
    return std::nullopt;
  };
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) == 0)
    out.host_name = host.data();
  out.root = ::geteuid() == 0;
  return out;
}

std::filesystem::path default_state_dir(const process_environment& env) {
  // systemd separates several folders by colons; ours is the first.
  if (auto given = variable(env, "STATE_DIRECTORY"))
    return given->substr(0, given->find(':'));
  if (env.root)
    return "/var/lib/peapod";
  if (auto xdg = variable(env, "XDG_STATE_HOME"))
    return std::filesystem::path{*xdg} / "peapod";
  auto home = variable(env, "HOME");
  return std::filesystem::path{home.value_or("/tmp")} / ".local/state/peapod";
}

std::filesystem::path default_socket(const process_environment& env,
                                     const std::filesystem::path& state_dir) {
  if (auto given = variable(env, "RUNTIME_DIRECTORY"))
    return std::filesystem::path{given->substr(0, given->find(':'))}
           / "control.sock";
  if (env.root)
    return "/run/peapod/control.sock";
  if (auto xdg = variable(env, "XDG_RUNTIME_DIR"))
    return std::filesystem::path{*xdg} / "peapod/control.sock";
  return state_dir / "control.sock";
}

std::vector<std::string> setting_names() {
  std::vector<std::string> out;
  for (auto& key : config_keys())
    out.emplace_back(key.name);
  return out;
}

} // namespace peapod
