#pragma once

#include "actors/environment.hpp"
#include "hosts/get/board.hpp"
#include "hosts/get/get_messages.hpp"
#include "hosts/get/write_desk.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace peapod {

/// What all lines of one run have in common.
struct line_setup {
  boost::asio::any_io_executor io;
  std::filesystem::path socket; ///< control socket of the daemon
  bool direct = false;          ///< do without a daemon
  std::string ca_file;          ///< further authorities, or empty
  std::shared_ptr<board> shown;
  std::optional<daemon_lines> daemon; ///< as it was at the start
  upload_actor uploads; ///< gets the lines instead of the scheduler
  std::shared_ptr<const write_desk> desk; ///< what downloads write
};

/// The lines that there are.
struct line_keeper_state {
  using self_pointer = line_keeper_actor::stateful_pointer<line_keeper_state>;

  const char* name = "line_keeper";
  environment_ptr env;
  line_setup setup;
  line_actor own; ///< null when lines are for uploads
  bool has_own = false;
  std::map<device_id, line_actor> peers;
  std::set<device_id> distrusted; ///< for the rest of this run
  unsigned silences = 0;          ///< of the daemon, in a row
  bool asking = false;            ///< the daemon, now
  bool waiting = false;           ///< to ask it
};

/// Makes a source for the scheduler of each line: of this device's own, and of
/// a tunnel through each peer whose daemon offers one. Asks the daemon every
/// two seconds; without it the own line is used directly.
line_keeper_actor::behavior_type
line_keeper_behavior(line_keeper_state::self_pointer self, environment_ptr env,
                     line_setup setup);

/// A client over this device's own line: through the daemon, if there is one.
std::shared_ptr<http_client> make_own_client(const line_setup& setup);

} // namespace peapod
