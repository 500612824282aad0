#include "hosts/get/user_info.hpp"

#include "core/http_message.hpp"

#include <boost/beast/core/detail/base64.hpp>

#include <algorithm>

namespace peapod {

namespace {

bool has_control(const std::string& text) {
  return std::ranges::any_of(text, [](char c) {
    auto u = static_cast<unsigned char>(c);
    return u < 0x20 || u == 0x7f;
  });
}

error bad(const std::string& rest) {
  return make_error(errc::bad_config,
                    rest
                        + ": what stands before the @ is no user and "
                          "password");
}

} // namespace

result<plain_url> take_user_info(const std::string& text) {
  auto scheme = text.find("://");
  auto begin = scheme == std::string::npos ? 0 : scheme + 3;
  auto end = std::min(text.find_first_of("/?#\\", begin), text.size());
  auto at = text.substr(0, end).rfind('@');
  if (at == std::string::npos || at < begin)
    return plain_url{text, {}};
  auto info = text.substr(begin, at - begin);
  plain_url out{text.substr(0, begin) + text.substr(at + 1), {}};
  auto colon = std::min(info.find(':'), info.size());
  auto user = percent_decoded(info.substr(0, colon));
  auto password = percent_decoded(colon < info.size() ? info.substr(colon + 1)
                                                      : std::string{});
  if (!user || !password || user->empty() || has_control(*user)
      || has_control(*password) || user->find(':') != std::string::npos)
    return bad(out.text);
  out.authorization = "Basic " + base64(*user + ":" + *password);
  return out;
}

std::string base64(std::string_view text) {
  namespace detail = boost::beast::detail::base64;
  std::string out(detail::encoded_size(text.size()), '\0');
  out.resize(detail::encode(out.data(), text.data(), text.size()));
  return out;
}

} // namespace peapod
