#pragma once

#include "core/error.hpp"

#include <string>
#include <string_view>

namespace peapod {

/// A QR code (ISO/IEC 18004) of `text` for a terminal, two rows of it a line of
/// half blocks, with the margin of four that readers need. `colour` sets black
/// and white; without it light stands for the colour of letters, which reads
/// on a dark terminal. Error: `limit_reached` when the text is too long.
result<std::string> qr_text(std::string_view text, bool colour);

} // namespace peapod
