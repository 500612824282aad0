#include "hosts/get/host_name.hpp"

#include <idn2.h>

#include <algorithm>
#include <memory>
#include <string_view>

namespace peapod {

namespace {

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

} // namespace

result<std::string> with_ascii_host(const std::string& text) {
  constexpr std::string_view slashes = "://";
  auto begin = text.find(slashes);
  if (begin == text.npos)
    return text;
  begin += slashes.size();
  auto end = std::min(text.find_first_of(":/?#", begin), text.size());
  auto host = text.substr(begin, end - begin);
  if (is_ascii(host))
    return text;
  if (host.find('\0') != host.npos)
    return make_error(errc::bad_config, "a host with a zero in its name");
  char* found = nullptr;
  auto code = ::idn2_to_ascii_8z(host.c_str(), &found,
                                 IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  std::unique_ptr<char, void (*)(void*)> ascii{found, ::idn2_free};
  if (code != IDN2_OK)
    return make_error(errc::bad_config,
                      host + " is no name of a host: " + ::idn2_strerror(code));
  return text.substr(0, begin) + ascii.get() + text.substr(end);
}

} // namespace peapod
