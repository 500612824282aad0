#include "hosts/common/ini_reader.hpp"

#include <caf/detail/ini_consumer.hpp>
#include <caf/detail/parser/read_ini.hpp>
#include <caf/parser_state.hpp>
#include <caf/pec.hpp>

#include <algorithm>
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

} // namespace

ini_text read_ini(std::string_view text) {
  // CAF's parser takes no CR; without them its line numbers stay right.
  std::string clean{text};
  std::erase(clean, '\r');
  ini_text out;
  using iterator = std::string::const_iterator;
  caf::parser_state<iterator, iterator> state{clean.cbegin(), clean.cend()};
  text_consumer consumer{out,
                         [&state] { return static_cast<int>(state.line); }};
  caf::detail::parser::read_ini(state, consumer);
  if (state.code > caf::pec::trailing_character || state.i != state.e)
    out.problems.push_back(
        problem_at(state.code, static_cast<int>(state.line)));
  return out;
}

} // namespace peapod
