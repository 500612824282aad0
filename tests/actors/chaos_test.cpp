#define CAF_SUITE chaos

#include "tests/actors/tree_fixture.hpp"

#include <caf/test/dsl.hpp>

using namespace peapod;
using namespace peapod::fakes;

namespace {

constexpr size_t downloads = 200;
constexpr size_t at_a_time = 10;

struct chaos_fixture : tree_fixture {
  std::vector<std::shared_ptr<browser>> running;
  size_t begun = 0;
  size_t exact = 0;
  size_t failed = 0;
  size_t crashes = 0;

  void form() {
    pod_config config;
    config.restart_intensity = 1'000'000; // giving up has tests of its own
    for (int i = 0; i < 3; ++i)
      add_device(config)->wan->rate = 20'000'000;
    form_pod();
    server->size = 3'000'000;
  }

  /// One that stands for one peer, body or client, or fetches.
  void crash_a_leaf() {
    static const std::vector<std::string> leaves{
        "peer_session", "transfer", "wan_fetcher", "proxy_connection"};
    auto& x = *devices[random() % devices.size()];
    auto candidates = all(x, leaves[random() % leaves.size()]);
    if (candidates.empty())
      return;
    crash(candidates[random() % candidates.size()]);
    ++crashes;
  }

  void keep_downloading() {
    std::erase_if(running, [&](auto& x) {
      if (!x->complete && !x->closed)
        return false;
      note(*x);
      return true;
    });
    for (; begun < downloads && running.size() < at_a_time; ++begun)
      running.push_back(download(*devices[begun % devices.size()]));
  }

  /// A body is exact, or its client sees that it is not.
  void note(browser& x) {
    x.hang_up();
    CAF_CHECK(is_content(x.body, {0, x.body.size()}));
    if (x.complete) {
      CAF_CHECK_EQUAL(x.body.size(), server->size);
      ++exact;
    } else {
      CAF_CHECK(x.aborted);
      ++failed;
    }
  }

  size_t living() {
    size_t out = 0;
    for (auto& x : devices)
      out += x->env().live->records().size();
    return out;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(chaos_tests, chaos_fixture)

CAF_TEST(every body is exact or fails visibly while leaves crash) {
  form();
  auto before = living();
  auto running_before = sys.registry().running();
  for (size_t turns = 0; turns < 100'000; ++turns) {
    keep_downloading();
    if (begun == downloads && running.empty())
      break;
    pass(50ms);
    crash_a_leaf();
  }
  CAF_MESSAGE(exact << " exact, " << failed << " failed, " << crashes
                    << " crashes");
  CAF_CHECK_EQUAL(exact + failed, downloads);
  CAF_CHECK(exact > downloads / 4);
  CAF_CHECK(failed > 0); // so the crashes did hit downloads
  CAF_CHECK(crashes > 50);
  // Nothing is left of them: no actor, no exchange, no connection.
  pass(60s, 50ms);
  CAF_CHECK_EQUAL(living(), before);
  CAF_CHECK_EQUAL(sys.registry().running(), running_before);
  for (auto& x : devices) {
    CAF_CHECK(x->wan->exchanges.empty());
    CAF_CHECK_EQUAL(x->env().counters.active.load(), 0u);
    CAF_CHECK_EQUAL(x->env().counters.busy.load(), 0u);
    CAF_CHECK_EQUAL(x->env().serving->used(), 0u);
  }
}

CAF_TEST_FIXTURE_SCOPE_END()
