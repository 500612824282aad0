#include "hosts/common/qr_text.hpp"

#include "core/identity.hpp"

#include <qrencode.h>

#include <memory>

namespace peapod {

namespace {

constexpr int margin = 4;
constexpr std::string_view white_on_black = "\x1b[38;5;231m\x1b[48;5;16m";
constexpr std::string_view as_before = "\x1b[0m";

struct code_deleter {
  void operator()(QRcode* x) const {
    auto size = static_cast<size_t>(x->width) * static_cast<size_t>(x->width);
    erase_secret({x->data, size});
    QRcode_free(x);
  }
};

using code_ptr = std::unique_ptr<QRcode, code_deleter>;

/// Whether there is light at a place; around the code there is.
bool is_light(const QRcode& x, int column, int row) {
  if (column < 0 || row < 0 || column >= x.width || row >= x.width)
    return true;
  return (x.data[row * x.width + column] & 1) == 0;
}

std::string_view block(bool upper, bool lower) {
  if (upper)
    return lower ? "█" : "▀";
  return lower ? "▄" : " ";
}

} // namespace

result<std::string> qr_text(std::string_view text, bool colour) {
  code_ptr code{QRcode_encodeData(
      static_cast<int>(text.size()),
      reinterpret_cast<const unsigned char*>(text.data()), 0, QR_ECLEVEL_M)};
  if (!code)
    return make_error(errc::limit_reached, "too much for a QR code");
  std::string out;
  auto end = code->width + margin;
  for (int row = -margin; row < end; row += 2) {
    if (colour)
      out += white_on_black;
    for (int column = -margin; column < end; ++column)
      out += block(is_light(*code, column, row),
                   row + 1 < end && is_light(*code, column, row + 1));
    if (colour)
      out += as_before;
    out += '\n';
  }
  return out;
}

} // namespace peapod
