#include "hosts/common/hidden_input.hpp"

#include "core/identity.hpp"

#include <bsd/readpassphrase.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

namespace peapod {

namespace {

/// Bytes of a line, its line end or final zero, and one to notice longer ones.
using line_buffer = secret_bytes<2048>;

error unreadable() {
  return make_error(errc::io_failed,
                    std::string{"nothing can be read from standard input: "}
                        + std::strerror(errno));
}

/// Reads byte by byte: what follows the line stays for others.
result<size_t> read_piped(line_buffer& to) {
  size_t size = 0;
  while (size < to.bytes().size()) {
    auto* next = to.bytes().data() + size;
    auto got = ::read(STDIN_FILENO, next, 1);
    if (got < 0 && errno != EINTR)
      return unreadable();
    if (got == 0 || (got > 0 && *next == '\n'))
      break;
    size += got > 0 ? 1 : 0;
  }
  return size;
}

result<size_t> read_typed(std::string_view prompt, line_buffer& to) {
  auto* text = reinterpret_cast<char*>(to.bytes().data());
  if (::readpassphrase(std::string{prompt}.c_str(), text, to.bytes().size(),
                       RPP_ECHO_OFF)
      == nullptr)
    return unreadable();
  return std::strlen(text);
}

} // namespace

result<size_t> read_hidden_line(std::string_view prompt,
                                std::optional<std::string_view> again,
                                std::span<uint8_t> to) {
  line_buffer line;
  bool typed = ::isatty(STDIN_FILENO) != 0;
  auto size = typed ? read_typed(prompt, line) : read_piped(line);
  if (!size)
    return size;
  if (typed && again) {
    line_buffer second;
    auto same = read_typed(*again, second);
    if (!same)
      return same;
    if (!std::ranges::equal(line.bytes().first(*size),
                            second.bytes().first(*same)))
      return make_error(errc::bad_config, "the two are not the same");
  }
  auto text = line.bytes().first(*size);
  while (!text.empty() && text.back() == '\r')
    text = text.first(text.size() - 1);
  if (text.empty() || text.size() > to.size())
    return make_error(errc::bad_config,
                      text.empty() ? "nothing was given" : "it is too long");
  std::ranges::copy(text, to.begin());
  return text.size();
}

} // namespace peapod
