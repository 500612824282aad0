#pragma once

#include "hosts/common/command_table.hpp"

#include <string>
#include <string_view>

/// Manual pages in roff, for the `man` macros.
namespace peapod {

/// What stands in the title of a page.
struct manual_title {
  std::string date;    ///< as in `2026-11-26`
  std::string version; ///< of the program
};

/// peapod(1): all commands and options, exit codes, the environment.
std::string program_manual(const command_entry& program,
                           const manual_title& title);

/// pod.ini(5), out of the comments of the file that holds every key with its
/// default (config/pod.ini) and of what each key accepts. A key that the file
/// lacks is told with what it accepts alone.
std::string config_manual(std::string_view pod_ini, const manual_title& title);

} // namespace peapod
