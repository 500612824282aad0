#include "hosts/common/terminal_text.hpp"

#include <langinfo.h>
#include <locale.h>
#include <wchar.h>

#include <algorithm>
#include <array>
#include <utility>

namespace peapod {

namespace {

constexpr char32_t malformed = 0xffffffff;

/// Takes one code point from the front of `text`; `malformed` takes one byte.
char32_t take(std::string_view& text) {
  auto lead = static_cast<unsigned char>(text.front());
  size_t size = lead < 0x80                   ? 1
                : lead >= 0xc2 && lead < 0xe0 ? 2
                : lead >= 0xe0 && lead < 0xf0 ? 3
                : lead >= 0xf0 && lead < 0xf5 ? 4
                                              : 0;
  constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
  char32_t out = size < 2 ? lead : lead & (0xff >> (size + 1));
  bool valid = size > 0 && size <= text.size();
  for (size_t i = 1; valid && i < size; ++i) {
    auto next = static_cast<unsigned char>(text[i]);
    valid = (next & 0xc0) == 0x80;
    out = (out << 6) | (next & 0x3f);
  }
  valid = valid && out >= least[size] && out <= 0x10ffff
          && !(out >= 0xd800 && out < 0xe000);
  text.remove_prefix(valid ? size : 1);
  return valid ? out : malformed;
}

/// Columns of a code point, independent of the process's locale; negative for
/// what is not printable.
int columns_of(char32_t x) {
  if (x >= 0x20 && x < 0x7f)
    return 1;
  static const locale_t unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  if (unicode == nullptr)
    return x < 0xa0 ? -1 : 1;
  auto before = uselocale(unicode);
  auto out = ::wcwidth(static_cast<wchar_t>(x));
  uselocale(before);
  return out;
}

/// Invisible characters that reorder, join or tag others: what is read would
/// not be what is there.
bool is_invisible(char32_t x) {
  constexpr std::array<std::pair<char32_t, char32_t>, 9> ranges{{
      {0xad, 0xad},
      {0x61c, 0x61c},
      {0x180e, 0x180e},
      {0x200b, 0x200f},
      {0x2028, 0x202e},
      {0x2060, 0x206f},
      {0xfeff, 0xfeff},
      {0xfff9, 0xfffb},
      {0xe0000, 0xe0fff},
  }};
  return std::any_of(ranges.begin(), ranges.end(), [x](auto& range) {
    return x >= range.first && x <= range.second;
  });
}

/// Signs of ours that ASCII has something similar for.
char ascii_for(char32_t x) {
  switch (x) {
    case U'▁':
      return '_';
    case U'▂':
      return '.';
    case U'▃':
      return ':';
    case U'▄':
      return '-';
    case U'▅':
      return '=';
    case U'▆':
      return '+';
    case U'▇':
      return '*';
    case U'█':
      return '#';
    case U'░':
    case U'·':
      return '.';
    case U'│':
    case U'├':
      return '|';
    case U'└':
      return '`';
    case U'─':
      return '-';
    case U'●':
      return '*';
    case U'○':
      return 'o';
    case U'▸':
    case U'→':
      return '>';
    case U'↑':
      return '^';
    case U'↓':
      return 'v';
    case U'…':
      return '~';
    default:
      return '?';
  }
}

} // namespace

charset use_terminal_locale() {
  setlocale(LC_CTYPE, "");
  std::string_view name = nl_langinfo(CODESET);
  return name == "UTF-8" || name == "utf8" ? charset::utf8 : charset::ascii;
}

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  // A tower of marks on one letter would reach into other lines.
  unsigned marks = 0;
  while (!text.empty()) {
    auto before = text;
    auto x = take(text);
    auto columns = x == malformed || is_invisible(x) ? -1 : columns_of(x);
    marks = columns == 0 ? marks + 1 : 0;
    if (x == '\n' || x == '\t')
      out += ' ';
    else if (columns < 0 || (columns == 0 && (marks > 2 || out.empty())))
      out += '?';
    else
      out += before.substr(0, before.size() - text.size());
  }
  return out;
}

size_t width_of(std::string_view text) {
  size_t out = 0;
  while (!text.empty())
    out += static_cast<size_t>(std::max(columns_of(take(text)), 0));
  return out;
}

std::string_view beginning_of(std::string_view text, size_t width) {
  auto rest = text;
  size_t used = 0;
  while (!rest.empty()) {
    auto before = rest;
    used += static_cast<size_t>(std::max(columns_of(take(rest)), 0));
    if (used > width)
      return text.substr(0, text.size() - before.size());
  }
  return text;
}

std::string cut_to(std::string_view text, size_t width) {
  if (beginning_of(text, width).size() == text.size())
    return std::string{text};
  if (width == 0)
    return "";
  return std::string{beginning_of(text, width - 1)} + "…";
}

std::string fit_to(std::string_view text, size_t width, bool right) {
  auto out = cut_to(text, width);
  out.insert(right ? 0 : out.size(), width - width_of(out), ' ');
  return out;
}

std::string in_charset(std::string_view text, charset set) {
  if (set == charset::utf8)
    return std::string{text};
  std::string out;
  while (!text.empty()) {
    auto x = take(text);
    if (x < 0x80)
      out += static_cast<char>(x);
    else
      out.append(static_cast<size_t>(std::max(columns_of(x), 0)), ascii_for(x));
  }
  return out;
}

} // namespace peapod
