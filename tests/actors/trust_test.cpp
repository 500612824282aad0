#define CAF_SUITE trust

#include "tests/actors/pod_fixture.hpp"

#include <caf/test/dsl.hpp>

using namespace peapod;
using namespace peapod::fakes;

namespace {

struct trust_fixture : pod_fixture {
  std::vector<trust_store> saved;
  bool can_save = true;

  /// Two devices with a session, of which the first saves.
  void form_pod(pod_config config = {}) {
    for (int i = 0; i < 2; ++i) {
      auto x = add_device(config);
      x->env->ports.save_trust = [this](const trust_store& now) {
        if (!can_save)
          return result<void>{make_error(errc::io_failed, "the disk is full")};
        saved.push_back(now);
        return result<void>{};
      };
      go_online(*x);
    }
    CAF_REQUIRE(pass_until([&] { return is_connected(); }));
  }

  peer_status peer() {
    auto all = status(*devices[0]).peers;
    CAF_REQUIRE_EQUAL(all.size(), 1u);
    return all.front();
  }

  bool is_connected() {
    auto all = status(*devices[0]).peers;
    return !all.empty() && all.front().state == "connected";
  }

  result<peer_status> change(std::string who, bool trusted,
                             std::vector<std::string> code = {}) {
    return ask<trust_change>(
               devices[0]->env->roster.get(),
               change_trust{std::move(who), trusted, std::move(code)})
        .outcome;
  }

  /// What names the second device without a doubt.
  std::string whole_id() {
    return to_string(devices[1]->env->self->device());
  }

  /// Two devices that show each other their words.
  void wait_for_people() {
    trusting = false;
    for (int i = 0; i < 2; ++i)
      go_online(*add_device());
    CAF_REQUIRE(pass_until([&] {
      auto all = status(*devices[0]).peers;
      return !all.empty() && !all.front().code.empty();
    }));
  }

  /// How often the first device told of an event.
  size_t told(event_kind kind) {
    size_t out = 0;
    auto feed = devices[0]->env->live->events().follow(0);
    for (auto& x : feed->take({}).items)
      out += x.kind == kind;
    return out;
  }

  trust_store& store() {
    return *devices[0]->env->ports.trust;
  }

  const public_key& key_of_other() {
    return devices[1]->env->self->key();
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(trust_tests, trust_fixture)

CAF_TEST(a device is let in by its whole id and that is saved and told) {
  form_pod();
  CAF_CHECK_EQUAL(peer().trust, "open");
  auto changed = change(whole_id(), true);
  CAF_REQUIRE(changed);
  CAF_CHECK_EQUAL(changed->name, "device 2");
  CAF_CHECK_EQUAL(changed->trust, "trusted");
  CAF_CHECK_EQUAL(changed->state, "connected");
  CAF_CHECK_EQUAL(peer().trust, "trusted");
  CAF_REQUIRE_EQUAL(saved.size(), 1u);
  CAF_CHECK(saved[0].is_trusted(key_of_other()));
  CAF_CHECK(saved[0] == store());
  CAF_CHECK(saved[0].list()[0].since > 1'700'000'000);
  CAF_CHECK_EQUAL(told(event_kind::peer_trusted), 1u);
}

CAF_TEST(a device is let out by its name or the beginning of its id) {
  form_pod();
  for (auto& who : {whole_id(), whole_id().substr(0, 6), peer().name}) {
    CAF_REQUIRE(change(whole_id(), true));
    CAF_CHECK(change(who, false));
    CAF_CHECK(!store().is_trusted(key_of_other()));
  }
}

CAF_TEST(without words only a whole id lets in) {
  form_pod();
  for (auto& who :
       {peer().name, whole_id().substr(0, 4), whole_id().substr(0, 31)}) {
    auto refused = change(who, true);
    CAF_REQUIRE(!refused);
    CAF_CHECK(refused.error().code == errc::mismatch);
    CAF_CHECK(refused.error().detail.find("whole id") != std::string::npos);
  }
  CAF_CHECK(saved.empty());
  CAF_CHECK(change(whole_id(), true));
  // Whoever is in already is so by any name.
  CAF_CHECK(change("device 2", true));
}

CAF_TEST(a name lets in only whose words were compared) {
  wait_for_people();
  auto words = peer().code;
  auto others = words;
  std::swap(others[0], others[1]);
  CAF_REQUIRE(others != words);
  for (auto& wrong :
       {std::vector<std::string>{}, others, {words[0]}, {"a", "b", "c", "d"}}) {
    auto refused = change("device 2", true, wrong);
    CAF_REQUIRE(!refused);
    CAF_CHECK(refused.error().code == errc::mismatch);
    CAF_CHECK(!change(whole_id().substr(0, 8), true, wrong));
  }
  CAF_CHECK(!change(whole_id(), true, others));
  CAF_CHECK(!store().is_trusted(key_of_other()));
  CAF_CHECK(change("device 2", true, words));
  CAF_CHECK(store().is_trusted(key_of_other()));
  auto& log = devices[0]->log;
  CAF_CHECK(std::ranges::any_of(log, [&](auto& line) {
    return line.find("trusted by the words " + words[0]) != std::string::npos;
  }));
}

CAF_TEST(a peer is remembered before any number of strangers) {
  form_pod();
  auto strange = key_of_other();
  for (int i = 0; i < 5000; ++i) {
    strange.bytes[0] = static_cast<uint8_t>(i);
    strange.bytes[1] = static_cast<uint8_t>(i >> 8);
    strange.bytes[2] = 0xff;
    store().note_protocol(strange, 2);
  }
  CAF_CHECK(!store().may_speak(key_of_other(), 1));
}

CAF_TEST(a device that is let out loses its session at once) {
  form_pod();
  CAF_REQUIRE(change(whole_id(), true));
  auto changed = change("device 2", false);
  CAF_REQUIRE(changed);
  CAF_CHECK_EQUAL(changed->trust, "stranger");
  settle();
  CAF_CHECK(!is_connected());
  CAF_CHECK_EQUAL(saved.size(), 2u);
  CAF_CHECK(saved.back() == store());
  CAF_CHECK_EQUAL(told(event_kind::peer_untrusted), 1u);
}

CAF_TEST(nobody is let in whom nobody knows) {
  form_pod();
  CAF_CHECK(change("device 3", true).error().code == errc::not_found);
  CAF_CHECK(change("", true).error().code == errc::not_found);
  CAF_CHECK(saved.empty());
}

CAF_TEST(a name of several devices is refused) {
  form_pod();
  public_key other;
  other.bytes[0] = 9;
  CAF_REQUIRE(store().trust(other, "device 2", 1, trust_origin::paired));
  CAF_CHECK(change("device 2", true).error().code == errc::mismatch);
}

CAF_TEST(trust that cannot be saved is not given) {
  form_pod();
  can_save = false;
  auto changed = change(whole_id(), true);
  CAF_REQUIRE(!changed);
  CAF_CHECK_EQUAL(changed.error().detail, "the disk is full");
  CAF_CHECK_EQUAL(peer().trust, "open");
  CAF_CHECK_EQUAL(told(event_kind::peer_trusted), 0u);
}

CAF_TEST(trust that is taken back is gone even if that cannot be saved) {
  form_pod();
  CAF_REQUIRE(change(whole_id(), true));
  can_save = false;
  CAF_CHECK(!change("device 2", false));
  settle();
  CAF_CHECK(!store().is_trusted(key_of_other()));
  CAF_CHECK(!is_connected());
}

CAF_TEST(trusted devices are listed and let out while they are away) {
  form_pod();
  public_key key;
  key.bytes[0] = 9;
  CAF_REQUIRE(store().trust(key, "tablet", 1, trust_origin::paired));
  auto all = status(*devices[0]).peers;
  CAF_REQUIRE_EQUAL(all.size(), 2u);
  CAF_CHECK_EQUAL(all[1].name, "tablet");
  CAF_CHECK_EQUAL(all[1].state, "away");
  CAF_CHECK_EQUAL(all[1].trust, "trusted");
  auto changed = change("tablet", false);
  CAF_REQUIRE(changed);
  CAF_CHECK_EQUAL(changed->name, "tablet");
  CAF_CHECK_EQUAL(status(*devices[0]).peers.size(), 1u);
}

CAF_TEST(a trusted device that calls itself anew is found by the new name) {
  for (int i = 0; i < 2; ++i)
    add_device();
  CAF_REQUIRE(devices[0]->env->ports.trust->trust(key_of_other(), "old name", 1,
                                                  trust_origin::paired));
  for (auto& x : devices)
    go_online(*x);
  CAF_REQUIRE(pass_until([&] { return is_connected(); }));
  CAF_CHECK_EQUAL(store().list()[0].name, "device 2");
}

CAF_TEST(two devices wait for people and show the same code) {
  wait_for_people();
  auto seen = peer();
  CAF_CHECK_EQUAL(seen.state, "waiting");
  CAF_CHECK_EQUAL(seen.trust, "waiting");
  auto other = status(*devices[1]).peers.at(0);
  CAF_CHECK(seen.code == other.code);
  CAF_CHECK_EQUAL(seen.code.size(), 4u);
  // One person says yes, then the other.
  CAF_REQUIRE(change("device 2", true, seen.code));
  settle();
  CAF_CHECK_EQUAL(peer().trust, "trusted");
  CAF_CHECK_EQUAL(peer().state, "waiting");
  CAF_CHECK(!is_connected());
  auto answer = ask<trust_change>(devices[1]->env->roster.get(),
                                  change_trust{"device 1", true, seen.code});
  CAF_CHECK(answer.outcome.has_value());
  settle();
  CAF_CHECK(is_connected());
  CAF_CHECK(peer().code.empty());
}

CAF_TEST(a device that was let out stays out where everybody is let in) {
  form_pod();
  CAF_REQUIRE(change("device 2", false));
  CAF_CHECK(pass_until([&] { return peer().state == "waiting"; }, 30s));
  CAF_CHECK_EQUAL(peer().trust, "waiting");
  CAF_REQUIRE(change(whole_id(), true));
  settle();
  CAF_CHECK(is_connected());
}

CAF_TEST(what a key has spoken is saved now and then and at the end) {
  form_pod();
  pass(31s, 250ms);
  // Both devices save: each of them once.
  CAF_REQUIRE_EQUAL(saved.size(), 2u);
  auto knows = [&](auto& x) { return !x.may_speak(key_of_other(), 1); };
  CAF_CHECK_EQUAL(std::ranges::count_if(saved, knows), 1);
}

CAF_TEST(a roster that restarts trusts whom the one before trusted) {
  form_pod();
  CAF_REQUIRE(change(whole_id(), true));
  auto& x = *devices[0];
  caf::anon_send_exit(x.env->roster.get(), caf::exit_reason::kill);
  settle();
  start_roster(x);
  settle();
  CAF_CHECK_EQUAL(peer().trust, "trusted");
  CAF_CHECK_EQUAL(peer().state, "away");
}

CAF_TEST_FIXTURE_SCOPE_END()
