#pragma once

/// Defines `PEAPOD_ADDRESS_SANITIZER` where AddressSanitizer watches: it needs
/// what a process may otherwise give up, and leaves `mlock` out.
#if defined(__SANITIZE_ADDRESS__) // GCC
#define PEAPOD_ADDRESS_SANITIZER
#elif defined(__has_feature) // clang
#if __has_feature(address_sanitizer)
#define PEAPOD_ADDRESS_SANITIZER
#endif
#endif
