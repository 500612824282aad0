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

/// Takes the entries of one section from CAF's parser.
class section_consumer : public caf::detail::abstract_ini_consumer {
public:
  section_consumer(std::string section, ini_text& out, line_source line)
    : section_(std::move(section)), out_(&out), line_(std::move(line)) {}

  section_consumer(section_consumer&& other)
    : abstract_ini_consumer(nullptr),
      section_(std::move(other.section_)),
      out_(other.out_),
      line_(std::move(other.line_)),
      key_(std::move(other.key_)),
      key_line_(other.key_line_) {}

  void key(std::string name) {
    key_ = std::move(name);
    key_line_ = line_();
  }

  void end_map() {
    // The next section has a consumer of its own.
  }

  void value_impl(caf::config_value&& x) override {
    add(section_ + "." + key_, std::move(x));
  }

private:
  /// `[a.b]` and `b = {...}` come as nested dictionaries.
  void add(const std::string& key, caf::config_value&& x) {
    auto* nested = caf::get_if<caf::config_value::dictionary>(&x);
    if (nested == nullptr) {
      out_->entries.push_back({key, std::move(x), key_line_});
      return;
    }
    for (auto& [name, value] : *nested)
      add(key + "." + name, std::move(value));
  }

  std::string section_;
  ini_text* out_;
  line_source line_;
  std::string key_;
  int key_line_ = 0;
};

/// Takes the sections from CAF's parser.
struct text_consumer {
  ini_text& out;
  line_source line;
  std::string section{};

  void key(std::string name) {
    section = std::move(name);
  }

  section_consumer begin_map() {
    return {section, out, line};
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

  static bool is_name_character(char c) {
    return c == '-' || c == '_' || std::isalnum(static_cast<unsigned char>(c));
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

} // namespace

ini_text read_ini(std::string_view text) {
  // CAF's parser takes no CR; without them its line numbers stay right.
  std::string clean{text};
  std::erase(clean, '\r');
  auto refused = cut(clean);
  ini_text out;
  using iterator = std::string::const_iterator;
  caf::parser_state<iterator, iterator> state{clean.cbegin(), clean.cend()};
  // It counts a newline when it steps onto it: never the very first one.
  if (clean.starts_with('\n'))
    ++state.line;
  text_consumer consumer{out,
                         [&state] { return static_cast<int>(state.line); }};
  caf::detail::parser::read_ini(state, consumer);
  if (refused != caf::pec::success && state.i == state.e
      && state.code <= caf::pec::unexpected_eof)
    state.code = refused;
  if (state.code > caf::pec::trailing_character || state.i != state.e)
    out.problems.push_back(
        problem_at(state.code, static_cast<int>(state.line)));
  return out;
}

} // namespace peapod
