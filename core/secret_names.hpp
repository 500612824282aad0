#pragma once

#include <string_view>

namespace peapod {

/// Whether the name of a parameter or of a field says that its value grants
/// access to whoever knows it: `sig`, `X-Amz-Signature`, `accessToken`,
/// `rlkey`. Whole words count, cut at whatever is no letter and where capitals
/// begin, so that `design`, `author` and `signal` say nothing; in doubt, a name
/// does. Parameters of signed URLs are known whose names say nothing.
bool names_secret(std::string_view name);

/// Whether a parameter of that name ends the validity of a URL: such URLs are
/// signed, whatever their other parameters are called.
bool names_expiry(std::string_view name);

/// Whether `text` has a run that nobody would guess: 32 hexadecimal digits
/// (hyphens aside, as in a UUID), some of them letters, or 20 letters and
/// digits with three at least of small letters, capitals and digits each.
bool looks_random(std::string_view text);

} // namespace peapod
