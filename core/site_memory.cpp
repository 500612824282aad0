#include "core/site_memory.hpp"

#include <sodium.h>

#include <string>

namespace peapod {

site_key make_site_key(const site_salt& salt, std::string_view client,
                       std::string_view site) {
  // Neither name holds a zero byte, so no two pairs are alike.
  std::string both{client};
  both += '\0';
  both += site;
  site_key out;
  crypto_generichash(out.bytes.data(), out.bytes.size(),
                     reinterpret_cast<const uint8_t*>(both.data()), both.size(),
                     salt.data(), salt.size());
  return out;
}

} // namespace peapod
