#include "core/http_message.hpp"

#include "core/http_semantics.hpp"

#include <algorithm>

namespace peapod {

namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// A list member without its parameters, as in `chunked;q=1`.
std::string_view without_parameters(std::string_view member) {
  auto name = member.substr(0, member.find(';'));
  while (!name.empty() && (name.back() == ' ' || name.back() == '\t'))
    name.remove_suffix(1);
  return name;
}

} // namespace

bool equal_ignoring_case(std::string_view x, std::string_view y) {
  auto same = [](char a, char b) { return lower(a) == lower(b); };
  return std::equal(x.begin(), x.end(), y.begin(), y.end(), same);
}

std::optional<std::string_view> http_fields::find(std::string_view name) const {
  for (auto& field : fields_)
    if (equal_ignoring_case(field.name, name))
      return field.value;
  return std::nullopt;
}

std::string http_fields::joined(std::string_view name) const {
  std::string out;
  bool first = true;
  for (auto& field : fields_) {
    if (!equal_ignoring_case(field.name, name))
      continue;
    if (!first)
      out += ", ";
    out += field.value;
    first = false;
  }
  return out;
}

size_t http_fields::count(std::string_view name) const {
  auto named = [name](auto& x) { return equal_ignoring_case(x.name, name); };
  return static_cast<size_t>(std::ranges::count_if(fields_, named));
}

bool http_fields::has_token(std::string_view name,
                            std::string_view token) const {
  for (auto& field : fields_) {
    if (!equal_ignoring_case(field.name, name))
      continue;
    for (auto member : list_members(field.value))
      if (equal_ignoring_case(without_parameters(member), token))
        return true;
  }
  return false;
}

void http_fields::add(std::string name, std::string value) {
  // Most messages have this many.
  if (fields_.empty())
    fields_.reserve(8);
  fields_.push_back({std::move(name), std::move(value)});
}

void http_fields::set(std::string name, std::string value) {
  auto named = [&name](auto& x) { return equal_ignoring_case(x.name, name); };
  auto first = std::ranges::find_if(fields_, named);
  if (first == fields_.end())
    return add(std::move(name), std::move(value));
  first->value = std::move(value);
  auto rest = std::remove_if(first + 1, fields_.end(), named);
  fields_.erase(rest, fields_.end());
  first->name = std::move(name);
}

void http_fields::erase(std::string_view name) {
  // `name` may point into the very field that goes away.
  std::string copy{name};
  std::erase_if(fields_,
                [&copy](auto& x) { return equal_ignoring_case(x.name, copy); });
}

} // namespace peapod
