#pragma once

#include <cstdio>
#include <cstdlib>

/// Ends the process, and so the fuzzing, when `ok` is false.
inline void check(bool ok, const char* what) {
  if (ok)
    return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}
