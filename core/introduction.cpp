#include "core/introduction.hpp"

#include "core/wire2_codec.hpp"
#include "core/wire_message.hpp"

#include <algorithm>

namespace peapod {

namespace {

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text,
                             [](char c) { return c >= 0x20 && c <= 0x7e; });
}

/// Which bound is broken; empty when none is.
std::string_view broken_bound(const introduction& x) {
  if (x.agent.size() > max_agent_size || !is_printable(x.agent))
    return "the agent is too long or not printable";
  if (x.name.size() > max_name_size)
    return "the name is too long";
  if (x.versions.size() > max_versions)
    return "there are too many versions";
  if (std::ranges::count(x.versions, newest_protocol) == 0)
    return "it does not speak the protocol that it speaks";
  return wire2::broken_bound(x.offers);
}

slice versions_of(const introduction& x) {
  return slice{byte_buffer{x.versions.begin(), x.versions.end()}};
}

byte_buffer joined(bincode_parts parts) {
  auto out = std::move(parts.head);
  auto payload = parts.payload.bytes();
  out.insert(out.end(), payload.begin(), payload.end());
  out.insert(out.end(), parts.tail.begin(), parts.tail.end());
  return out;
}

} // namespace

result<byte_buffer> encode_introduction(const introduction& x) {
  auto copy = x;
  copy.name = clean_name(x.name);
  if (auto why = broken_bound(copy); !why.empty())
    return make_error(errc::limit_reached,
                      "an introduction cannot be sent: " + std::string{why});
  bincode_writer out;
  out(copy.agent, copy.name, copy.capabilities, versions_of(copy), copy.offers);
  return joined(std::move(out).take());
}

result<introduction> decode_introduction(byte_buffer in) {
  bincode_reader reader{slice{std::move(in)}};
  introduction out;
  slice versions;
  reader(out.agent, out.name, out.capabilities, versions, out.offers);
  out.versions.assign(versions.bytes().begin(), versions.bytes().end());
  auto why = reader.ok() ? broken_bound(out) : reader.failure();
  if (!why.empty())
    return make_error(errc::peer_misbehaved,
                      "malformed introduction: " + std::string{why});
  out.name = clean_name(out.name);
  return out;
}

} // namespace peapod
