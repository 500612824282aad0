#include "hosts/common/control_commands.hpp"

#include "hosts/common/cli.hpp"
#include "hosts/common/control_client.hpp"
#include "hosts/common/control_routes.hpp"
#include "hosts/common/event_source.hpp"
#include "hosts/common/json_members.hpp"
#include "hosts/common/status_text.hpp"
#include "hosts/common/time_text.hpp"

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <iostream>

namespace peapod {

using namespace control;

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
  auto stream = event_source::open(
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
  if (fault_ == "delay" || fault_ == "hang")
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
