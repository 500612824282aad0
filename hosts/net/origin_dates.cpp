#include "hosts/net/origin_dates.hpp"

#include "core/http_date.hpp"
#include "hosts/net/boot_clock.hpp"

#include <chrono>

namespace peapod::net {

void origin_dates::saw(std::string_view host, const http_fields& fields) {
  auto text = fields.find("Date");
  auto date = text ? parse_http_date(*text) : std::nullopt;
  if (!date)
    return;
  std::lock_guard guard{mutex_};
  check_.saw(host, *date, boot_time());
}

std::optional<clock_check::judgement> origin_dates::judge() const {
  std::lock_guard guard{mutex_};
  return check_.judge(std::chrono::system_clock::now(), boot_time());
}

} // namespace peapod::net
