#pragma once

#include "actors/environment.hpp"
#include "actors/sharing.hpp"
#include "tests/actors/fake_browser.hpp"
#include "tests/actors/fake_network.hpp"
#include "tests/actors/fake_origin.hpp"

#include <caf/test/dsl.hpp>

#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace peapod::fakes {

inline request_head get(const std::string& url_text) {
  request_head out;
  out.method = "GET";
  out.target = *parse_url(url_text);
  return out;
}

inline request_head get_file() {
  return get("http://origin.example/file");
}

/// What a test says of a line.
struct probe : line_probe {
  line_look now;
  result<public_addresses> seen = make_error(errc::timed_out, "nobody answers");
  bool server = false; ///< there is somebody to ask
  unsigned asked = 0;

  line_look look() override {
    return now;
  }
  bool can_ask() const override {
    return server;
  }
  void ask(handler<public_addresses> done) override {
    ++asked;
    done(seen);
  }
};

/// A device whose actors run on the test's coordinator.
struct device {
  environment_ptr env = std::make_shared<environment>();
  std::shared_ptr<line> wan;
  std::vector<std::shared_ptr<line>> lines; ///< of its own, if it has several
  std::vector<std::shared_ptr<probe>> probes;
  std::shared_ptr<tunnel_targets> targets;
  std::shared_ptr<listener<byte_stream>> peers;
  std::shared_ptr<listener<http_server_stream>> proxy;
  std::shared_ptr<radio> group;
  std::shared_ptr<networks> around;
  std::vector<std::string> log;
  std::vector<caf::strong_actor_ptr> actors; ///< in the order of their start
};

using device_ptr = std::shared_ptr<device>;

/// A network of devices in one process, under a virtual clock. The actors of
/// each device start as they do in a pod, without its supervision tree.
struct pod_fixture : test_coordinator_fixture<> {
  network net;
  std::shared_ptr<origin> server = std::make_shared<origin>();
  std::vector<device_ptr> devices;
  std::vector<std::function<void()>> each_step; ///< runs while time passes
  std::mt19937 random{1};
  bool trusting = true; ///< new devices take everybody, whatever they speak

  ~pod_fixture() override;

  /// A device with its scheduler, its line and its supervisors, but without
  /// anything that listens. With `lines` it has these instead of one.
  device_ptr add_device(pod_config config = {},
                        const std::vector<std::string>& lines = {});

  /// Starts the actor that fetches, or its successor.
  void start_fetcher(device& x);

  /// Starts the roster, or its successor.
  void start_roster(device& x);

  /// Starts what listens: for peers, in the group, for clients.
  void go_online(device& x);

  /// A client connects to the proxy of `x`.
  std::shared_ptr<browser> connect(device& x);

  std::string address_of(const device& x) const;

  /// Runs messages and callbacks until nothing is left to do now.
  void settle();

  /// Lets time pass.
  void pass(duration time, duration step = 5ms);

  /// Lets time pass until `done` or for `limit`; returns what is left of it.
  template <class Predicate>
  bool pass_until(Predicate done, duration limit = 60s) {
    for (; limit > 0ms && !done(); limit -= 5ms)
      pass(5ms);
    return done();
  }

  /// Asks a typed actor and returns its answer.
  template <class Answer, class Handle, class Question>
  Answer ask(const Handle& whom, Question question) {
    auto handle = self->request(whom, caf::infinite, std::move(question));
    settle();
    Answer out{};
    handle.receive([&](Answer& x) { out = std::move(x); },
                   [&](caf::error& x) { CAF_FAIL(sys.render(x)); });
    return out;
  }

  pod_status status(device& x);

  uint64_t children(const supervisor_actor& x);

  void stop(device& x);

private:
  void add_lines(device& x, const std::vector<std::string>& names);

  template <class Handle, class State, class Behavior>
  void start(device& x, current<Handle>& slot, Behavior behavior);

  template <class Handle, class State, class Behavior, class Port>
  Handle start_port(device& x, Behavior behavior, Port port);

  void start_crowd(device& x, std::string name, std::string child,
                   current<supervisor_actor>& slot);
};

/// Whether `text` is the content of `range`, exactly.
inline bool is_content(const std::string& text, byte_range range) {
  return text == content(range).text();
}

} // namespace peapod::fakes
