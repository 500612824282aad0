#include "tests/sim/static_policy.hpp"

#include "core/assignment.hpp"

#include <algorithm>
#include <utility>

namespace peapod::sim {

namespace {

constexpr size_t at_a_time = 2;

} // namespace

void static_policy::source_joined(device_id source, source_traits traits,
                                  instant) {
  if (workers_.contains(source))
    return;
  workers_[source];
  order_.insert(traits.own ? order_.begin() : order_.end(), source);
}

void static_policy::source_left(device_id source, instant) {
  std::erase(order_, source);
  pass_on(source);
  workers_.erase(source);
  serve();
}

/// The client's own request begins the body; the plan begins behind what it
/// reads before a line can take over.
void static_policy::transfer_opened(transfer_id transfer, const std::string&,
                                    byte_range body, instant, duration) {
  auto begin = std::min(body.end, body.begin + 2 * chunk_size_);
  plan(transfer, {begin, body.end});
  if (begin < body.end)
    actions_.push_back(scheduler::switch_spine{transfer, begin});
  serve();
}

void static_policy::plan(const transfer_id& transfer, byte_range rest) {
  auto chunks = (rest.size() + chunk_size_ - 1) / chunk_size_;
  std::vector<uint64_t> weights;
  for (auto& id : order_)
    weights.push_back(weights_[id]);
  auto assigned = plan_ == fixed_plan::single ? assign_single(chunks)
                  : plan_ == fixed_plan::round_robin
                      ? assign_round_robin(chunks, order_.size())
                      : assign_weighted(chunks, order_.size(), weights);
  for (auto& x : assigned) {
    auto begin = rest.begin + x.chunk * chunk_size_;
    workers_.at(order_[x.worker])
        .waiting.push_back(
            {transfer, {begin, std::min(begin + chunk_size_, rest.end)}});
  }
}

void static_policy::progressed(transfer_id, uint64_t, uint64_t, instant) {}

void static_policy::spine_ended(transfer_id, uint64_t, instant) {}

void static_policy::transfer_closed(transfer_id transfer, instant) {
  auto of_it = [&](const work& x) { return x.transfer == transfer; };
  for (auto& [id, x] : workers_) {
    std::erase_if(x.waiting, of_it);
    std::erase_if(x.active, [&](auto& kv) { return of_it(kv.second); });
  }
}

void static_policy::lease_progressed(lease_id, uint64_t, instant) {}

void static_policy::lease_done(lease_id lease, instant) {
  for (auto& [id, x] : workers_)
    x.active.erase(lease);
  serve();
}

void static_policy::lease_failed(lease_id lease, chunk_failure, uint64_t upto,
                                 instant, std::optional<duration>) {
  for (auto i = workers_.begin(); i != workers_.end(); ++i) {
    auto found = i->second.active.find(lease);
    if (found == i->second.active.end())
      continue;
    auto rest = found->second;
    rest.range.begin = upto;
    i->second.active.erase(found);
    auto next =
        std::next(i) == workers_.end() ? workers_.begin() : std::next(i);
    next->second.waiting.push_front(rest);
    break;
  }
  serve();
}

/// All that a device had goes to the others, one chunk after the other.
void static_policy::pass_on(device_id from) {
  auto i = workers_.find(from);
  if (i == workers_.end() || order_.empty())
    return;
  auto rest = std::exchange(i->second.waiting, {});
  for (auto& [lease, x] : std::exchange(i->second.active, {}))
    rest.push_back(x);
  for (size_t at = 0; at < rest.size(); ++at)
    workers_.at(order_[at % order_.size()]).waiting.push_back(rest[at]);
}

void static_policy::serve() {
  for (auto& [id, x] : workers_) {
    while (x.active.size() < at_a_time && !x.waiting.empty()) {
      auto next = x.waiting.front();
      x.waiting.pop_front();
      auto lease = next_++;
      x.active[lease] = next;
      actions_.push_back(
          scheduler::grant{lease, id, next.transfer, next.range, false});
    }
  }
}

void static_policy::expire(instant) {}

std::optional<scheduler::action> static_policy::poll() {
  if (actions_.empty())
    return std::nullopt;
  auto out = std::move(actions_.front());
  actions_.pop_front();
  return out;
}

} // namespace peapod::sim
