#include "hosts/common/control_commands.hpp"

#include "hosts/common/cli.hpp"
#include "hosts/common/control_client.hpp"
#include "hosts/common/event_stream.hpp"
#include "hosts/common/json_members.hpp"
#include "hosts/common/status_text.hpp"
#include "hosts/common/time_text.hpp"

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <iostream>

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

std::string check_sort_key(const std::string& text) {
  if (parse_sort_key(text))
    return "";
  std::string all;
  for (auto key : sort_keys())
    all += (all.empty() ? "" : ", ") + std::string{to_string(key)};
  return "expected one of " + all;
}

} // namespace

// -- declaring ----------------------------------------------------------------

control_commands::control_commands(CLI::App& app) {
  declare_readers(app);
  declare_streams(app);
  declare_changes(app);
  declare_fault(app);
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
      ->check(CLI::Validator{check_sort_key, ""})
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

void control_commands::declare_fault(CLI::App& app) {
  auto* fault = add(app, "fault",
                    "Disturb an actor; only with [debug] fault-injection=true",
                    &control_commands::disturb);
  fault->add_option("ID", id_, "The actor's number")
      ->check(is_number)
      ->required();
  fault->add_option("ACTION", fault_, "What to do with its messages")
      ->required()
      ->check(CLI::IsMember({"crash", "drop", "delay", "duplicate", "clear"}));
  fault->add_option("--every", every_, "Each message, each second one, ...")
      ->check(is_number & CLI::PositiveNumber)
      ->type_name("N")
      ->capture_default_str();
  fault->add_option("--times", times_, "How often in all")
      ->check(is_number & CLI::PositiveNumber)
      ->type_name("N")
      ->capture_default_str();
  fault->add_option("--delay", delay_, "How long to delay")
      ->check(CLI::Validator{check_span, ""})
      ->type_name("TIME")
      ->capture_default_str();
}

// -- running ------------------------------------------------------------------

bool control_commands::is_given() const {
  return std::any_of(actions_.begin(), actions_.end(),
                     [](auto& x) { return x.first->parsed(); });
}

int control_commands::run(const std::filesystem::path& socket,
                          command_output to) {
  to_ = &to;
  path_ = socket_.empty() ? socket : std::filesystem::path{socket_};
  for (auto& [command, what] : actions_)
    if (command->parsed())
      return (this->*what)();
  return exit_usage;
}

int control_commands::print_status() {
  auto answer = ask({"GET", "/v1/status", ""});
  if (!answer)
    return fail(answer.error());
  if (json_)
    return show_as_is(*answer);
  auto text = status_text(*answer, to_->style);
  if (!text)
    return fail(text.error());
  to_->out << *text;
  return exit_ok;
}

int control_commands::print_actors() {
  return print("/v1/actors", read_actors, [this](actor_list& x) {
    auto key = parse_sort_key(sort_).value_or(sort_key::id);
    std::erase_if(x.actors, [&](auto& a) { return !matches(a, filter_); });
    std::sort(x.actors.begin(), x.actors.end(),
              [&](auto& a, auto& b) { return comes_before(a, b, key); });
    return actors_text(x.actors);
  });
}

int control_commands::print_actor() {
  return print(actor_target(), read_actor, actor_text);
}

int control_commands::print_tree() {
  return print("/v1/tree", read_tree, tree_text);
}

int control_commands::print_crashes() {
  return print("/v1/crashes", read_crashes, crashes_text);
}

int control_commands::print_peers() {
  return print("/v1/peers", read_peers, peers_text);
}

int control_commands::print_transfers() {
  return print("/v1/transfers", read_transfers, transfers_text);
}

int control_commands::print_metrics() {
  auto answer = ask({"GET", "/metrics", ""});
  return answer ? show_as_is(*answer) : fail(answer.error());
}

int control_commands::follow_events() {
  auto since =
      since_given_->count() == 0 ? "" : "?since=" + std::to_string(since_);
  return follow("/v1/events" + since);
}

int control_commands::follow_trace() {
  return follow("/v1/trace?actor=" + std::to_string(id_));
}

int control_commands::kill() {
  auto answer = ask({"POST", actor_target("/kill"), ""});
  if (!answer)
    return fail(answer.error());
  if (json_)
    return show_as_is(*answer);
  return show({line{"killed " + std::to_string(id_)}});
}

int control_commands::restart() {
  auto answer = ask({"POST", actor_target("/restart"), ""});
  if (!answer)
    return fail(answer.error());
  if (json_)
    return show_as_is(*answer);
  auto parsed = parse_object(*answer);
  auto next = parsed ? id_of(*parsed, "as") : std::nullopt;
  return show({line{"restarted " + std::to_string(id_)
                    + (next ? " as " + std::to_string(*next)
                            : "; the new one is not up yet")}});
}

int control_commands::disturb() {
  auto answer = ask({"POST", actor_target("/fault"), fault_body()});
  if (!answer)
    return fail(answer.error());
  if (json_)
    return show_as_is(*answer);
  auto parsed = parse_object(*answer);
  auto fault = parsed ? text_of(*parsed, "fault") : fault_;
  return show({line{"actor " + std::to_string(id_) + ": "
                    + (fault.empty() ? "not disturbed any more" : fault)}});
}

// -- asking and showing -------------------------------------------------------

template <class Read, class Show>
int control_commands::print(std::string target, Read read, Show format) {
  auto answer = ask({"GET", std::move(target), ""});
  if (!answer)
    return fail(answer.error());
  if (json_)
    return show_as_is(*answer);
  auto data = read(*answer);
  return data ? show(format(*data)) : fail(data.error());
}

/// Prints events until the stream, standard output or `--count` ends.
int control_commands::follow(const std::string& target) {
  boost::asio::io_context io;
  int code = exit_ok;
  uint64_t seen = 0;
  auto print_event = [&](const server_event& x) {
    if (json_) {
      to_->out << x.data << '\n';
    } else if (x.kind == "dropped") {
      auto data = parse_object(x.data);
      show({line{std::to_string(data ? number_of(*data, "count") : 0)
                     + " events were lost: they are read too slowly",
                 tone::warn}});
    } else if (x.kind == "message") {
      if (auto message = read_message(x.data))
        show({message_text(*message, id_)});
    } else if (x.kind == "ended") {
      show({line{"actor " + std::to_string(id_) + " has ended"}});
    } else if (auto event = read_event(x.data)) {
      show({event_text(*event)});
    }
    to_->out.flush();
    ++seen;
    // A reader that has gone, as `head` does, wants no more.
    if (!to_->out || x.kind == "ended" || seen == count_)
      io.stop();
  };
  auto stream = event_stream::open(
      io.get_executor(), path_, target,
      {nullptr, print_event, [&](error x) { code = fail(x); }});
  io.run();
  return code;
}

/// The body of an answer, or the sentence of a failure.
result<std::string> control_commands::ask(net::control_request request) {
  auto answer = ask_daemon(path_, std::move(request));
  if (!answer)
    return answer.error();
  if (answer->status != 200)
    return make_error(errc::not_allowed,
                      failure_text(answer->status, answer->body));
  return std::move(answer->body);
}

std::string control_commands::actor_target(std::string_view what) const {
  return "/v1/actors/" + std::to_string(id_) + std::string{what};
}

std::string control_commands::fault_body() const {
  auto delay = parse_span(delay_).value_or(std::chrono::milliseconds(100));
  boost::json::object out{{"action", fault_}};
  if (fault_ != "clear") {
    out["every"] = every_;
    out["times"] = times_;
  }
  if (fault_ == "delay")
    out["delay"] = std::chrono::duration<double>(delay).count();
  return boost::json::serialize(out);
}

int control_commands::show(const lines& content) {
  to_->out << to_text(content, to_->style);
  return exit_ok;
}

int control_commands::show_as_is(const std::string& body) {
  to_->out << body << (body.ends_with('\n') ? "" : "\n");
  return exit_ok;
}

int control_commands::fail(const error& x) {
  to_->err << "peapod: "
           << printable(x.detail.empty() ? to_string(x) : x.detail) << '\n';
  return exit_failure;
}

} // namespace peapod
