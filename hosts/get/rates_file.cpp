#include "hosts/get/rates_file.hpp"

#include "hosts/common/state_file.hpp"

namespace peapod {

namespace {

constexpr auto file_name = "line-rates.json";

std::chrono::sys_seconds wall_clock() {
  return std::chrono::floor<std::chrono::seconds>(
      std::chrono::system_clock::now());
}

void merge(std::map<std::string, measured_rate>& to, const new_rates& from) {
  for (auto& [name, rate] : from)
    to[name] = {rate, wall_clock()};
}

} // namespace

line_rates read_line_rates(const std::filesystem::path& state_dir) {
  auto text = read_state_file(state_dir / file_name);
  return text && *text ? parse_line_rates(**text, wall_clock()) : line_rates{};
}

void keep_line_rates(const std::filesystem::path& state_dir,
                     const new_rates& up, const new_rates& down) {
  if (state_dir.empty() || (up.empty() && down.empty()))
    return;
  auto all = read_line_rates(state_dir);
  merge(all.up, up);
  merge(all.down, down);
  static_cast<void>(write_state_file(state_dir / file_name, to_text(all)));
}

} // namespace peapod
