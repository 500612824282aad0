#include "hosts/common/secret_commands.hpp"

#include "hosts/common/cli.hpp"
#include "hosts/common/hidden_input.hpp"
#include "hosts/common/identity_file.hpp"
#include "hosts/common/qr_text.hpp"
#include "hosts/common/secret_file.hpp"

#include <ostream>

namespace peapod {

namespace {

constexpr std::string_view next_start =
    "a daemon that runs takes it at its next start";

/// The secret that a person gives as its text.
result<pod_secret> ask_for_secret() {
  secret_bytes<1024> line;
  auto size =
      read_hidden_line("The pod's secret: ", std::nullopt, line.bytes());
  if (!size)
    return size.error();
  return pod_secret::from_text(
      {reinterpret_cast<const char*>(line.bytes().data()), *size});
}

result<pod_secret> ask_for_passphrase(std::string_view pod) {
  secret_bytes<pod_secret::max_passphrase> line;
  auto size = read_hidden_line(
      "The pod's passphrase: ", "The same again: ", line.bytes());
  if (!size)
    return size.error();
  return pod_secret::from_passphrase(
      {reinterpret_cast<const char*>(line.bytes().data()), *size}, pod);
}

} // namespace

/// What one run of a command works with.
struct secret_commands::context {
  const std::filesystem::path& file;
  command_output to;
  bool on_terminal;

  int fail(const error& x) const {
    to.err << "peapod: " << (x.detail.empty() ? to_string(x) : x.detail)
           << '\n';
    return exit_failure;
  }
};

// -- declaring ----------------------------------------------------------------

secret_commands::secret_commands(CLI::App& app) {
  secret_ = app.add_subcommand("secret", "Make, show or take the secret that "
                                         "all devices of a pod have");
  secret_->fallthrough()->require_subcommand(1);
  new_ = secret_->add_subcommand("new", "Make a new secret, for a new pod");
  new_->add_flag("--force", force_, "Also in place of one that is there");
  show_ = secret_->add_subcommand("show", "Print the secret, on a terminal "
                                          "also as a QR code");
  show_->add_flag("--qr", qr_, "Print the QR code wherever it goes");
  set_ = secret_->add_subcommand("set", "Take the secret of another device, "
                                        "from standard input");
  auto* passphrase = set_->add_flag("--passphrase", passphrase_,
                                    "Make it out of a passphrase instead");
  auto* pod = set_->add_option("--pod", pod_,
                               "Name of the pod, the same on all its devices")
                  ->type_name("NAME")
                  ->needs(passphrase);
  passphrase->needs(pod);
  for (auto* each : {new_, show_, set_})
    each->fallthrough();
}

bool secret_commands::is_given() const {
  return secret_->parsed();
}

// -- running ------------------------------------------------------------------

int secret_commands::run(const settings& x, command_output to,
                         bool on_terminal) {
  context in{x.trust.secret_file, to, on_terminal};
  if (new_->parsed())
    return make_new(in);
  if (show_->parsed())
    return show(in);
  return set(in);
}

int secret_commands::make_new(context& in) {
  if (!force_) {
    // One that cannot be read is one too.
    auto there = read_secret(in.file);
    if (!there || *there)
      return in.fail(make_error(
          errc::not_allowed,
          in.file.string()
              + " is there already; with --force it makes way, and this device "
                "leaves the pod of those who have it"));
  }
  return keep(in, pod_secret::generate(system_random));
}

int secret_commands::show(context& in) {
  auto secret = load_secret(in.file);
  if (!secret)
    return in.fail(secret.error());
  auto text = secret->text();
  if (in.on_terminal || qr_) {
    auto code = qr_text(text.view(), in.on_terminal && in.to.style.colour);
    if (!code)
      return in.fail(code.error());
    in.to.out << *code;
  }
  in.to.out << text.view() << '\n';
  return exit_ok;
}

int secret_commands::set(context& in) {
  auto secret = passphrase_ ? ask_for_passphrase(pod_) : ask_for_secret();
  return secret ? keep(in, *secret) : in.fail(secret.error());
}

int secret_commands::keep(context& in, const pod_secret& x) {
  if (auto saved = save_secret(in.file, x); !saved)
    return in.fail(saved.error());
  in.to.out << in.file.string() << " holds the pod's secret; " << next_start
            << '\n';
  return exit_ok;
}

} // namespace peapod
