#pragma once

#include "core/types.hpp"
#include "core/wire_message.hpp"

#include <boost/json.hpp>

#include <charconv>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

/// The golden data in `tests/data/`.
namespace peapod::vectors {

namespace json = boost::json;

/// A document of `tests/data/`.
inline json::value load(const std::string& name) {
  std::ifstream in{std::string{PEAPOD_TEST_DATA} + "/" + name};
  if (!in)
    throw std::runtime_error("tests/data/" + name + " is not there");
  std::ostringstream text;
  text << in.rdbuf();
  return json::parse(text.str());
}

/// The golden data of protocol 1, `peapod-v1.json`, read once.
inline const json::object& all() {
  static const json::value doc = load("peapod-v1.json");
  return doc.as_object();
}

/// The entries of a section.
inline const json::array& section(std::string_view name) {
  return all().at(name).as_array();
}

inline std::string text(const json::value& x) {
  return std::string{x.as_string()};
}

inline byte_buffer bytes(const json::value& x) {
  return from_hex(text(x));
}

template <class Id>
Id id(const json::value& x) {
  return Id::from(bytes(x));
}

/// A number, or one as text (all of 64 bits).
inline uint64_t number(const json::value& x) {
  if (!x.is_string())
    return x.to_number<uint64_t>();
  uint64_t out = 0;
  auto s = x.as_string();
  std::from_chars(s.data(), s.data() + s.size(), out);
  return out;
}

/// `[begin, end]`
inline byte_range range(const json::value& x) {
  return {number(x.at(0)), number(x.at(1))};
}

/// The field `device_id` and so on of a message, as the structs have them.
inline wire_message message(const json::value& x) {
  auto device = [&] { return id<device_id>(x.at("device_id")); };
  auto announce = [&](auto out) -> wire_message {
    out.protocol_version =
        static_cast<uint8_t>(number(x.at("protocol_version")));
    out.device = device();
    out.key = id<public_key>(x.at("public_key"));
    out.listen_port = static_cast<uint16_t>(number(x.at("listen_port")));
    return out;
  };
  auto type = text(x.at("type"));
  if (type == "Beacon")
    return announce(beacon{});
  if (type == "DiscoveryResponse")
    return announce(discovery_response{});
  if (type == "Join")
    return join{device()};
  if (type == "Leave")
    return leave{device()};
  if (type == "Heartbeat")
    return heartbeat{device(), {}};
  auto transfer = id<transfer_id>(x.at("transfer_id"));
  byte_range range{number(x.at("start")), number(x.at("end"))};
  if (type == "Nack")
    return nack{transfer, range, {}};
  if (type == "ChunkData")
    return chunk_data{transfer,
                      range,
                      id<digest>(x.at("hash")),
                      slice{bytes(x.at("payload"))},
                      {}};
  chunk_request out{transfer, range, {}, {}};
  if (!x.at("url").is_null())
    out.url = text(x.at("url"));
  return out;
}

/// 262,144 bytes, byte i = i mod 251.
inline byte_buffer payload_256k() {
  byte_buffer out(262144);
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<uint8_t>(i % 251);
  return out;
}

} // namespace peapod::vectors
