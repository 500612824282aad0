#include "core/pea_core.hpp"

#include "core/assignment.hpp"
#include "core/integrity.hpp"
#include "core/wire_codec.hpp"

#include <algorithm>

namespace peapod {

pea_core::pea_core(device_id self, random_source random,
                   pea_core_options options)
  : self_(self), random_(std::move(random)), options_(options) {}

// -- transfers ----------------------------------------------------------------

request_action
pea_core::on_incoming_request(const std::string& url,
                              std::optional<inclusive_range> range) {
  if (!range || peers_.empty() || range->last < range->first
      || range->last - range->first >= options_.max_body)
    return fall_back{};
  byte_range body{range->first, range->last + 1};
  if (body.empty())
    return fall_back{};
  accelerate out{
      .transfer = {}, .total_length = body.size(), .chunks = {}, .actions = {}};
  random_(out.transfer.bytes);
  transfer_state state{
      url, chunk_map{out.transfer, body, options_.chunk_size}, {}};
  const auto& chunks = state.chunks.chunks();
  auto workers = peers();
  workers.insert(workers.begin(), self_);
  for (auto [chunk, worker] :
       assign_round_robin(chunks.size(), workers.size())) {
    state.owners.push_back(workers[worker]);
    out.chunks.push_back({chunks[chunk], workers[worker]});
    out.actions.push_back(ask(out.transfer, state, chunk));
  }
  transfers_.emplace(out.transfer, std::move(state));
  return out;
}

std::vector<core_action>
pea_core::on_chunk_received(const transfer_id& transfer, byte_range range,
                            slice payload) {
  auto hash = sha256(payload.bytes());
  auto done = take(transfer, range, hash, std::move(payload));
  return done ? std::move(*done)
              : on_chunk_failed(transfer, range, done.error());
}

std::vector<core_action> pea_core::on_chunk_failed(const transfer_id& transfer,
                                                   byte_range range,
                                                   error reason) {
  auto i = transfers_.find(transfer);
  if (i == transfers_.end() || !i->second.chunks.find(range))
    return {};
  transfers_.erase(i);
  return {transfer_failed{transfer, std::move(reason)}};
}

void pea_core::cancel(const transfer_id& transfer) {
  transfers_.erase(transfer);
}

core_action pea_core::ask(const transfer_id& id, const transfer_state& transfer,
                          size_t chunk) const {
  auto range = transfer.chunks.chunks()[chunk];
  const auto& owner = transfer.owners[chunk];
  if (owner == self_)
    return fetch_range{id, range, transfer.url, {}};
  return send_message{owner, chunk_request{id, range, transfer.url, {}}};
}

result<std::vector<core_action>> pea_core::take(const transfer_id& id,
                                                byte_range range,
                                                const digest& hash,
                                                slice payload) {
  std::vector<core_action> out;
  auto i = transfers_.find(id);
  if (i == transfers_.end())
    return out;
  auto receipt = i->second.chunks.receive(id, range, hash, std::move(payload));
  if (!receipt)
    return receipt.error();
  if (*receipt == chunk_receipt::complete) {
    out.push_back(body_complete{id, i->second.chunks.pieces()});
    transfers_.erase(i);
  }
  return out;
}

// -- peers --------------------------------------------------------------------

void pea_core::on_peer_joined(const device_id& peer) {
  if (peer != self_ && !find_peer(peer))
    peers_.push_back({peer});
}

std::vector<core_action> pea_core::on_peer_left(const device_id& peer) {
  std::vector<core_action> out;
  if (std::erase_if(peers_, [&](auto& x) { return x.device == peer; }) > 0)
    reassign(peer, out);
  return out;
}

void pea_core::reassign(const device_id& left, std::vector<core_action>& out) {
  auto workers = peers();
  workers.insert(workers.begin(), self_);
  workers.push_back(left);
  auto left_index = workers.size() - 1;
  for (auto& [id, transfer] : transfers_) {
    std::vector<chunk_assignment> owed;
    for (size_t i = 0; i < transfer.owners.size(); ++i)
      if (transfer.owners[i] == left && !transfer.chunks.has(i))
        owed.push_back({i, left_index});
    for (auto [chunk, worker] :
         reassign_after_peer_left(owed, workers.size(), left_index)) {
      transfer.owners[chunk] = workers[worker];
      out.push_back(ask(id, transfer, chunk));
    }
  }
}

std::vector<core_action> pea_core::tick() {
  std::vector<core_action> out;
  std::vector<device_id> silent;
  for (auto& peer : peers_) {
    if (++peer.silent_ticks >= options_.max_silent_ticks)
      silent.push_back(peer.device);
    else
      out.push_back(send_message{peer.device, heartbeat{self_, {}}});
  }
  for (const auto& peer : silent)
    std::ranges::move(on_peer_left(peer), std::back_inserter(out));
  return out;
}

std::vector<device_id> pea_core::peers() const {
  std::vector<device_id> out;
  for (const auto& peer : peers_)
    out.push_back(peer.device);
  return out;
}

pea_core::peer_state* pea_core::find_peer(const device_id& device) {
  auto i = std::ranges::find(peers_, device, &peer_state::device);
  return i == peers_.end() ? nullptr : &*i;
}

// -- messages -----------------------------------------------------------------

std::vector<core_action>
pea_core::on_message_received(const device_id& from,
                              const wire_message& message) {
  auto* peer = find_peer(from);
  if (!peer)
    return {};
  peer->silent_ticks = 0;
  if (std::holds_alternative<leave>(message))
    return on_peer_left(from);
  if (const auto* x = std::get_if<chunk_request>(&message))
    return {serve(from, *x)};
  if (const auto* x = std::get_if<chunk_data>(&message))
    return on_chunk_data(from, *x);
  if (const auto* x = std::get_if<nack>(&message))
    return fall_back_to_self(from, x->transfer, x->range);
  return {};
}

core_action pea_core::serve(const device_id& from,
                            const chunk_request& x) const {
  if (!x.url || x.range.empty() || x.range.size() > max_chunk_payload)
    return send_message{from, nack{x.transfer, x.range, {}}};
  return fetch_range{x.transfer, x.range, *x.url, from};
}

/// Only the peer that was asked may bring a chunk.
std::vector<core_action> pea_core::on_chunk_data(const device_id& from,
                                                 const chunk_data& x) {
  auto i = transfers_.find(x.transfer);
  if (i == transfers_.end())
    return {};
  auto chunk = i->second.chunks.find(x.range);
  if (!chunk || i->second.owners[*chunk] != from)
    return {};
  auto done = take(x.transfer, x.range, x.hash, x.payload);
  return done ? std::move(*done) : fall_back_to_self(from, x.transfer, x.range);
}

/// A chunk that a peer failed to bring is fetched by this device: asking
/// around could go on for ever.
std::vector<core_action> pea_core::fall_back_to_self(const device_id& from,
                                                     const transfer_id& id,
                                                     byte_range range) {
  auto i = transfers_.find(id);
  if (i == transfers_.end())
    return {};
  auto& transfer = i->second;
  auto chunk = transfer.chunks.find(range);
  if (!chunk || transfer.owners[*chunk] != from || transfer.chunks.has(*chunk))
    return {};
  transfer.owners[*chunk] = self_;
  return {ask(id, transfer, *chunk)};
}

} // namespace peapod
