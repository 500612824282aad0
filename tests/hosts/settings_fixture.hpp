#pragma once

#include "hosts/common/config.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

/// What the tests of settings and of the command line have in common.
namespace peapod {

/// A folder of its own that goes away with the test.
class scratch_folder {
public:
  scratch_folder() {
    std::string name =
        (std::filesystem::temp_directory_path() / "peapod-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~scratch_folder() {
    std::filesystem::remove_all(path_);
  }
  std::filesystem::path operator/(const char* name) const {
    return path_ / name;
  }

private:
  std::filesystem::path path_;
};

inline process_environment plain_environment() {
  process_environment out;
  out.variable = [](const char* name) -> std::optional<std::string> {
    return std::string{name} == "HOME" ? std::optional<std::string>{"/home/x"}
                                       : std::nullopt;
  };
  out.host_name = "box";
  return out;
}

inline bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

inline std::string read_all(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

inline void write_all(const std::filesystem::path& path,
                      std::string_view text) {
  std::ofstream{path, std::ios::binary} << text;
}

} // namespace peapod
