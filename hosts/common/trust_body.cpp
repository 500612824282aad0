#include "hosts/common/control_routes.hpp"

#include <boost/json.hpp>

#include <cctype>
#include <utility>

/// How the words that a person has compared travel.
namespace peapod {

namespace {

namespace json = boost::json;

constexpr size_t max_words = 8;
constexpr size_t max_word = 32;

control_refusal bad_code() {
  return {400, "the body must be empty or like {\"code\":[\"organ\",\"knob\","
               "\"tile\",\"serpent\"]}"};
}

} // namespace

std::vector<std::string> compared_words(const std::vector<std::string>& typed) {
  std::vector<std::string> out;
  for (auto& x : typed) {
    bool begins = true;
    for (unsigned char c : x) {
      if (std::isspace(c) != 0) {
        begins = true;
        continue;
      }
      if (std::exchange(begins, false))
        out.emplace_back();
      out.back() += static_cast<char>(std::tolower(c));
    }
  }
  return out;
}

std::string trust_body(const std::vector<std::string>& code) {
  if (code.empty())
    return "";
  return json::serialize(
      json::object{{"code", json::array(code.begin(), code.end())}});
}

or_refusal<std::vector<std::string>> parse_trust_body(std::string_view body) {
  if (body.empty())
    return std::vector<std::string>{};
  boost::system::error_code ec;
  auto parsed = json::parse(json::string_view{body.data(), body.size()}, ec);
  if (ec || !parsed.is_object() || parsed.get_object().size() != 1)
    return bad_code();
  auto* code = parsed.get_object().if_contains("code");
  if (code == nullptr || !code->is_array()
      || code->get_array().size() > max_words)
    return bad_code();
  std::vector<std::string> out;
  for (auto& x : code->get_array()) {
    if (!x.is_string() || x.get_string().empty()
        || x.get_string().size() > max_word)
      return bad_code();
    out.emplace_back(x.get_string().data(), x.get_string().size());
  }
  auto words = compared_words(out);
  if (words.size() != out.size())
    return bad_code();
  return words;
}

} // namespace peapod
