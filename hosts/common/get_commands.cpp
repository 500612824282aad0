#include "hosts/common/get_commands.hpp"

#include "hosts/common/size_text.hpp"

namespace peapod {

namespace {

CLI::App* add(CLI::App& app, std::string name, std::string description) {
  return app.add_subcommand(std::move(name), std::move(description))
      ->fallthrough();
}

progress_style parse_style(const std::string& text) {
  if (text == "bar")
    return progress_style::bar;
  if (text == "json")
    return progress_style::json;
  return text == "none" ? progress_style::none : progress_style::automatic;
}

} // namespace

get_commands::get_commands(CLI::App& app) {
  declare_get(app);
  declare_put(app);
}

bool get_commands::is_given() const {
  return get_->parsed() || put_->parsed();
}

int get_commands::run(const std::filesystem::path& socket,
                      const std::filesystem::path& state_dir,
                      const run_get& get, const run_put& put) {
  get_options_.line.state_dir = put_options_.line.state_dir = state_dir;
  finish(socket, get_options_.line);
  finish(socket, put_options_.line);
  put_options_.part_size = parse_size(part_size_).value_or(0);
  return get_->parsed() ? get(get_options_) : put(put_options_);
}

void get_commands::finish(const std::filesystem::path& socket,
                          line_options& to) const {
  to.socket = socket_.empty() ? socket : std::filesystem::path{socket_};
  if (socket_.empty())
    to.other_socket = service_socket;
  to.progress = quiet_ ? progress_style::none : parse_style(progress_);
}

void get_commands::declare_get(CLI::App& app) {
  auto& to = get_options_;
  get_ = add(app, "get", "Download files over all lines of the pod");
  get_->add_option("URL", to.what, "URLs, or Metalink files (.meta4)");
  get_->add_option("-i,--input-file", to.list,
                   "File with more URLs, one a line; - is standard input")
      ->type_name("FILE");
  get_->add_option("-o,--output", to.output,
                   "Name of the file; - is standard output")
      ->type_name("NAME")
      ->check([](const std::string& text) {
        return text.empty() ? std::string{"expected a name"} : std::string{};
      });
  get_->add_flag("-O,--remote-name", remote_name_,
                 "Name files as their URLs do, which is what happens anyway");
  get_->add_option("-P,--directory-prefix", to.folder,
                   "Folder for the files; is made if need be")
      ->type_name("FOLDER");
  get_->add_option("-b,--cookies,--load-cookies", to.cookies,
                   "Cookies in the format of Netscape")
      ->type_name("FILE");
  get_->add_option("--checksum", to.checksum,
                   "What the file's hash has to be: sha-256=HEX or sha-512=HEX")
      ->type_name("HASH");
  get_->add_flag("-f,--force", to.force, "Replace files that exist");
  get_->add_flag("--restart", to.restart,
                 "Begin anew what an earlier run has begun");
  declare_line(*get_, to.line);
}

void get_commands::declare_put(CLI::App& app) {
  auto& to = put_options_;
  put_ = add(app, "put", "Upload a file, in parts over all lines of the pod");
  put_->add_option("FILE", to.file, "The file")->required();
  put_->add_option("URL", to.target,
                   "Where to: a URL, or s3://BUCKET/KEY; not needed with "
                   "--part-urls");
  put_->add_option("--protocol", to.protocol,
                   "What the server speaks: auto, s3, tus or put")
      ->check(CLI::IsMember({"auto", "s3", "tus", "put"}))
      ->capture_default_str();
  put_->add_option("--part-size", part_size_, "Size of a part, such as 16MiB")
      ->check([](const std::string& text) {
        return parse_size(text).value_or(0) > 0
                   ? std::string{}
                   : std::string{"expected a size such as 16MiB"};
      });
  put_->add_option("--part-urls", to.part_urls,
                   "File with presigned URLs of S3, one for each part")
      ->type_name("FILE");
  put_->add_option("--complete-url", to.complete_url,
                   "With --part-urls: presigned, to complete the upload")
      ->type_name("URL");
  put_->add_option("--abort-url", to.abort_url,
                   "With --part-urls: presigned, to give the upload up")
      ->type_name("URL");
  put_->add_flag("-f,--force", to.force,
                 "Let --receipt replace a file that is no receipt");
  declare_line(*put_, to.line);
}

void get_commands::declare_line(CLI::App& command, line_options& to) {
  command
      .add_option("-H,--header", to.headers,
                  "Further field of requests, as in 'Name: value'")
      ->take_all()
      ->allow_extra_args(false)
      ->type_name("FIELD");
  command
      .add_option("--progress", progress_,
                  "How to show it: auto, bar, json or none")
      ->check(CLI::IsMember({"auto", "bar", "json", "none"}));
  command.add_flag("-q,--quiet", quiet_, "Show nothing but what went wrong");
  command
      .add_option(
          "--receipt", to.receipt,
          "Write who brought what to this file, as JSON; - is standard output")
      ->type_name("FILE");
  command
      .add_option("--tries", to.tries,
                  "How often to try what may pass by itself")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command
      .add_option("--ca-certificate,--cacert", to.ca_file,
                  "PEM file of further trusted authorities")
      ->type_name("FILE");
  command.add_flag("--direct", to.direct,
                   "Do without a daemon: this device's own line only");
  command.add_option("--socket", socket_, "Control socket of the daemon")
      ->type_name("PATH");
}

} // namespace peapod
