#define CAF_SUITE qr_text

#include "hosts/common/qr_text.hpp"

#include <caf/test/unit_test.hpp>

#include <sstream>
#include <vector>

using namespace peapod;

namespace {

constexpr std::string_view secret =
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// The places of a code drawn without colours, true for light.
std::vector<std::vector<bool>> places(const std::string& drawn) {
  std::vector<std::vector<bool>> out;
  std::istringstream in{drawn};
  for (std::string line; std::getline(in, line);) {
    std::vector<bool> upper, lower;
    while (!line.empty()) {
      auto size = line.front() == ' ' ? 1u : 3u; // bytes of a block
      auto sign = line.substr(0, size);
      upper.push_back(sign == "█" || sign == "▀");
      lower.push_back(sign == "█" || sign == "▄");
      line.erase(0, size);
    }
    out.push_back(std::move(upper));
    out.push_back(std::move(lower));
  }
  return out;
}

/// The pattern by which readers find a corner, with the light around it.
constexpr std::string_view corner = "         "
                                    " ####### "
                                    " #     # "
                                    " # ### # "
                                    " # ### # "
                                    " # ### # "
                                    " #     # "
                                    " ####### "
                                    "         ";

bool has_corner(const std::vector<std::vector<bool>>& code, size_t column,
                size_t row) {
  for (size_t i = 0; i < corner.size(); ++i)
    if (code[row + i / 9][column + i % 9] != (corner[i] == ' '))
      return false;
  return true;
}

} // namespace

CAF_TEST(a code has its three corners inside a light margin) {
  auto code = places(qr_text(secret, false).value());
  CAF_REQUIRE(code.size() > 29);
  auto width = code.front().size();
  CAF_CHECK((width - 8 - 17) % 4 == 0); // a version's size, and the margin
  CAF_CHECK_EQUAL(code.size(), width + width % 2);
  CAF_CHECK(has_corner(code, 3, 3));
  CAF_CHECK(has_corner(code, width - 12, 3));
  CAF_CHECK(has_corner(code, 3, width - 12));
  CAF_CHECK(!has_corner(code, width - 12, width - 12));
  for (size_t row = 0; row < width; ++row)
    for (size_t i = 0; i < 4; ++i)
      CAF_CHECK(code[row][i] && code[row][width - 1 - i]);
}

CAF_TEST(the same text has the same code and another one another) {
  CAF_CHECK(qr_text(secret, false).value() == qr_text(secret, false).value());
  CAF_CHECK(qr_text(secret, false).value() != qr_text("b", false).value());
}

CAF_TEST(colours are set and taken back on every line) {
  std::istringstream in{qr_text(secret, true).value()};
  for (std::string line; std::getline(in, line);)
    CAF_CHECK(line.starts_with("\x1b[38;5;231m\x1b[48;5;16m")
              && line.ends_with("\x1b[0m"));
}

CAF_TEST(a text that no code holds is refused) {
  CAF_CHECK(qr_text(std::string(4000, 'x'), false).error().code
            == errc::limit_reached);
}
