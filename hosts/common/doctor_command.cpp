#include "hosts/common/doctor_command.hpp"

#include "hosts/common/doctor_text.hpp"
#include "hosts/common/exit_code.hpp"
#include "hosts/common/time_text.hpp"

#include <boost/json/serialize.hpp>

#include <ostream>

namespace peapod {

namespace {

std::string check_wait(const std::string& text) {
  auto span = parse_span(text);
  bool fine = span && *span >= std::chrono::milliseconds(100)
              && *span <= std::chrono::seconds(60);
  return fine ? "" : "expected a time from 100ms to 60s, such as 5s";
}

} // namespace

doctor_command::doctor_command(CLI::App& app) {
  doctor_ = app.add_subcommand("doctor", "Say why there is no pod or no "
                                         "speed-up, and what to do about it");
  doctor_->fallthrough();
  doctor_->add_flag("--json", json_, "Print the findings as one JSON object");
  doctor_->add_option("--socket", socket_, "Control socket of the daemon")
      ->type_name("PATH");
  doctor_
      ->add_option(
          "--wait", wait_,
          "How long to listen for other devices, more than [discovery] "
          "interval")
      ->type_name("TIME")
      ->check(CLI::Validator{check_wait, ""})
      ->capture_default_str();
}

bool doctor_command::is_given() const {
  return doctor_->parsed();
}

int doctor_command::run(doctor_request in, const system_probe& system,
                        command_output to) {
  in.socket = socket_.empty() ? in.options.console.socket
                              : std::filesystem::path{socket_};
  in.patience.listen = parse_span(wait_).value_or(in.patience.listen);
  auto facts = collect_facts(in, system);
  auto findings = examine(facts);
  if (json_)
    to.out << boost::json::serialize(doctor_json(facts, findings)) << '\n';
  else
    to.out << to_text(doctor_lines(facts, findings), to.style);
  return has_problem(findings) ? exit_failure : exit_ok;
}

} // namespace peapod
