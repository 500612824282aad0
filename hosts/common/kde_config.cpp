#include "hosts/common/kde_config.hpp"

#include <utility>
#include <vector>

namespace peapod {

namespace {

std::string_view trimmed(std::string_view x) {
  constexpr auto blank = " \t\r";
  auto begin = x.find_first_not_of(blank);
  if (begin == std::string_view::npos)
    return {};
  return x.substr(begin, x.find_last_not_of(blank) - begin + 1);
}

/// Lines without their ends.
std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    auto end = text.find('\n');
    out.push_back(text.substr(0, end));
    text = end == std::string_view::npos ? "" : text.substr(end + 1);
  }
  return out;
}

/// What a line is, as far as one group and one key are concerned.
enum class line_kind { other, this_group, other_group, entry };

struct line_facts {
  line_kind kind = line_kind::other;
  bool immutable = false;
  std::string_view value;
  std::string_view options;
};

bool is_immutable(std::string_view options) {
  auto at = options.find("[$");
  return at != std::string_view::npos
         && options.substr(at, options.find(']', at) - at).find('i')
                != std::string_view::npos;
}

/// `[Group]`, perhaps with `[$i]` behind it; `[Group][Sub]` is another group.
line_facts group_facts(std::string_view line, std::string_view group) {
  auto name = "[" + std::string{group} + "]";
  if (!line.starts_with(name))
    return {line_kind::other_group, false, {}, {}};
  auto rest = line.substr(name.size());
  if (!rest.empty() && !rest.starts_with("[$"))
    return {line_kind::other_group, false, {}, {}};
  return {line_kind::this_group, is_immutable(rest), {}, {}};
}

line_facts facts_of(std::string_view raw, std::string_view group,
                    std::string_view key) {
  auto line = trimmed(raw);
  if (line.starts_with('['))
    return group_facts(line, group);
  auto equals = line.find('=');
  if (equals == std::string_view::npos || line.starts_with('#'))
    return {};
  auto name = trimmed(line.substr(0, equals));
  if (!name.starts_with(key))
    return {};
  auto rest = name.substr(key.size());
  if (!rest.empty() && !rest.starts_with("[$"))
    return {};
  return {line_kind::entry, is_immutable(rest),
          trimmed(line.substr(equals + 1)), rest};
}

/// Lines to be joined again.
class rewriting {
public:
  void add(std::string_view line) {
    text_ += line;
    text_ += '\n';
  }
  std::string take() {
    return std::move(text_);
  }

private:
  std::string text_;
};

error locked(std::string_view what) {
  return make_error(errc::not_allowed, std::string{what}
                                           + " is locked by the administrator "
                                             "([$i])");
}

} // namespace

std::optional<kde_value>
kde_entry(std::string_view text, std::string_view group, std::string_view key) {
  std::optional<kde_value> out;
  bool inside = false;
  for (auto line : lines_of(text)) {
    auto facts = facts_of(line, group, key);
    if (facts.kind == line_kind::this_group)
      inside = true;
    else if (facts.kind == line_kind::other_group)
      inside = false;
    else if (facts.kind == line_kind::entry && inside)
      out = {std::string{facts.value}, std::string{facts.options}};
  }
  return out;
}

result<std::string> with_kde_entry(std::string_view text,
                                   std::string_view group, std::string_view key,
                                   const kde_value& value) {
  auto entry = std::string{key} + value.options + "=" + value.text;
  rewriting out;
  bool inside = false;
  bool written = value.text.empty();
  for (auto line : lines_of(text)) {
    auto facts = facts_of(line, group, key);
    bool ours = facts.kind == line_kind::this_group
                || (inside && facts.kind == line_kind::entry);
    if (ours && facts.immutable)
      return locked(key);
    if (facts.kind == line_kind::other_group)
      inside = false;
    if (inside && facts.kind == line_kind::entry)
      continue;
    out.add(line);
    if (facts.kind != line_kind::this_group)
      continue;
    inside = true;
    if (!std::exchange(written, true))
      out.add(entry);
  }
  if (!written) {
    if (!text.empty())
      out.add("");
    out.add("[" + std::string{group} + "]");
    out.add(entry);
  }
  return out.take();
}

} // namespace peapod
