#include "hosts/get/get_run.hpp"

#include "hosts/common/size_text.hpp"
#include "hosts/common/state_file.hpp"
#include "hosts/common/time_text.hpp"
#include "hosts/get/command_screen.hpp"
#include "hosts/get/get_items.hpp"
#include "hosts/get/get_node.hpp"
#include "hosts/get/receipt.hpp"

#include <chrono>
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

/// One run of the command.
class get_run {
public:
  get_run(const get_options& x, http_fields fields,
          std::shared_ptr<cookie_jar> cookies)
    : options_(x),
      fields_(std::move(fields)),
      cookies_(std::move(cookies)),
      screen_(x.line.progress),
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
  /// One file, from the first mirror that has it.
  std::optional<get_failure> get(const get_item& item) {
    std::optional<get_failure> out;
    for (size_t i = 0; i < item.urls.size(); ++i) {
      out = get_from(item, i);
      if (!out || node_.is_interrupted()
          || (out->code != get_exit::network && out->code != get_exit::tls
              && out->code != get_exit::http))
        break;
    }
    return out;
  }

  std::optional<get_failure> get_from(const get_item& item, size_t mirror) {
    receipt_entry entry;
    entry.from = resource_name(item.urls[mirror]);
    entry.file = item.target.string();
    entry.started = std::chrono::system_clock::now();
    shown_->begin(item.target.filename().string());
    screen_.view().begin();
    auto promise = std::make_shared<std::promise<download_outcome>>();
    auto future = promise->get_future();
    auto task = task_for(item, mirror);
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
    screen_.view().finish(entry.view, summary(entry), failure);
    receipt_.push_back(std::move(entry));
    return failure;
  }

  download_task task_for(const get_item& item, size_t mirror) {
    download_task out;
    out.from = item.urls[mirror];
    out.target = item.target;
    out.size = item.size;
    out.expected = item.expected;
    out.fields = fields_;
    out.cookies = cookies_;
    out.force = options_.force;
    // What another mirror began has other validators.
    out.restart = options_.restart || mirror > 0;
    out.tries = options_.line.tries;
    out.has_daemon = setup_.daemon.has_value();
    out.shown = shown_;
    return out;
  }

  static std::string summary(const receipt_entry& x) {
    if (x.outcome.failure)
      return x.from + ": " + x.outcome.failure->text;
    auto time = std::chrono::duration<double>(x.finished - x.started).count();
    auto bytes = x.outcome.bytes - x.outcome.begun;
    auto out =
        x.file + ": " + size_text(x.outcome.bytes) + " in " + span_text(time);
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
    left.insert(left.begin(), files->begin(), files->end());
    return std::nullopt;
  }

  void write_receipt() {
    auto& file = options_.line.receipt;
    if (file.empty())
      return;
    if (auto done =
            write_state_file(fs::absolute(file), receipt_text(receipt_));
        !done) {
      screen_.view().say(to_string(done.error()));
      if (first_ == get_exit::done)
        first_ = get_exit::file;
    }
  }

  const get_options& options_;
  http_fields fields_;
  std::shared_ptr<cookie_jar> cookies_;
  command_screen screen_;
  std::shared_ptr<board> shown_ = std::make_shared<board>();
  line_setup setup_;
  get_node node_;
  std::vector<receipt_entry> receipt_;
  get_exit first_ = get_exit::done;
};

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
  get_run run{x, std::move(*fields), std::move(*cookies)};
  return run.run(std::move(*items));
}

} // namespace peapod
