#include "actors/ports.hpp"

namespace peapod {

std::string to_string(const endpoint& x) {
  bool is_v6 = x.address.find(':') != std::string::npos;
  return (is_v6 ? "[" + x.address + "]" : x.address) + ":"
         + std::to_string(x.port);
}

} // namespace peapod
