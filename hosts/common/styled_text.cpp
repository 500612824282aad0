#include "hosts/common/styled_text.hpp"

#include "hosts/common/progress.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

namespace peapod {

namespace {

/// Select Graphic Rendition (ECMA-48) of a tone; empty for none.
std::string_view rendition(tone how) {
  constexpr std::array<std::string_view, 10> names{
      "", "2", "1", "1", "32", "33", "1;31", "32", "36"};
  constexpr std::array<std::string_view, source_tones> sources{
      "32", "36", "35", "33", "34", "31"};
  auto index = static_cast<size_t>(how);
  auto first = static_cast<size_t>(tone::source);
  return index < first ? names[index] : sources[(index - first) % source_tones];
}

std::string_view without_end(std::string_view text) {
  auto last = text.find_last_not_of(' ');
  return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

} // namespace

tone source_tone(size_t index) {
  return static_cast<tone>(static_cast<size_t>(tone::source)
                           + index % source_tones);
}

line::line(std::string text, tone how) {
  add(std::move(text), how);
}

line& line::add(std::string text, tone how) {
  if (!text.empty())
    spans.push_back({std::move(text), how});
  return *this;
}

line& line::pad_to(size_t column, size_t gap) {
  auto now = width();
  return add(std::string(std::max(gap, column > now ? column - now : 0), ' '));
}

void line::cut(size_t width) {
  size_t used = 0;
  for (size_t i = 0; i < spans.size(); ++i) {
    auto more = width_of(spans[i].text);
    if (used + more > width) {
      spans[i].text = cut_to(spans[i].text, width - used);
      spans.resize(i + 1);
      return;
    }
    used += more;
  }
}

void line::drop(size_t width) {
  for (auto& x : spans) {
    auto gone = beginning_of(x.text, width);
    width -= width_of(gone);
    x.text.erase(0, gone.size());
    if (!x.text.empty())
      return;
  }
}

size_t line::width() const {
  size_t out = 0;
  for (auto& x : spans)
    out += width_of(x.text);
  return out;
}

std::string line::text() const {
  std::string out;
  for (auto& x : spans)
    out += x.text;
  return out;
}

print_style style_of_stdout() {
  print_style out;
  out.set = stdout_is_terminal() ? use_terminal_locale() : charset::utf8;
  auto* refused = std::getenv("NO_COLOR");
  auto* terminal = std::getenv("TERM");
  out.colour = stdout_is_terminal() && (refused == nullptr || *refused == '\0')
               && terminal != nullptr && std::string_view{terminal} != "dumb";
  return out;
}

std::string to_text(const lines& content, const print_style& style) {
  std::string out;
  for (auto& x : content) {
    auto all = x.text();
    auto left = without_end(all).size();
    for (auto& piece : x.spans) {
      auto shown = std::string_view{piece.text}.substr(0, left);
      left -= shown.size();
      auto how = style.colour ? rendition(piece.how) : "";
      if (!how.empty() && !shown.empty())
        out += "\x1b[" + std::string{how} + "m";
      out += in_charset(shown, style.set);
      if (!how.empty() && !shown.empty())
        out += "\x1b[0m";
    }
    out += '\n';
  }
  return out;
}

} // namespace peapod
