#include "hosts/get/get_run.hpp"

#include "hosts/common/site_lookup.hpp"
#include "hosts/common/size_text.hpp"
#include "hosts/common/state_file.hpp"
#include "hosts/common/time_text.hpp"
#include "hosts/get/command_screen.hpp"
#include "hosts/get/file_name.hpp"
#include "hosts/get/get_items.hpp"
#include "hosts/get/get_node.hpp"
#include "hosts/get/rates_file.hpp"
#include "hosts/get/receipt.hpp"
#include "hosts/get/receipt_file.hpp"

#include <chrono>
#include <csignal>
#include <deque>
#include <future>
#include <iostream>

namespace peapod {

namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr auto redraw_interval = 200ms;

result<std::shared_ptr<cookie_jar>> read_cookies(const std::string& file) {
  auto out = std::make_shared<cookie_jar>();
  if (file.empty())
    return out;
  auto text = read_state_file(file);
  if (!text)
    return text.error();
  if (!*text)
    return make_error(errc::bad_config, file + ": there is no such file");
  auto parsed = cookie_jar::parse(**text);
  if (!parsed)
    return make_error(errc::bad_config, file + ": " + parsed.error().detail);
  *out = std::move(*parsed);
  return out;
}

/// The list of public suffixes is read when a server sets the first cookie.
std::function<std::string(const std::string&)> lazy_site_lookup() {
  using lookup = std::function<std::string(const std::string&)>;
  return [list = std::make_shared<lookup>()](const std::string& host) {
    if (!*list)
      *list = make_site_lookup();
    return (*list)(host);
  };
}

/// One run of the command.
class get_run {
public:
  get_run(const get_options& x, http_fields fields,
          std::shared_ptr<cookie_jar> cookies, receipt_file receipt)
    : options_(x),
      fields_(std::move(fields)),
      cookies_(std::move(cookies)),
      receipt_file_(std::move(receipt)),
      screen_(x.line.progress, is_to_stdout(x)),
      setup_(make_line_setup(x.line, shown_)),
      node_(setup_) {}

  int run(std::vector<get_item> items) {
    std::deque<get_item> left(std::make_move_iterator(items.begin()),
                              std::make_move_iterator(items.end()));
    while (!left.empty() && !node_.is_interrupted()) {
      auto item = std::move(left.front());
      left.pop_front();
      auto failure = get(item);
      if (!failure && item.is_metalink)
        failure = unfold(item, left);
      if (failure && first_ == get_exit::done)
        first_ = failure->code;
    }
    write_receipt();
    return static_cast<int>(first_);
  }

private:
  /// One file, from the first mirror that has it. What one has begun the next
  /// one continues, if the hash of the whole tells whether that was right.
  std::optional<get_failure> get(const get_item& item) {
    std::optional<get_failure> out;
    for (size_t i = 0; i < item.urls.size(); ++i) {
      out = get_from(item, i, options_.restart && i == 0);
      auto& outcome = receipt_.back().outcome;
      if (out && out->code == get_exit::checksum && outcome.spliced) {
        screen_.view().say("the mirrors do not have the same bytes: once more "
                           "from "
                           + receipt_.back().from + " alone");
        out = get_from(item, i, true);
      }
      if (!out || node_.is_interrupted() || !is_mirrors_fault(item, *out)
          || (item.to_stdout && receipt_.back().outcome.bytes > 0))
        break;
    }
    return out;
  }

  static bool is_mirrors_fault(const get_item& item, const get_failure& x) {
    return x.code == get_exit::network || x.code == get_exit::tls
           || x.code == get_exit::http
           || (item.urls.size() > 1 && x.code == get_exit::changed);
  }

  std::optional<get_failure> get_from(const get_item& item, size_t mirror,
                                      bool anew) {
    receipt_entry entry;
    entry.from = resource_name(item.urls[mirror]);
    entry.file = item.to_stdout ? "-" : item.target.string();
    entry.started = std::chrono::system_clock::now();
    shown_->begin(item.to_stdout ? name_of(item.urls[mirror])
                                 : item.target.filename().string());
    screen_.view().begin();
    auto promise = std::make_shared<std::promise<download_outcome>>();
    auto future = promise->get_future();
    auto task = task_for(item, mirror, anew);
    task.done = [promise](download_outcome x) {
      promise->set_value(std::move(x));
    };
    node_.start(std::move(task));
    while (future.wait_for(redraw_interval) != std::future_status::ready)
      screen_.view().show(shown_->take(), screen_.now());
    entry.outcome = future.get();
    entry.finished = std::chrono::system_clock::now();
    entry.view = shown_->take();
    auto failure = entry.outcome.failure;
    keep_line_rates(options_.line.state_dir, {}, rates_of(entry));
    screen_.view().finish(entry.view, summary(entry), failure);
    receipt_.push_back(std::move(entry));
    return failure;
  }

  download_task task_for(const get_item& item, size_t mirror, bool anew) {
    download_task out;
    out.from = item.urls[mirror];
    out.target = item.target;
    out.size = item.size;
    out.expected = item.expected;
    out.fields = fields_;
    out.cookies = cookies_;
    out.force = options_.force;
    if (mirror == 0)
      out.authorization = item.authorization;
    if (item.urls.size() > 1 && item.size && !item.expected.empty())
      for (auto& x : item.urls)
        out.mirrors.push_back(resource_name(x));
    // What another mirror began has other validators.
    out.restart = anew || (mirror > 0 && out.mirrors.empty());
    out.to_stdout = item.to_stdout;
    out.tries = options_.line.tries;
    out.has_daemon = setup_.daemon.has_value();
    out.shown = shown_;
    return out;
  }

  /// What the lines brought, if there was enough to tell.
  static new_rates rates_of(const receipt_entry& x) {
    new_rates out;
    auto time = std::chrono::duration<double>(x.finished - x.started).count();
    if (time < 1 || x.outcome.failure)
      return out;
    for (auto& device : x.view.devices)
      if (device.bytes >= 4_MiB && device.here)
        out[device.id.empty() ? own_line : device.id] =
            static_cast<uint64_t>(static_cast<double>(device.bytes) / time);
    return out;
  }

  static std::string summary(const receipt_entry& x) {
    if (x.outcome.failure)
      return x.from + ": " + x.outcome.failure->text;
    auto time = std::chrono::duration<double>(x.finished - x.started).count();
    auto bytes = x.outcome.bytes - x.outcome.begun;
    auto out = (x.file == "-" ? "standard output" : x.file) + ": "
               + size_text(x.outcome.bytes) + " in " + span_text(time);
    if (time > 0)
      out +=
          ", "
          + rate_text(static_cast<uint64_t>(static_cast<double>(bytes) / time));
    if (!x.outcome.verified_by.empty())
      out += ", as " + x.outcome.verified_by.front() + " says";
    return out;
  }

  /// The files of a Metalink that has come are next.
  std::optional<get_failure> unfold(const get_item& item,
                                    std::deque<get_item>& left) {
    auto files = read_metalink(item.target, options_);
    if (!files) {
      screen_.view().say(files.error().detail);
      return as_failure(files.error());
    }
    if (receipt_.back().outcome.final_url.scheme == "https")
      if (auto wrong = drop_unprotected(*files)) {
        screen_.view().say(wrong->text);
        return wrong;
      }
    for (auto& x : *files)
      if (!x.to_stdout)
        receipt_file_.keep_off_download(x.target);
    if (auto good = receipt_file_.check(); !good) {
      screen_.view().say(good.error().detail);
      return as_failure(good.error());
    }
    left.insert(left.begin(), files->begin(), files->end());
    return std::nullopt;
  }

  void write_receipt() {
    if (!receipt_file_.is_wanted())
      return;
    if (auto done = receipt_file_.write(receipt_text(receipt_)); !done) {
      screen_.view().say(done.error().detail);
      if (first_ == get_exit::done)
        first_ = get_exit::file;
    }
  }

  const get_options& options_;
  http_fields fields_;
  std::shared_ptr<cookie_jar> cookies_;
  receipt_file receipt_file_;
  command_screen screen_;
  std::shared_ptr<board> shown_ = std::make_shared<board>();
  line_setup setup_;
  get_node node_;
  std::vector<receipt_entry> receipt_;
  get_exit first_ = get_exit::done;
};

result<void> make_folder(const std::string& folder) {
  std::error_code ec;
  if (folder.empty() || fs::is_directory(folder, ec))
    return {};
  fs::create_directories(folder, ec);
  if (!ec)
    return {};
  bool denied = ec == std::errc::permission_denied
                || ec == std::errc::operation_not_permitted
                || ec == std::errc::read_only_file_system;
  return make_error(denied ? errc::permission_denied : errc::io_failed,
                    folder + " cannot be made: " + ec.message());
}

/// Where the receipt goes, and what it must leave alone.
receipt_file receipt_for(const get_options& x,
                         const std::vector<get_item>& items) {
  receipt_file out{x.line.receipt};
  out.set_force(x.force);
  if (is_to_stdout(x))
    out.keep_off_stdout();
  for (auto& item : items)
    if (!item.to_stdout)
      out.keep_off_download(item.target);
  for (auto& name : {x.list, x.cookies, x.line.ca_file})
    if (!name.empty())
      out.keep_off(name);
  for (auto& name : x.what)
    out.keep_off(name);
  return out;
}

int fail(const error& why) {
  std::cerr << "peapod: " << why.detail << std::endl;
  return static_cast<int>(as_failure(why).code);
}

} // namespace

int run_get(const get_options& x, const std::string& version) {
  auto items = read_items(x);
  if (!items)
    return fail(items.error());
  auto fields = request_fields(x.line, version);
  if (!fields)
    return fail(fields.error());
  auto cookies = read_cookies(x.cookies);
  if (!cookies)
    return fail(cookies.error());
  (*cookies)->use_sites(lazy_site_lookup());
  if (auto made = make_folder(x.folder); !made)
    return fail(made.error());
  auto receipt = receipt_for(x, *items);
  if (auto good = receipt.check(); !good)
    return fail(good.error());
  // That nobody reads any more is to be said.
  std::signal(SIGPIPE, SIG_IGN);
  get_run run{x, std::move(*fields), std::move(*cookies), std::move(receipt)};
  return run.run(std::move(*items));
}

} // namespace peapod
