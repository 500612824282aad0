#pragma once

#include "hosts/get/board.hpp"
#include "hosts/get/download.hpp"

#include <boost/json/array.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace peapod {

/// One file, and what is to be kept about how it came.
struct receipt_entry {
  std::string from; ///< as given, without its query
  std::string file;
  download_outcome outcome;
  board_view view;
  std::chrono::system_clock::time_point started;
  std::chrono::system_clock::time_point finished;
};

/// Who brought how much: `id`, `name`, `bytes`, and `line` of one of several.
boost::json::array devices_json(const board_view& view);

/// All of one run as JSON (docs/GET.md has its members). URLs stand there
/// without their queries, which may hold secrets.
std::string receipt_text(const std::vector<receipt_entry>& entries);

} // namespace peapod
