#include "hosts/common/command_table.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <string_view>

namespace peapod {

namespace {

/// The words between braces, as in `TEXT:{a,b}`.
std::vector<std::string> choices_of(std::string_view type) {
  std::vector<std::string> out;
  auto begin = type.find('{');
  auto end = type.find('}', begin);
  if (begin == std::string_view::npos || end == std::string_view::npos)
    return out;
  auto rest = type.substr(begin + 1, end - begin - 1);
  while (!rest.empty()) {
    auto comma = std::min(rest.find(','), rest.size());
    out.emplace_back(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return out;
}

bool is_path(std::string_view name) {
  constexpr std::array<std::string_view, 3> paths{"FILE", "PATH", "FOLDER"};
  return std::ranges::find(paths, name) != paths.end();
}

option_entry describe(const CLI::Option& x) {
  option_entry out;
  for (auto& name : x.get_snames())
    out.names.push_back("-" + name);
  for (auto& name : x.get_lnames())
    out.names.push_back("--" + name);
  out.description = x.get_description();
  out.initially = x.get_default_str();
  out.required = x.get_required();
  out.many =
      x.get_items_expected_max() >= CLI::detail::expected_max_vector_size;
  // A flag takes no value.
  if (x.get_items_expected_max() == 0)
    return out;
  auto type = x.get_type_name();
  out.choices = choices_of(type);
  auto name = type.substr(0, type.find(':'));
  out.value = out.is_argument() ? x.get_name(true) : name;
  out.help = !out.choices.empty()                  ? value_help::choices
             : is_path(name) || is_path(out.value) ? value_help::file
                                                   : value_help::text;
  return out;
}

} // namespace

command_entry describe(const CLI::App& app) {
  command_entry out{app.get_name(), app.get_description(), {}, {}};
  // What is of no group is not shown in help either.
  for (auto* x : app.get_options())
    if (!x->get_group().empty())
      out.options.push_back(describe(*x));
  auto shown = [](const CLI::App* x) { return !x->get_group().empty(); };
  for (auto* x : app.get_subcommands(shown))
    out.commands.push_back(describe(*x));
  return out;
}

} // namespace peapod
