#include "hosts/common/control_commands.hpp"

#include "hosts/common/time_text.hpp"

namespace peapod {

namespace {

using namespace control;

std::string check_span(const std::string& text) {
  auto span = parse_span(text);
  bool fine = span && *span <= std::chrono::seconds(60);
  return fine ? "" : "expected a time of at most 60s, such as 100ms";
}

/// CLI11 takes `-1` for a very large number.
std::string check_number(const std::string& text) {
  bool digits = !text.empty() && text.size() < 19
                && text.find_first_not_of("0123456789") == text.npos;
  return digits ? "" : "expected a number, not " + text;
}

const CLI::Validator is_number{check_number, ""};

std::vector<std::string> sort_words() {
  std::vector<std::string> out;
  for (auto key : sort_keys())
    out.emplace_back(to_string(key));
  return out;
}

} // namespace

control_commands::control_commands(CLI::App& app) {
  declare_readers(app);
  declare_streams(app);
  declare_changes(app);
  declare_fault(app);
  declare_trust(app);
}

CLI::App* control_commands::add(CLI::App& app, std::string name,
                                std::string description, action what) {
  auto* out = app.add_subcommand(std::move(name), std::move(description));
  out->fallthrough();
  out->add_flag("--json", json_, "Print the daemon's answer as it is");
  out->add_option("--socket", socket_, "Control socket of the daemon")
      ->type_name("PATH");
  actions_[out] = what;
  return out;
}

void control_commands::declare_readers(CLI::App& app) {
  using self = control_commands;
  add(app, "status", "Show the pod, its transfers and the proxy",
      &self::print_status);
  auto* actors =
      add(app, "actors", "List the live actors", &self::print_actors);
  actors->add_option("--sort", sort_, "Sort by this, as in load")
      ->type_name("KEY")
      ->check(CLI::IsMember(sort_words()))
      ->capture_default_str();
  actors->add_option("--filter", filter_, "Only actors that this stands in")
      ->type_name("TEXT");
  add(app, "actor", "Show one actor, its state and its last messages",
      &self::print_actor)
      ->add_option("ID", id_, "The actor's number")
      ->check(is_number)
      ->required();
  add(app, "tree", "Show the supervision tree", &self::print_tree);
  add(app, "crashes", "List the latest crashes", &self::print_crashes);
  add(app, "peers", "List the devices around", &self::print_peers);
  add(app, "transfers", "List the pooled downloads", &self::print_transfers);
  add(app, "metrics", "Print counters and gauges in Prometheus' text format",
      &self::print_metrics);
}

void control_commands::declare_streams(CLI::App& app) {
  using self = control_commands;
  auto* events = add(app, "events", "Print what happens, until Ctrl-C",
                     &self::follow_events);
  since_given_ = events
                     ->add_option("--since", since_,
                                  "Begin with the kept events after "
                                  "this number; 0: with all")
                     ->type_name("N")
                     ->check(is_number);
  events->add_option("--count", count_, "End after so many")
      ->type_name("N")
      ->check(is_number);
  add(app, "trace", "Print the messages of an actor as it handles them",
      &self::follow_trace)
      ->add_option("ID", id_, "The actor's number")
      ->check(is_number)
      ->required();
}

void control_commands::declare_changes(CLI::App& app) {
  using self = control_commands;
  add(app, "kill", "Make an actor crash, as if by a bug", &self::kill)
      ->add_option("ID", id_, "The actor's number")
      ->check(is_number)
      ->required();
  add(app, "restart", "Stop an actor in order and start it anew",
      &self::restart)
      ->add_option("ID", id_, "The actor's number")
      ->check(is_number)
      ->required();
}

void control_commands::declare_trust(CLI::App& app) {
  using self = control_commands;
  constexpr auto meaning = "The device's name, its id, or the first four or "
                           "more digits of its id";
  auto* trust = add(app, "trust", "Let a device into the pod", &self::trust);
  trust->add_option("NAME", who_, meaning)->required();
  trust->add_option("WORDS", code_,
                    "The words that both devices show; needed unless NAME is a "
                    "whole id or you are asked on a terminal");
  add(app, "untrust", "Let a device out of the pod", &self::untrust)
      ->add_option("NAME", who_, meaning)
      ->required();
}

void control_commands::declare_fault(CLI::App& app) {
  auto* fault = add(app, "fault",
                    "Disturb an actor; only with [debug] fault-injection=true",
                    &control_commands::disturb);
  fault->add_option("ID", id_, "The actor's number")
      ->check(is_number)
      ->required();
  fault->add_option("ACTION", fault_, "What to do with its messages")
      ->required()
      ->check(CLI::IsMember(
          {"crash", "drop", "delay", "duplicate", "hang", "clear"}));
  fault->add_option("--every", every_, "Each message, each second one, ...")
      ->check(is_number & CLI::PositiveNumber)
      ->type_name("N")
      ->capture_default_str();
  fault->add_option("--times", times_, "How often in all")
      ->check(is_number & CLI::PositiveNumber)
      ->type_name("N")
      ->capture_default_str();
  fault->add_option("--delay", delay_, "How long to delay, or to hang")
      ->check(CLI::Validator{check_span, ""})
      ->type_name("TIME")
      ->capture_default_str();
}

} // namespace peapod
