#include "actors/message_info.hpp"

#include "actors/messages.hpp"

#include <boost/core/demangle.hpp>

#include <unordered_map>

namespace peapod {

namespace {

using size_function = uint64_t (*)(const void*);

template <class T>
const T& as(const void* x) {
  return *static_cast<const T*>(x);
}

template <class T>
uint64_t size_of_bytes(const void* x) {
  return as<T>(x).bytes.size();
}

template <class T>
uint64_t size_of_part(const void* x) {
  auto& outcome = as<T>(x).outcome;
  return outcome ? outcome->bytes.size() : 0;
}

/// The messages that carry payload, and where. By where their `type_info` is,
/// of which one program has one each: this is asked for every message.
const auto& sizes() {
  static const std::unordered_map<const std::type_info*, size_function> table{
      {&typeid(chunk_arrived), size_of_bytes<chunk_arrived>},
      {&typeid(body_ready), size_of_bytes<body_ready>},
      {&typeid(relay_bytes), size_of_bytes<relay_bytes>},
      {&typeid(fetch_read), size_of_part<fetch_read>},
      {&typeid(spine_read), size_of_part<spine_read>},
      {&typeid(datagram_received), size_of_part<datagram_received>},
      {&typeid(stream_read),
       [](const void* x) -> uint64_t {
         auto& outcome = as<stream_read>(x).outcome;
         return outcome ? outcome->size() : 0;
       }},
  };
  return table;
}

} // namespace

const std::type_info* type_of(const caf::type_erased_tuple& content) {
  return content.empty() ? nullptr : content.type(0).second;
}

std::string type_name(const std::type_info* type) {
  if (type == nullptr)
    return "system message";
  auto out = boost::core::demangle(type->name());
  auto colon = out.rfind(':');
  return colon == std::string::npos ? out : out.substr(colon + 1);
}

uint64_t payload_of(const caf::type_erased_tuple& content) {
  auto* type = type_of(content);
  if (type == nullptr)
    return 0;
  auto i = sizes().find(type);
  return i == sizes().end() ? 0 : i->second(content.get(0));
}

} // namespace peapod
