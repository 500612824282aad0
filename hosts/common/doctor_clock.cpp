#include "hosts/common/doctor_rules.hpp"
#include "hosts/common/json_text.hpp"
#include "hosts/common/time_text.hpp"

#include <chrono>
#include <cmath>

namespace peapod::rules {

namespace {

using enum finding_severity;
using namespace std::chrono_literals;

/// Files come from other machines, too: a day is beyond what clocks drift.
constexpr auto much_for_files = 24h;

/// Answers take a while, and origins have clocks of their own.
constexpr double much_for_origins = 180; // seconds

constexpr auto fix = "Set the clock: timedatectl set-ntp true.";

std::string minute_of(std::chrono::system_clock::time_point x) {
  return rfc3339(x).substr(0, 16) + "Z";
}

finding wrong_clock(bool behind, std::string evidence) {
  return {"clock-wrong",
          problem,
          std::string{"The clock of this device is "}
              + (behind ? "behind" : "ahead")
              + ": certificates do not hold, and quotas of the day and month "
                "are counted wrongly.",
          {std::move(evidence)},
          fix};
}

/// By those who answer the daemon.
std::optional<finding> by_origins(const doctor_facts& x) {
  if (!x.status || !x.status->clock)
    return std::nullopt;
  auto& clock = *x.status->clock;
  if (std::abs(clock.behind) <= much_for_origins)
    return std::nullopt;
  auto shown = std::chrono::duration_cast<std::chrono::system_clock::duration>(
      std::chrono::duration<double>(clock.behind));
  return wrong_clock(clock.behind > 0,
                     "it shows " + minute_of(x.now) + ", but the answers of "
                         + std::to_string(clock.hosts)
                         + " hosts to the daemon within the last hour say "
                         + minute_of(x.now + shown) + " by their median: it is "
                         + age_text(std::abs(clock.behind)) + " off");
}

/// By what this device has written.
std::optional<finding> by_files(const doctor_facts& x) {
  if (x.now + much_for_files >= x.newest)
    return std::nullopt;
  return wrong_clock(true, "it shows " + minute_of(x.now) + ", but "
                               + x.newest_file + " was written at "
                               + minute_of(x.newest));
}

} // namespace

void judge_clock(const doctor_facts& x, findings& out) {
  auto wrong = by_origins(x);
  if (!wrong)
    wrong = by_files(x);
  if (wrong) {
    out.push_back(std::move(*wrong));
    return;
  }
  if (!x.system.clock_set || *x.system.clock_set)
    return;
  finding unset{"clock-unset",
                note,
                "The clock of this device follows no source of time.",
                {"the kernel says that it is not synchronised; it shows "
                 + minute_of(x.now)},
                "Compare it with another clock; timedatectl set-ntp true "
                "keeps it right."};
  if (x.status && x.status->clock)
    unset.evidence.push_back("it is right at the moment: "
                             + std::to_string(x.status->clock->hosts)
                             + " hosts that answer the daemon agree with it");
  out.push_back(std::move(unset));
}

} // namespace peapod::rules
