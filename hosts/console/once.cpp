#include "hosts/console/once.hpp"

#include "hosts/common/control_client.hpp"
#include "hosts/common/control_text.hpp"
#include "hosts/common/json_members.hpp"
#include "hosts/common/status_text.hpp"

#include <array>
#include <ostream>

namespace peapod::console {

namespace {

using namespace control;

/// How many crashes an overview has room for.
constexpr size_t last_crashes = 5;

/// An answer by its name in the combined object.
struct answers {
  std::string status;
  std::string tree; ///< of this device, or of all with `pod`
  std::string crashes;
};

result<std::string> ask(const std::filesystem::path& socket,
                        const char* target) {
  auto got = ask_daemon(socket, {"GET", target, ""});
  if (!got)
    return got.error();
  if (got->status != 200)
    return make_error(errc::not_allowed, failure_text(got->status, got->body));
  return std::move(got->body);
}

result<answers> ask_all(const console_options& options) {
  answers out;
  auto status = ask(options.socket, "/v1/status");
  if (!status)
    return status.error();
  auto tree = ask(options.socket, options.pod ? "/v1/pod" : "/v1/tree");
  if (!tree)
    return tree.error();
  auto crashes = ask(options.socket, "/v1/crashes");
  if (!crashes)
    return crashes.error();
  return answers{std::move(*status), std::move(*tree), std::move(*crashes)};
}

/// `{"status": {...}, "tree": {...}, "crashes": [...], ...}`
std::string combined(const answers& x, bool pod) {
  boost::json::object out;
  out["status"] = parse_object(x.status).value_or(boost::json::object{});
  for (auto* text : {&x.tree, &x.crashes})
    if (auto members = parse_object(*text))
      for (auto& member : *members)
        out[member.key()] = member.value();
  out["pod"] = pod;
  return boost::json::serialize(out) + "\n";
}

void append(lines& out, const lines& more, const char* title = nullptr) {
  if (title != nullptr) {
    out.push_back({});
    out.push_back(line{title, tone::strong});
  }
  out.insert(out.end(), more.begin(), more.end());
}

result<lines> overview(const answers& x, bool pod) {
  auto status = read_status(x.status);
  if (!status)
    return status.error();
  auto crashes = read_crashes(x.crashes);
  if (!crashes)
    return crashes.error();
  auto& all = crashes->crashes;
  if (all.size() > last_crashes)
    all.erase(all.begin(), all.end() - last_crashes);
  lines out = status_lines(*status);
  if (pod) {
    auto members = read_pod(x.tree);
    if (!members)
      return members.error();
    append(out, pod_text(*members), "Actors of the pod");
  } else {
    auto tree = read_tree(x.tree);
    if (!tree)
      return tree.error();
    append(out, tree_text(*tree), "Actors");
  }
  append(out, crashes_text(*crashes), "Last crashes");
  return out;
}

int fail(std::ostream& err, const error& x) {
  err << "peapod: " << printable(x.detail) << '\n';
  return exit_failure;
}

} // namespace

int print_once(const console_options& options, std::ostream& out,
               std::ostream& err, const print_style& style) {
  auto got = ask_all(options);
  if (!got)
    return fail(err, got.error());
  if (options.json) {
    out << combined(*got, options.pod);
    return exit_ok;
  }
  auto text = overview(*got, options.pod);
  if (!text)
    return fail(err, text.error());
  out << to_text(*text, style);
  return exit_ok;
}

} // namespace peapod::console
