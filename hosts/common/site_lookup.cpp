#include "hosts/common/site_lookup.hpp"

#include "core/address_policy.hpp"
#include "core/host_pattern.hpp"

#include <libpsl.h>

#include <memory>

namespace peapod {

namespace {

struct free_list {
  void operator()(psl_ctx_t* x) const {
    psl_free(x);
  }
};

} // namespace

std::function<std::string(const std::string&)> make_site_lookup() {
  // The system's list when it is newer than the one in the library.
  std::shared_ptr<psl_ctx_t> list{psl_latest(nullptr), free_list{}};
  return [list](const std::string& host) {
    std::string name{without_final_dots(host)};
    if (!list || parse_ip(name))
      return name;
    auto domain = psl_registrable_domain(list.get(), name.c_str());
    return domain != nullptr ? std::string{domain} : name;
  };
}

} // namespace peapod
