#define CAF_SUITE recheck

#include "core/audit.hpp"
#include "tests/actors/scripted_peer.hpp"

#include <caf/test/dsl.hpp>

using namespace peapod;
using namespace peapod::fakes;

namespace {

/// Nothing is compared but what foreign peers brought, at the end.
pod_config without_audit() {
  pod_config out;
  out.audit = 0;
  return out;
}

/// A device with one foreign peer, which is honest unless told otherwise.
struct recheck_fixture : pod_fixture {
  device_ptr x = add_device(without_audit());
  std::function<void(chunk_data&)> lie;
  std::vector<byte_range> brought;

  recheck_fixture() {
    server->size = 4'000'000;
    x->wan->rate = 1'000'000;
    go_online(*x);
  }

  void join(scripted_peer& peer) {
    peer.on_request = [this, &peer](const chunk_request& ask) {
      auto out = scripted_peer::answer_to(ask, false);
      if (lie)
        lie(out);
      brought.push_back(ask.range);
      peer.send(out);
    };
    pass(1500ms);
  }

  std::shared_ptr<browser> download() {
    auto out = connect(*x);
    out->ask(get_file());
    settle();
    return out;
  }

  /// The range of a recheck, if `ask` is one: no lease is as small.
  std::optional<byte_range> recheck_of(const request_head& ask) {
    auto text = ask.fields.find("Range");
    auto range = text ? resolve(*parse_range(*text), server->size)
                      : std::optional<byte_range>{};
    if (!range || range->size() > audit::sample_size)
      return std::nullopt;
    return range;
  }

  /// All rechecks that the origin saw.
  std::vector<byte_range> rechecks() {
    std::vector<byte_range> out;
    for (auto& ask : server->requests)
      if (auto range = recheck_of(ask))
        out.push_back(*range);
    return out;
  }

  bool finishes(const std::shared_ptr<browser>& client) {
    return pass_until([&] { return client->complete; }, 10s)
           && is_content(client->body, {0, server->size});
  }

  /// Whether the client sees that its body is incomplete.
  bool is_reset(const std::shared_ptr<browser>& client) {
    return pass_until([&] { return client->closed; }, 10s) && client->aborted
           && !client->complete;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(recheck_tests, recheck_fixture)

CAF_TEST(what a foreign peer brings is rechecked before the end) {
  scripted_peer peer{*this, *x, std::nullopt};
  join(peer);
  CAF_CHECK(finishes(download()));
  auto ended = status(*x).transfers;
  CAF_REQUIRE_EQUAL(ended.size(), 1u);
  auto taken = ended[0].ledger.bytes_by_source.at(peer.id());
  CAF_CHECK(taken > 1'000'000);
  CAF_CHECK_EQUAL(ended[0].ledger.rechecked, taken);
  auto asked = rechecks();
  CAF_CHECK(!asked.empty() && asked.size() <= audit::samples_per_source);
  for (auto range : asked)
    CAF_CHECK(std::ranges::any_of(
        brought, [&](auto& whole) { return whole.contains(range); }));
}

CAF_TEST(a recheck that finds another version ends the body with a reset) {
  scripted_peer peer{*this, *x, std::nullopt};
  server->twist = [this](const request_head& ask, response_head& head,
                         byte_range&) {
    if (recheck_of(ask))
      head.fields.set("ETag", "\"v2\"");
  };
  join(peer);
  CAF_CHECK(is_reset(download()));
}

CAF_TEST(bytes that the origin does not have end the body with a reset) {
  scripted_peer peer{*this, *x, std::nullopt};
  lie = [](chunk_data& out) {
    peapod::byte_buffer wrong(out.payload.size(), 'X');
    out.payload = slice{std::move(wrong)};
    out.hash = sha256(out.payload.bytes());
  };
  join(peer);
  CAF_CHECK(is_reset(download()));
  auto ended = status(*x).transfers;
  CAF_REQUIRE_EQUAL(ended.size(), 1u);
  CAF_CHECK_EQUAL(ended[0].ledger.rechecked, 0u);
  CAF_CHECK(ended[0].state.find("differs from what the origin says")
            != std::string::npos);
}

CAF_TEST(a recheck that the origin has no time for is repeated) {
  scripted_peer peer{*this, *x, std::nullopt};
  unsigned refused = 0;
  server->twist = [&](const request_head& ask, response_head& head,
                      byte_range& range) {
    if (recheck_of(ask) && refused < 2) {
      ++refused;
      head.status = 503;
      range = {};
    }
  };
  join(peer);
  CAF_CHECK(finishes(download()));
  CAF_CHECK_EQUAL(refused, 2u);
}

CAF_TEST(a recheck whose fetcher crashes is repeated from its start) {
  scripted_peer peer{*this, *x, std::nullopt};
  join(peer);
  auto client = download();
  auto is_recheck = [&] {
    return !server->requests.empty() && recheck_of(server->requests.back());
  };
  CAF_REQUIRE(pass_until(
      [&] {
        // Slow enough that it can be interrupted.
        if (is_recheck())
          x->wan->rate = 20'000;
        return is_recheck();
      },
      10s));
  pass(50ms);
  CAF_CHECK(!client->complete);
  caf::anon_send_exit(x->env->lines.first().fetcher.get(),
                      caf::exit_reason::kill);
  settle();
  start_fetcher(*x);
  auto asked = rechecks();
  CAF_REQUIRE(!asked.empty());
  CAF_CHECK(finishes(client));
  CAF_CHECK(rechecks().at(asked.size()) == asked[0]);
}

CAF_TEST_FIXTURE_SCOPE_END()
