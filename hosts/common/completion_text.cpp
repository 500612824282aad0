#include "hosts/common/completion_text.hpp"

#include "hosts/common/completion_walk.hpp"

namespace peapod {

namespace completion {

namespace {

void collect(const command_entry& x, const std::string& path,
             std::vector<place>& out) {
  out.push_back({path, x});
  for (auto& below : x.commands)
    collect(below, path + "/" + below.name, out);
}

std::vector<const option_entry*> entries_of(const command_entry& x,
                                            bool arguments) {
  std::vector<const option_entry*> out;
  for (auto& option : x.options)
    if (option.is_argument() == arguments)
      out.push_back(&option);
  return out;
}

} // namespace

std::vector<place> all_places(const command_entry& program) {
  std::vector<place> out;
  collect(program, "", out);
  return out;
}

std::vector<const option_entry*> options_of(const command_entry& x) {
  return entries_of(x, false);
}

std::vector<const option_entry*> arguments_of(const command_entry& x) {
  return entries_of(x, true);
}

std::string shell_quoted(std::string_view text) {
  std::string out = "'";
  for (auto c : text)
    out += c == '\'' ? std::string{"'\\''"} : std::string{c};
  return out + "'";
}

std::string joined(const std::vector<std::string>& words,
                   std::string_view between) {
  std::string out;
  for (auto& x : words)
    out += (out.empty() ? "" : std::string{between}) + x;
  return out;
}

} // namespace completion

std::optional<completion_shell> parse_completion_shell(std::string_view name) {
  using enum completion_shell;
  return name == "bash"   ? std::optional{bash}
         : name == "zsh"  ? std::optional{zsh}
         : name == "fish" ? std::optional{fish}
                          : std::nullopt;
}

std::string completion_text(completion_shell shell,
                            const command_entry& program,
                            std::span<const std::string> keys) {
  std::vector<std::string> all{keys.begin(), keys.end()};
  switch (shell) {
    case completion_shell::bash:
      return completion::bash_script(program, all);
    case completion_shell::zsh:
      return completion::zsh_script(program, all);
    default:
      return completion::fish_script(program, all);
  }
}

} // namespace peapod
