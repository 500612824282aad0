// Feeds committed inputs to the fuzz targets without libFuzzer:
//   fuzz_replay TARGET FOLDER
// Whatever breaks ends the process; the input's name is the last line then.

#include "tests/fuzz/replay/targets.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

namespace {

namespace fs = std::filesystem;

using target = int (*)(const uint8_t*, size_t);

target find_target(const char* name) {
  for (auto& x : peapod::fuzz::targets)
    if (std::strcmp(x.name, name) == 0)
      return x.run;
  return nullptr;
}

std::vector<fs::path> inputs_of(const char* folder) {
  std::vector<fs::path> out;
  std::error_code ec;
  for (auto& entry : fs::directory_iterator(folder, ec))
    out.push_back(entry.path());
  std::sort(out.begin(), out.end());
  return out;
}

/// In memory that is exactly as large as the input, so that the sanitizer sees
/// a read beyond its end.
void replay(target run, const fs::path& input) {
  std::ifstream in{input, std::ios::binary};
  std::vector<uint8_t> bytes{std::istreambuf_iterator<char>{in}, {}};
  bytes.shrink_to_fit();
  std::fprintf(stderr, "%s\n", input.c_str());
  run(bytes.data(), bytes.size());
}

} // namespace

int main(int argc, char** argv) {
  auto run = argc == 3 ? find_target(argv[1]) : nullptr;
  if (run == nullptr) {
    std::fprintf(stderr, "usage: fuzz_replay TARGET FOLDER\n");
    return 2;
  }
  auto inputs = inputs_of(argv[2]);
  for (auto& input : inputs)
    replay(run, input);
  std::printf("%s: %zu inputs\n", argv[1], inputs.size());
  return inputs.empty() ? 1 : 0;
}
