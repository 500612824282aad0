#pragma once

// What lets several suites be compiled as one file (cmake/PeapodBundles.cmake).
// CAF names a test after its line alone; here also after its file, which CMake
// tells as PEAPOD_SUITE_FILE.

#include <caf/test/unit_test.hpp>

#undef CAF_SUITE

#define PEAPOD_JOIN_NAMES(file, name, line) file##_##name##_##line
#define PEAPOD_JOIN(file, name, line) PEAPOD_JOIN_NAMES(file, name, line)

#undef CAF_UNIQUE
#define CAF_UNIQUE(name) PEAPOD_JOIN(PEAPOD_SUITE_FILE, name, __LINE__)
