#include "tests/sim/pool.hpp"

/// How the simulated pod compares what peers bring with the origin.
namespace peapod::sim {

namespace {

/// How long bytes wait for the own line, and how long it may take otherwise, as
/// in actors/transfer_rechecks.cpp: it is asked three times.
constexpr duration recheck_patience = 2s;
constexpr duration recheck_timeout = 60s;

} // namespace

void pool::perform(body& b, transfer::recheck& x) {
  auto own = lines.find('o');
  if (own == lines.end() || !own->second.present)
    return b.core.not_rechecked(x.number, "no line");
  job j{};
  j.body = index_of(b.id);
  j.range = x.range;
  j.recheck = x.number;
  j.hurry = x.holds && !x.fresh;
  j.granted = j.since = now;
  own->second.jobs.push_back(j);
  rechecked += x.range.size();
}

void pool::perform(body& b, transfer::accuse& x) {
  tell([&](auto& who) { who.source_lied(x.source, b.id, x.dropped, now); });
}

void pool::perform(body& b, transfer::go_alone&) {
  tell([&](auto& who) { who.transfer_closed(b.id, now); });
}

/// Returns whether the recheck has ended.
bool pool::settle_recheck(line& x, job& j) {
  auto& b = bodies[j.body];
  if (!b.open)
    return true;
  auto patience = j.hurry ? recheck_patience : recheck_timeout;
  if (x.fails || now - j.granted > patience) {
    b.core.not_rechecked(j.recheck, "the own line fails");
    return true;
  }
  if (j.where == stage::asked && now >= j.since + x.latency) {
    j.where = stage::wan;
    j.left = static_cast<double>(j.range.size());
  } else if (j.where == stage::wan && j.left < 0.5) {
    b.core.rechecked(j.recheck, content(j.range));
    return true;
  }
  return false;
}

} // namespace peapod::sim
