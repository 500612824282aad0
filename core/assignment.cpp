#include "core/assignment.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

namespace peapod {

namespace {

constexpr auto max = std::numeric_limits<uint64_t>::max();

/// The sum of all weights, 0 when it does not fit.
uint64_t sum_of(std::span<const uint64_t> weights) {
  uint64_t sum = 0;
  for (auto x : weights) {
    if (x > max - sum)
      return 0;
    sum += x;
  }
  return sum;
}

/// Halves all weights until a product of `chunks` and a weight fits.
void scale_down(std::vector<uint64_t>& weights, uint64_t chunks) {
  while (sum_of(weights) > max / chunks)
    for (auto& x : weights)
      x /= 2;
}

/// How many chunks each worker gets.
std::vector<size_t> quotas_of(size_t chunks, std::vector<uint64_t> weights) {
  scale_down(weights, chunks);
  auto sum = sum_of(weights);
  std::vector<size_t> quotas;
  for (auto x : weights)
    quotas.push_back(static_cast<size_t>(chunks * x / sum));
  auto left = chunks - std::reduce(quotas.begin(), quotas.end());
  for (size_t i = 0; left > 0; i = (i + 1) % quotas.size())
    if (weights[i] > 0) {
      ++quotas[i];
      --left;
    }
  return quotas;
}

} // namespace

std::vector<chunk_assignment> assign_single(size_t chunks) {
  return assign_round_robin(chunks, 1);
}

std::vector<chunk_assignment> assign_round_robin(size_t chunks,
                                                 size_t workers) {
  std::vector<chunk_assignment> out;
  if (workers == 0)
    return out;
  for (size_t i = 0; i < chunks; ++i)
    out.push_back({i, i % workers});
  return out;
}

std::vector<chunk_assignment>
assign_weighted(size_t chunks, size_t workers,
                std::span<const uint64_t> weights) {
  std::vector<chunk_assignment> out;
  if (chunks == 0 || workers == 0)
    return out;
  if (weights.size() != workers || sum_of(weights) == 0)
    return assign_round_robin(chunks, workers);
  auto quotas = quotas_of(chunks, {weights.begin(), weights.end()});
  for (size_t worker = 0; worker < workers; ++worker)
    for (size_t i = 0; i < quotas[worker]; ++i)
      out.push_back({out.size(), worker});
  return out;
}

std::vector<chunk_assignment>
reassign_after_peer_left(std::span<const chunk_assignment> current,
                         size_t workers, size_t left) {
  std::vector<size_t> others;
  for (size_t i = 0; i < workers; ++i)
    if (i != left)
      others.push_back(i);
  if (others.empty())
    others.push_back(left);
  std::vector<chunk_assignment> out;
  for (const auto& x : current)
    if (x.worker == left)
      out.push_back({x.chunk, others[out.size() % others.size()]});
  return out;
}

} // namespace peapod
