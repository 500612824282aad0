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

  ~tree_fixture() override;

  std::shared_ptr<tree> add_device(pod_config config = {});

  /// Ends the tree as `pod::stop` does, which blocks and cannot be used here.
  void stop(tree& x);

  /// Waits until all devices know each other.
  void form_pod();

  // -- actors -----------------------------------------------------------------

  std::vector<record_ptr> all(tree& x, const std::string& name);

  record_ptr first(tree& x, const std::string& name);

  caf::actor handle_of(const actor_record& who);

  /// Makes an actor throw in its next handler.
  void crash(const record_ptr& who);

  /// Everything that has happened to a device's actors.
  std::vector<pod_event> events(tree& x);

  size_t count_events(tree& x, event_kind kind, const std::string& name = {});

  // -- clients ----------------------------------------------------------------

  std::shared_ptr<browser> download(tree& x);

  // -- time -------------------------------------------------------------------

  void settle();

  void pass(duration time, duration step = 5ms);

  template <class Predicate>
  bool pass_until(Predicate done, duration limit = 60s) {
    for (; limit > 0ms && !done(); limit -= 5ms)
      pass(5ms);
    return done();
  }
};

} // namespace peapod::fakes
