#pragma once

namespace peapod::console {

/// Whether the terminal that `TERM` names is known here and can place text
/// anywhere. Apart from the rest because terminfo's header has macros with
/// names such as `lines` and `columns`.
bool knows_terminal();

} // namespace peapod::console
