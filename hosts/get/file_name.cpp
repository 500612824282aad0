#include "hosts/get/file_name.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>

namespace peapod {

std::string safe_name(std::string_view name) {
  std::string out;
  for (char c : name) {
    auto u = static_cast<unsigned char>(c);
    out += u < 0x20 || u == 0x7f || c == '/' || c == '\\' ? '_' : c;
  }
  auto visible = out.find_first_not_of('.');
  if (visible == std::string::npos)
    return {};
  out.erase(0, visible);
  if (out.size() > max_name_size) {
    auto cut = max_name_size;
    while (cut > 0 && (static_cast<unsigned char>(out[cut]) & 0xc0) == 0x80)
      --cut;
    out.resize(cut);
  }
  return out;
}

std::string name_of(const url& x) {
  auto path = x.target.substr(0, x.target.find('?'));
  auto last = path.substr(path.rfind('/') + 1);
  auto out = safe_name(percent_decoded(last).value_or(last));
  return out.empty() ? "index.html" : out;
}

std::string escaped(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  constexpr std::string_view unfit = " \"<>\\^`{|}";
  std::string out;
  for (char c : text) {
    auto u = static_cast<unsigned char>(c);
    if (u >= 0x21 && u < 0x7f && unfit.find(c) == std::string_view::npos) {
      out += c;
    } else {
      out += '%';
      out += digits[u >> 4];
      out += digits[u & 15];
    }
  }
  return out;
}

result<url> follow(const url& base, std::string_view location) {
  auto base_text = base.text(); // views are taken of it
  auto from = boost::urls::parse_uri(base_text);
  auto clean = escaped(location);
  auto to = boost::urls::parse_uri_reference(clean);
  boost::urls::url out;
  if (!from || !to || !boost::urls::resolve(*from, *to, out))
    return make_error(errc::bad_http, "the server redirects to what is no URL");
  return parse_url(std::string_view{out.buffer().data(), out.buffer().size()});
}

} // namespace peapod
