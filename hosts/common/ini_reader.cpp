#include "hosts/common/ini_reader.hpp"

#include <caf/detail/ini_consumer.hpp>
#include <caf/detail/parser/read_ini.hpp>
#include <caf/parser_state.hpp>
#include <caf/pec.hpp>

#include <algorithm>
#include <cctype>
#include <functional>

namespace peapod {

namespace {

using line_source = std::function<int()>;

/// The key that was begun last.
struct begun_key {
  std::string name; ///< as in `ini_entry`
  int line = 0;
  bool done = true; ///< its value has been read
};

bool is_name_character(char c) {
  return c == '-' || c == '_' || std::isalnum(static_cast<unsigned char>(c));
}

/// Takes the entries of one section from CAF's parser.
class section_consumer : public caf::detail::abstract_ini_consumer {
public:
  section_consumer(std::string section, ini_text& out, begun_key& begun,
                   line_source line)
    : section_(std::move(section)),
      out_(&out),
      begun_(&begun),
      line_(std::move(line)) {}

  section_consumer(section_consumer&& other)
    : abstract_ini_consumer(nullptr),
      section_(std::move(other.section_)),
      out_(other.out_),
      begun_(other.begun_),
      line_(std::move(other.line_)) {}

  void key(std::string name) {
    *begun_ = {section_ + "." + name, line_(), false};
  }

  void end_map() {
    // The next section has a consumer of its own.
  }

  void value_impl(caf::config_value&& x) override {
    add(begun_->name, std::move(x));
    begun_->done = true;
  }

private:
  /// `[a.b]` and `b = {...}` come as nested dictionaries.
  void add(const std::string& key, caf::config_value&& x) {
    auto* nested = caf::get_if<caf::config_value::dictionary>(&x);
    if (nested == nullptr) {
      out_->entries.push_back({key, std::move(x), begun_->line});
      return;
    }
    for (auto& [name, value] : *nested)
      add(key + "." + name, std::move(value));
  }

  std::string section_;
  ini_text* out_;
  begun_key* begun_;
  line_source line_;
};

/// Takes the sections from CAF's parser.
struct text_consumer {
  ini_text& out;
  begun_key& begun;
  line_source line;
  std::string section{};

  void key(std::string name) {
    section = std::move(name);
  }

  section_consumer begin_map() {
    return {section, out, begun, line};
  }
};

std::string words_for(caf::pec code) {
  switch (code) {
    case caf::pec::unexpected_newline:
      return "the line ends too early: a value is missing, or the closing "
             "quote of a text";
    case caf::pec::unexpected_eof:
      return "the file ends too early";
    case caf::pec::integer_overflow:
    case caf::pec::integer_underflow:
      return "the number has too many digits";
    case caf::pec::timespan_overflow:
      return "the duration is too long";
    case caf::pec::illegal_escape_sequence:
      return "after a backslash only n, r, \\ or \" may stand";
    case caf::pec::too_many_characters:
      return "text stands in double quotes, not in single ones";
    default:
      return "not expected here: a line is [section], key=value or a "
             "; comment, and text stands in double quotes";
  }
}

ini_problem problem_at(caf::pec code, int line) {
  if (code <= caf::pec::trailing_character)
    code = caf::pec::unexpected_character;
  // The parser stands behind the newline that it did not expect.
  if (code == caf::pec::unexpected_newline)
    --line;
  return {line, words_for(code)};
}

// -- what CAF's parser must not see -------------------------------------------

/// CAF's parser calls itself for every level; no key needs more than two.
constexpr size_t max_depth = 8;

/// How many characters of a number before a unit of time never overflow
/// nanoseconds, which CAF's parser does not check.
size_t max_digits(char unit) {
  switch (unit) {
    case 'u':
      return 15;
    case 'm':
      return 8;
    case 's':
      return 9;
    case 'h':
      return 6;
    default:
      return SIZE_MAX;
  }
}

/// Follows a text just enough to know what CAF's parser is in; where that one
/// sees an error and stops, it may be wrong.
class guard {
public:
  /// What is wrong with `c` after all that was taken before.
  caf::pec take(char c) {
    if (state_ == inside::comment)
      return take_comment(c);
    if (state_ == inside::text)
      return take_text(c);
    if (is_name_character(c) || c == '.')
      return take_word(c);
    return take_sign(c);
  }

private:
  enum class inside { nothing, text, comment };

  caf::pec take_comment(char c) {
    if (c == '\n')
      state_ = inside::nothing;
    return caf::pec::success;
  }

  caf::pec take_text(char c) {
    // A text does not go beyond its line; CAF's parser says so.
    if (!escaped_ && (c == '"' || c == '\n'))
      state_ = inside::nothing;
    escaped_ = !escaped_ && c == '\\';
    return caf::pec::success;
  }

  caf::pec take_word(char c) {
    if (!word_.empty() && (is_digit(word_[0]) || word_[0] == '-')
        && std::isxdigit(static_cast<unsigned char>(word_.back()))
        && word_.size() > max_digits(c))
      return caf::pec::timespan_overflow;
    // `[a.b]` is a level for each dot.
    if (c == '.')
      ++dots_;
    word_ += c;
    return check_depth();
  }

  caf::pec take_sign(char c) {
    word_.clear();
    dots_ = 0;
    if (c == '"')
      state_ = inside::text;
    else if (c == ';')
      state_ = inside::comment;
    else if (c == '[' || c == '{')
      ++depth_;
    else if ((c == ']' || c == '}') && depth_ > 0)
      --depth_;
    // No key is a URI, and in one a semicolon begins no comment.
    return c == '<' ? caf::pec::unexpected_character : check_depth();
  }

  caf::pec check_depth() const {
    return depth_ + dots_ > max_depth ? caf::pec::unexpected_character
                                      : caf::pec::success;
  }

  static bool is_digit(char c) {
    return c >= '0' && c <= '9';
  }

  inside state_ = inside::nothing;
  bool escaped_ = false;
  size_t depth_ = 0;
  size_t dots_ = 0;
  std::string word_;
};

/// Cuts off what CAF's parser must not see, and says what is wrong with it.
caf::pec cut(std::string& text) {
  guard watch;
  for (size_t i = 0; i < text.size(); ++i)
    if (auto code = watch.take(text[i]); code != caf::pec::success) {
      text.resize(i);
      return code;
    }
  return caf::pec::success;
}

// -- going on behind a problem ------------------------------------------------

/// After so many nobody reads on, and a long file of nonsense costs no more.
constexpr size_t max_problems = 64;

/// Stands for a section whose name cannot be read.
constexpr std::string_view lost_section = "[_]";

/// What CAF's parser sees, up to the first problem.
struct first_part {
  ini_text found;
  begun_key begun; ///< the last one
};

first_part read_until_problem(std::string text) {
  auto refused = cut(text);
  first_part out;
  using iterator = std::string::const_iterator;
  caf::parser_state<iterator, iterator> state{text.cbegin(), text.cend()};
  // It counts a newline when it steps onto it: never the very first one.
  if (text.starts_with('\n'))
    ++state.line;
  text_consumer consumer{out.found, out.begun,
                         [&state] { return static_cast<int>(state.line); }};
  caf::detail::parser::read_ini(state, consumer);
  if (refused != caf::pec::success && state.i == state.e
      && state.code <= caf::pec::unexpected_eof)
    state.code = refused;
  if (state.code > caf::pec::trailing_character || state.i != state.e)
    out.found.problems.push_back(
        problem_at(state.code, static_cast<int>(state.line)));
  return out;
}

/// The lines of a text, to be read and emptied by their numbers from 1 on.
class line_table {
public:
  explicit line_table(std::string_view text) {
    for (;;) {
      auto end = text.find('\n');
      lines_.emplace_back(text.substr(0, end));
      if (end == text.npos)
        return;
      text.remove_prefix(end + 1);
    }
  }

  /// Empty beyond the last one.
  std::string_view at(int line) const {
    auto i = static_cast<size_t>(line) - 1;
    return i < lines_.size() ? std::string_view{lines_[i]} : "";
  }

  void replace(int line, std::string_view by) {
    auto i = static_cast<size_t>(line) - 1;
    if (i < lines_.size())
      lines_[i] = by;
  }

  bool is_beyond(int line) const {
    return line < 1 || static_cast<size_t>(line) > lines_.size();
  }

  std::string text() const {
    std::string out;
    for (auto& x : lines_)
      out += (&x == &lines_.front() ? "" : "\n") + x;
    return out;
  }

private:
  std::vector<std::string> lines_;
};

std::string_view without_blanks(std::string_view x) {
  auto begin = x.find_first_not_of(" \t");
  x.remove_prefix(begin == x.npos ? x.size() : begin);
  auto end = x.find_last_not_of(" \t");
  return x.substr(0, end == x.npos ? 0 : end + 1);
}

/// Whether a line is like `[name]` or `name=`, as no line inside a list is.
bool begins_anew(std::string_view line) {
  line = without_blanks(line);
  bool section = line.starts_with('[');
  if (section)
    line = without_blanks(line.substr(1));
  auto is_other = [](char c) { return !is_name_character(c) && c != '.'; };
  auto end = std::ranges::find_if(line, is_other);
  if (end == line.begin())
    return false;
  auto rest = without_blanks({end, line.end()});
  return rest.starts_with(section ? ']' : '=');
}

/// What a line has behind its first `=`.
std::string_view value_in(std::string_view line) {
  auto equals = line.find('=');
  return without_blanks(equals == line.npos ? "" : line.substr(equals + 1));
}

/// Says what is wrong with the value of a key; `seen` is the line in which that
/// was seen.
void name_key(ini_problem& x, const begun_key& key, std::string_view value,
              std::string_view seen) {
  bool at_end = x.what == words_for(caf::pec::unexpected_eof);
  bool early = at_end || x.what == words_for(caf::pec::unexpected_newline);
  bool later = at_end || (x.line != key.line && begins_anew(seen));
  x.key = key.name;
  x.line = key.line;
  if (!early && x.what != words_for(caf::pec::unexpected_character))
    return;
  if (value.empty() || value.starts_with(';'))
    x.what = "a value is missing";
  else if (later && value.starts_with('['))
    x.what = "the list has no end";
  else if (early && value.find('"') != value.npos)
    x.what = "the closing quote is missing";
  else
    x.what = "it cannot be read";
}

/// Empties the lines of a key whose value cannot be read. A list that has no
/// end ends where something else begins.
void leave_out(line_table& lines, int line) {
  auto value = value_in(lines.at(line));
  bool open = value.find_first_of("[{") != value.npos;
  do {
    lines.replace(line++, "");
  } while (open && !lines.is_beyond(line) && !begins_anew(lines.at(line)));
}

/// Empties what has a problem, so that the rest can be read. False: it was
/// empty before.
bool set_aside(line_table& lines, ini_problem& problem, const begun_key& key,
               bool& complete) {
  if (!key.name.empty() && (!key.done || key.line == problem.line)) {
    name_key(problem, key, value_in(lines.at(key.line)),
             lines.at(problem.line));
    bool any = !lines.at(key.line).empty();
    leave_out(lines, key.line);
    return any;
  }
  auto line = without_blanks(lines.at(problem.line));
  if (line.empty() || line == lost_section)
    return false;
  // Only what is meant as a comment is no key for certain.
  complete = complete && line.starts_with('#');
  lines.replace(problem.line, line.starts_with('[') ? lost_section : "");
  return true;
}

} // namespace

ini_text read_ini(std::string_view text) {
  // CAF's parser takes no CR; without them its line numbers stay right.
  std::string clean{text};
  std::erase(clean, '\r');
  auto out = read_until_problem(clean);
  if (out.found.problems.empty())
    return std::move(out.found);
  line_table lines{clean};
  std::vector<ini_problem> problems;
  bool more = true;
  bool complete = true;
  while (more && !out.found.problems.empty()) {
    problems.push_back(std::move(out.found.problems.front()));
    more = set_aside(lines, problems.back(), out.begun, complete)
           && problems.size() < max_problems;
    if (more)
      out = read_until_problem(lines.text());
  }
  out.found.complete = complete && more;
  std::erase_if(out.found.entries,
                [](auto& x) { return x.key.starts_with("_."); });
  std::ranges::stable_sort(problems, {}, &ini_problem::line);
  out.found.problems = std::move(problems);
  return std::move(out.found);
}

} // namespace peapod
