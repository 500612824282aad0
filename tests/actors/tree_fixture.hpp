#pragma once

#include "actors/pod.hpp"
#include "tests/actors/pod_fixture.hpp"

#include <caf/test/dsl.hpp>

namespace peapod::fakes {

/// A device with all of its supervision tree.
struct tree {
  std::shared_ptr<line> wan;
  std::shared_ptr<listener<http_server_stream>> proxy;
  std::unique_ptr<pod> actors;
  std::vector<std::string> log;
  std::vector<std::string> gave_up;
  std::string address;

  environment& env() {
    return actors->env();
  }
};

/// Whole pods on one network, under a virtual clock.
struct tree_fixture : test_coordinator_fixture<> {
  network net;
  std::shared_ptr<origin> server = std::make_shared<origin>();
  std::vector<std::shared_ptr<tree>> devices;
  std::mt19937 random{1};

  ~tree_fixture() override {
    for (auto& x : devices)
      stop(*x);
    devices.clear();
    settle();
  }

  std::shared_ptr<tree> add_device(pod_config config = {}) {
    auto x = std::make_shared<tree>();
    devices.push_back(x);
    x->address = "192.0.2." + std::to_string(devices.size());
    config.name = "device " + std::to_string(devices.size());
    config.trust = trust_mode::open;
    auto entropy = [this](std::span<uint8_t> out) {
      for (auto& byte : out)
        byte = static_cast<uint8_t>(random());
    };
    pod_ports ports;
    x->wan = std::make_shared<line>(net.work, server);
    ports.http = x->wan;
    ports.dialer = std::make_shared<dialer>(net, x->address);
    ports.random = entropy;
    ports.log = [log = &x->log](log_level, const std::string& line) {
      log->push_back(line);
    };
    auto* y = x.get();
    endpoint at{x->address, config.transport_port};
    ports.listen_proxy = [this, y] {
      y->proxy = std::make_shared<listener<http_server_stream>>(
          net.work, endpoint{"127.0.0.1", 3128});
      return result<std::shared_ptr<http_acceptor>>{y->proxy};
    };
    ports.listen_peers = [this, at] {
      auto port = std::make_shared<listener<byte_stream>>(net.work, at);
      net.listeners[at] = port;
      return result<std::shared_ptr<stream_acceptor>>{port};
    };
    ports.open_discovery = [this, y] {
      return result<std::shared_ptr<discovery_port>>{
          std::make_shared<radio>(net, y->address)};
    };
    x->actors = std::make_unique<pod>(
        sys, nullptr, std::move(config), std::move(ports),
        std::make_shared<identity>(identity::generate(entropy)));
    x->actors->start([y](std::string why) { y->gave_up.push_back(why); });
    settle();
    return x;
  }

  /// Ends the tree as `pod::stop` does, which blocks and cannot be used here.
  void stop(tree& x) {
    if (auto root = first(x, "root_supervisor"))
      caf::anon_send_exit(handle_of(*root), caf::exit_reason::user_shutdown);
    pass(20ms);
    x.env().forget_actors();
    x.actors.reset();
  }

  /// Waits until all devices know each other.
  void form_pod() {
    auto whole = [&] {
      return std::ranges::all_of(devices, [&](auto& x) {
        return all(*x, "peer_session").size() == devices.size() - 1;
      });
    };
    CAF_REQUIRE(pass_until(whole));
    pass(500ms); // every session has proven its key
  }

  // -- actors -----------------------------------------------------------------

  std::vector<record_ptr> all(tree& x, const std::string& name) {
    auto out = x.env().live->records();
    std::erase_if(out, [&](auto& who) { return who->name() != name; });
    return out;
  }

  record_ptr first(tree& x, const std::string& name) {
    auto found = all(x, name);
    return found.empty() ? nullptr : found.front();
  }

  caf::actor handle_of(const actor_record& who) {
    return caf::actor_cast<caf::actor>(
        caf::actor_cast<caf::strong_actor_ptr>(who.handle));
  }

  /// Makes an actor throw in its next handler.
  void crash(const record_ptr& who) {
    CAF_REQUIRE(who != nullptr);
    tell_crash(caf::actor_cast<caf::strong_actor_ptr>(who->handle),
               "crashed by a test");
    settle();
  }

  /// Everything that has happened to a device's actors.
  std::vector<pod_event> events(tree& x) {
    auto feed = x.actors->events(0);
    return feed->take(nullptr).items;
  }

  size_t count_events(tree& x, event_kind kind, const std::string& name = {}) {
    auto xs = events(x);
    return static_cast<size_t>(std::ranges::count_if(xs, [&](auto& e) {
      return e.kind == kind && (name.empty() || e.name == name);
    }));
  }

  // -- clients ----------------------------------------------------------------

  std::shared_ptr<browser> download(tree& x) {
    auto out = std::make_shared<browser>(net.work);
    x.proxy->arrive(out);
    settle();
    out->ask(get_file());
    settle();
    return out;
  }

  // -- time -------------------------------------------------------------------

  void settle() {
    do
      consume_messages();
    while (net.work->run() || sched.has_job());
  }

  void pass(duration time, duration step = 5ms) {
    for (; time > 0ms; time -= step) {
      advance_time(step);
      settle();
      for (auto& x : devices)
        x->wan->step(step);
      settle();
    }
  }

  template <class Predicate>
  bool pass_until(Predicate done, duration limit = 60s) {
    for (; limit > 0ms && !done(); limit -= 5ms)
      pass(5ms);
    return done();
  }
};

} // namespace peapod::fakes
