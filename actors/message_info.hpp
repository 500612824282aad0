#pragma once

#include <caf/type_erased_tuple.hpp>

#include <cstdint>
#include <string>
#include <typeinfo>

/// What may be told of a message without telling its content.
namespace peapod {

/// The type of a message's content; null for CAF's own messages.
const std::type_info* type_of(const caf::type_erased_tuple& content);

/// A type's name without its namespace, as in `fetch_chunk`; `system message`
/// for null.
std::string type_name(const std::type_info* type);

/// Bytes of payload that a message carries; 0 for those that carry none.
uint64_t payload_of(const caf::type_erased_tuple& content);

} // namespace peapod
