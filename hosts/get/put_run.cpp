#include "hosts/get/put_run.hpp"

#include "hosts/common/json_text.hpp"
#include "hosts/common/size_text.hpp"
#include "hosts/common/time_text.hpp"
#include "hosts/get/command_screen.hpp"
#include "hosts/get/get_node.hpp"
#include "hosts/get/put_task.hpp"
#include "hosts/get/rates_file.hpp"
#include "hosts/get/receipt_file.hpp"

#include <boost/json.hpp>

#include <chrono>
#include <csignal>
#include <future>
#include <iostream>

namespace peapod {

namespace {

using namespace std::chrono_literals;
using std::chrono::system_clock;
namespace json = boost::json;

constexpr auto redraw_interval = 200ms;

/// What is to be kept about an upload.
struct put_receipt {
  upload_outcome outcome;
  board_view view;
  std::string file;
  system_clock::time_point started;
  system_clock::time_point finished;
};

double seconds_of(const put_receipt& x) {
  return std::chrono::duration<double>(x.finished - x.started).count();
}

std::string receipt_text(const put_receipt& x) {
  json::array devices;
  for (auto& device : x.view.devices)
    devices.push_back(
        {{"id", device.id.empty() ? json::value() : json::value(device.id)},
         {"name", clean_utf8(device.name)},
         {"bytes", device.bytes}});
  json::object out{
      {"file", clean_utf8(x.file)},
      {"place", clean_utf8(x.outcome.place)},
      {"protocol", x.outcome.protocol},
      {"complete", !x.outcome.failure.has_value()},
      {"bytes", x.outcome.bytes},
      {"parts", x.outcome.parts},
      {"devices", std::move(devices)},
      {"duplicate_bytes", x.outcome.repeated},
      {"failures", x.outcome.failures},
      {"started", rfc3339(x.started)},
      {"finished", rfc3339(x.finished)},
      {"seconds", json_number(seconds_of(x))},
  };
  if (x.outcome.failure)
    out["error"] = {{"code", static_cast<int>(x.outcome.failure->code)},
                    {"text", clean_utf8(x.outcome.failure->text)}};
  return json::serialize(json::object{{"upload", std::move(out)}}) + "\n";
}

std::string summary(const put_receipt& x) {
  if (x.outcome.failure)
    return x.file + ": " + x.outcome.failure->text;
  auto time = seconds_of(x);
  auto rate = time > 0 ? static_cast<double>(x.outcome.bytes) / time : 0;
  return x.file + ": " + size_text(x.outcome.bytes) + " in " + span_text(time)
         + ", " + rate_text(static_cast<uint64_t>(rate)) + ", now at "
         + x.outcome.place;
}

/// Where the receipt goes, and what it must leave alone.
receipt_file receipt_for(const put_options& x) {
  receipt_file out{x.line.receipt};
  out.set_force(x.force);
  for (auto& name : {x.file, x.part_urls, x.line.ca_file})
    if (!name.empty())
      out.keep_off(name);
  return out;
}

int fail(const error& why) {
  std::cerr << "peapod: " << why.detail << std::endl;
  return static_cast<int>(as_failure(why).code);
}

} // namespace

int run_put(const put_options& x, const std::string& version) {
  auto task = make_upload_task(x, version);
  if (!task)
    return fail(task.error());
  auto kept = receipt_for(x);
  if (auto good = kept.check(); !good)
    return fail(good.error());
  // That nobody reads any more is to be said.
  std::signal(SIGPIPE, SIG_IGN);
  command_screen screen{x.line.progress};
  auto shown = std::make_shared<board>();
  shown->begin(task->plan.name);
  auto promise = std::make_shared<std::promise<upload_outcome>>();
  auto future = promise->get_future();
  task->shown = shown;
  task->known = read_line_rates(x.line.state_dir);
  task->done = [promise](upload_outcome y) {
    promise->set_value(std::move(y));
  };
  put_receipt receipt;
  receipt.file = x.file;
  receipt.started = system_clock::now();
  {
    auto setup = make_line_setup(x.line, shown);
    if (setup.daemon)
      task->lines += setup.daemon->peers.size();
    get_node node{std::move(setup)};
    node.start(std::move(*task));
    while (future.wait_for(redraw_interval) != std::future_status::ready)
      screen.view().show(shown->take(), screen.now());
  }
  receipt.outcome = future.get();
  receipt.finished = system_clock::now();
  receipt.view = shown->take();
  keep_line_rates(x.line.state_dir, receipt.outcome.rates, {});
  auto& failure = receipt.outcome.failure;
  screen.view().finish(receipt.view, summary(receipt), failure);
  auto code = failure ? failure->code : get_exit::done;
  if (kept.is_wanted())
    if (auto done = kept.write(receipt_text(receipt)); !done) {
      screen.view().say(done.error().detail);
      if (!failure)
        code = get_exit::file;
    }
  return static_cast<int>(code);
}

} // namespace peapod
