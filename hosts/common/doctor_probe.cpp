#include "hosts/common/doctor_probe.hpp"

#include "hosts/common/control_client.hpp"
#include "hosts/common/doctor_network.hpp"
#include "hosts/common/secret_file.hpp"

#include <algorithm>
#include <chrono>

namespace peapod {

namespace {

using file_time = std::filesystem::file_time_type;

void ask_status(const std::filesystem::path& socket, doctor_facts& out) {
  auto answer = ask_daemon(socket, {"GET", "/v1/status", ""});
  if (!answer) {
    out.no_daemon = answer.error();
    return;
  }
  if (answer->status != 200) {
    out.no_daemon = make_error(
        errc::bad_http, control::failure_text(answer->status, answer->body));
    return;
  }
  auto read = control::read_status(answer->body);
  if (read)
    out.status = std::move(*read);
  else
    out.no_daemon = read.error();
}

void find_newest(const std::filesystem::path& file, doctor_facts& out) {
  std::error_code ec;
  auto written = std::filesystem::last_write_time(file, ec);
  if (ec)
    return;
  auto age = file_time::clock::now() - written;
  auto at =
      out.now
      - std::chrono::duration_cast<std::chrono::system_clock::duration>(age);
  if (at > out.newest) {
    out.newest = at;
    out.newest_file = file.string();
  }
}

/// The clock was once at least at what it wrote.
void look_at_clock(const doctor_request& what, const system_probe& system,
                   doctor_facts& out) {
  out.now = std::chrono::system_clock::now();
  if (!system.program.empty())
    find_newest(system.program, out);
  std::error_code ec;
  std::filesystem::directory_iterator files{what.options.pod.state_dir, ec};
  for (; !ec && files != std::filesystem::directory_iterator{};
       files.increment(ec))
    find_newest(files->path(), out);
}

void look_at_secret(doctor_facts& out) {
  if (out.options.trust.mode != trust_mode::secret)
    return;
  auto secret = load_secret(out.options.trust.secret_file);
  // That of the daemon's user may not be read by this one.
  if (!secret
      && !(secret.error().code == errc::permission_denied && out.status))
    out.no_secret = secret.error();
}

} // namespace

doctor_facts collect_facts(const doctor_request& what,
                           const system_probe& system) {
  doctor_facts out;
  out.version = what.version;
  out.config_file = what.config_file;
  out.config_mistakes = what.mistakes;
  out.options = what.options;
  ask_status(what.socket, out);
  if (auto found = net::list_interfaces())
    out.interfaces = std::move(*found);
  look_at_clock(what, system, out);
  look_at_secret(out);
  probe_network(what, out);
  if (system.holder_of)
    for (auto& one : out.taken)
      one.holder = system.holder_of(one.udp, one.at.port);
  if (system.examine)
    out.system = system.examine();
  return out;
}

} // namespace peapod
