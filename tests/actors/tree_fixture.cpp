#include "tests/actors/tree_fixture.hpp"

#include <algorithm>
#include <utility>

namespace peapod::fakes {

tree_fixture::~tree_fixture() {
  for (auto& x : devices)
    stop(*x);
  devices.clear();
  settle();
}

std::shared_ptr<tree> tree_fixture::add_device(pod_config config) {
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

void tree_fixture::stop(tree& x) {
  if (auto root = first(x, "root_supervisor"))
    caf::anon_send_exit(handle_of(*root), caf::exit_reason::user_shutdown);
  pass(20ms);
  x.env().forget_actors();
  x.actors.reset();
}

void tree_fixture::form_pod() {
  auto whole = [&] {
    return std::ranges::all_of(devices, [&](auto& x) {
      return all(*x, "peer_session").size() == devices.size() - 1;
    });
  };
  CAF_REQUIRE(pass_until(whole));
  pass(500ms); // every session has proven its key
}

std::vector<record_ptr> tree_fixture::all(tree& x, const std::string& name) {
  auto out = x.env().live->records();
  std::erase_if(out, [&](auto& who) { return who->name() != name; });
  return out;
}

record_ptr tree_fixture::first(tree& x, const std::string& name) {
  auto found = all(x, name);
  return found.empty() ? nullptr : found.front();
}

caf::actor tree_fixture::handle_of(const actor_record& who) {
  return caf::actor_cast<caf::actor>(
      caf::actor_cast<caf::strong_actor_ptr>(who.handle));
}

void tree_fixture::crash(const record_ptr& who) {
  CAF_REQUIRE(who != nullptr);
  tell_crash(caf::actor_cast<caf::strong_actor_ptr>(who->handle),
             "crashed by a test");
  settle();
}

std::vector<pod_event> tree_fixture::events(tree& x) {
  auto feed = x.actors->events(0);
  return feed->take(nullptr).items;
}

size_t tree_fixture::count_events(tree& x, event_kind kind,
                                  const std::string& name) {
  auto xs = events(x);
  return static_cast<size_t>(std::ranges::count_if(xs, [&](auto& e) {
    return e.kind == kind && (name.empty() || e.name == name);
  }));
}

std::shared_ptr<browser> tree_fixture::download(tree& x) {
  auto out = std::make_shared<browser>(net.work);
  x.proxy->arrive(out);
  settle();
  out->ask(get_file());
  settle();
  return out;
}

void tree_fixture::settle() {
  do
    consume_messages();
  while (net.work->run() || sched.has_job());
}

void tree_fixture::pass(duration time, duration step) {
  for (; time > 0ms; time -= step) {
    advance_time(step);
    settle();
    for (auto& x : devices)
      x->wan->step(step);
    settle();
  }
}

} // namespace peapod::fakes
