#include "tests/sim/scenario.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <vector>

/// Runs many random pods, and prints how well their lines were used: under the
/// scheduler and under the fixed plans.
namespace {

using namespace peapod::sim;

struct result_of_seed {
  uint64_t seed;
  outcome by;
};

double at(const std::vector<double>& sorted, double share) {
  auto i = static_cast<size_t>(share * static_cast<double>(sorted.size() - 1));
  return sorted[i];
}

void print_distribution(const char* name, std::vector<double> values) {
  std::ranges::sort(values);
  double sum = 0;
  for (auto x : values)
    sum += x;
  std::printf("%-22s %6.3f %6.3f %6.3f %6.3f %6.3f %6.3f %6.3f\n", name,
              values.front(), at(values, 0.01), at(values, 0.05),
              at(values, 0.25), at(values, 0.5),
              sum / static_cast<double>(values.size()), values.back());
}

std::vector<result_of_seed> run_all(uint64_t first, size_t count,
                                    const scenario_limits& limits,
                                    std::optional<fixed_plan> plan) {
  std::vector<result_of_seed> out(count);
  auto workers = std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::future<void>> running;
  std::atomic<size_t> next = 0;
  for (unsigned w = 0; w < workers; ++w)
    running.push_back(std::async(std::launch::async, [&] {
      for (size_t i = next++; i < count; i = next++)
        out[i] = {first + i, run(make_scenario(first + i, limits), plan)};
    }));
  for (auto& x : running)
    x.get();
  return out;
}

std::vector<double> values(const std::vector<result_of_seed>& all,
                           double outcome::*member) {
  std::vector<double> out;
  for (auto& x : all)
    if (x.by.complete)
      out.push_back(x.by.*member);
  return out;
}

/// What pooling promises: to be no slower than any line of the pod alone.
constexpr double promise = 0.98;

void print_share(const char* name, const std::vector<double>& values) {
  auto slower =
      std::ranges::count_if(values, [](double x) { return x < promise; });
  std::printf("slower than %.2f of %-22s %5zu of %zu pods (%.2f %%)\n", promise,
              name, static_cast<size_t>(slower), values.size(),
              100.0 * static_cast<double>(slower)
                  / static_cast<double>(values.size()));
}

/// What may come in vain, by the bytes of the bodies.
constexpr double tolerable_waste = 0.03;

void print_wasteful(const std::vector<double>& waste) {
  auto above = std::ranges::count_if(
      waste, [](double x) { return x > tolerable_waste; });
  std::printf("more than %.2f in vain: %30zu of %zu pods (%.2f %%)\n",
              tolerable_waste, static_cast<size_t>(above), waste.size(),
              100.0 * static_cast<double>(above)
                  / static_cast<double>(waste.size()));
}

size_t print_failures(const std::vector<result_of_seed>& all,
                      const scenario_limits& limits) {
  size_t failures = 0;
  for (auto& x : all)
    if (!x.by.complete || !x.by.exact) {
      ++failures;
      std::printf("FAILED: %s\n  %s\n",
                  describe(make_scenario(x.seed, limits)).c_str(),
                  x.by.problem.empty() ? "wrong bytes" : x.by.problem.c_str());
    }
  return failures;
}

void print_pod(const result_of_seed& x, const scenario_limits& limits) {
  std::printf("%.3f, by the best line %.3f, by the one one picks %.3f, "
              "by the own %.3f, waste %.3f: %s\n",
              x.by.efficiency, x.by.best_line, x.by.picked_line, x.by.own_line,
              x.by.waste, describe(make_scenario(x.seed, limits)).c_str());
}

void print_worst(std::vector<result_of_seed> all, size_t count,
                 const scenario_limits& limits) {
  std::ranges::sort(all, {}, [](auto& x) { return x.by.efficiency; });
  for (size_t i = 0; i < std::min(count, all.size()); ++i)
    print_pod(all[i], limits);
}

void print_slow(std::vector<result_of_seed> all,
                const scenario_limits& limits) {
  std::ranges::sort(all, {}, [](auto& x) { return x.by.best_line; });
  for (auto& x : all)
    if (x.by.best_line < promise || x.by.own_line < promise)
      print_pod(x, limits);
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app{"Random pods under a virtual clock: how well are the lines of "
               "all devices used?"};
  size_t pods = 1000;
  uint64_t seed = 1;
  size_t worst = 5;
  bool rivals = true;
  scenario_limits limits;
  bool calm = false;
  app.add_option("--pods", pods, "how many")->check(CLI::Range(1, 10000000));
  app.add_option("--seed", seed, "of the first; the others follow");
  app.add_option("--worst", worst, "print so many of the worst");
  app.add_option("--min-devices", limits.min_devices)->check(CLI::Range(2, 64));
  app.add_option("--max-devices", limits.max_devices)->check(CLI::Range(2, 64));
  std::optional<uint64_t> shown;
  app.add_option("--show", shown, "tell how the pod of this seed goes");
  bool slow = false;
  app.add_flag("--slow", slow,
               "print all that are slower than their best line");
  bool old = false;
  app.add_flag("--protocol-1", old,
               "all peers speak protocol 1, which does not "
               "stream");
  app.add_flag("--calm", calm, "nothing happens to any device");
  app.add_flag("--origins", limits.origins,
               "origins limit connections, or refuse devices");
  app.add_option("--audit", limits.audit,
                 "percent of the blocks of peers that are sampled")
      ->check(CLI::Range(0, 100));
  app.add_flag("!--no-rivals", rivals, "leave the fixed plans out");
  CLI11_PARSE(app, argc, argv);
  limits.incidents = !calm;
  limits.secure = !old;
  if (shown) {
    std::fputs(trace(make_scenario(*shown, limits)).c_str(), stdout);
    return 0;
  }
  auto ours = run_all(seed, pods, limits, std::nullopt);
  auto failures = print_failures(ours, limits);
  std::printf("%zu pods of %zu to %zu devices, seeds %llu to %llu\n\n", pods,
              limits.min_devices, limits.max_devices,
              static_cast<unsigned long long>(seed),
              static_cast<unsigned long long>(seed + pods - 1));
  std::printf("%-22s %6s %6s %6s %6s %6s %6s %6s\n", "efficiency", "min", "1%",
              "5%", "25%", "median", "mean", "max");
  if (failures < pods)
    print_distribution("pull queue", values(ours, &outcome::efficiency));
  if (rivals)
    for (auto [name, plan] : {std::pair{"round robin", fixed_plan::round_robin},
                              std::pair{"weighted", fixed_plan::weighted},
                              std::pair{"single peer", fixed_plan::single}})
      if (auto all =
              values(run_all(seed, pods, limits, plan), &outcome::efficiency);
          !all.empty())
        print_distribution(name, all);
  if (failures < pods) {
    std::printf("\n");
    print_distribution("by the best line", values(ours, &outcome::best_line));
    print_distribution("by the line one picks",
                       values(ours, &outcome::picked_line));
    print_distribution("by the own line", values(ours, &outcome::own_line));
    print_distribution("bytes in vain", values(ours, &outcome::waste));
    std::printf("\n");
    print_share("the best line:", values(ours, &outcome::best_line));
    print_share("the line one picks:", values(ours, &outcome::picked_line));
    print_share("the own line:", values(ours, &outcome::own_line));
    print_wasteful(values(ours, &outcome::waste));
  }
  if (slow) {
    std::printf("\nSlower than their best line:\n");
    print_slow(ours, limits);
  }
  std::printf("\nThe worst:\n");
  print_worst(ours, worst, limits);
  return failures == 0 ? 0 : 1;
}
