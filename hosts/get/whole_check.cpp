#include "hosts/get/whole_check.hpp"

namespace peapod {

whole_check::whole_check(std::optional<uint64_t> size,
                         const std::vector<expected_digest>& expected)
  : size_(size) {
  for (auto& x : expected)
    checks_.push_back({digest_check{x.value}, x.said_by});
}

void whole_check::update(std::span<const uint8_t> bytes) {
  seen_ += bytes.size();
  hash_.update(bytes);
  for (auto& x : checks_)
    x.hash.update(bytes);
}

std::optional<error> whole_check::judge() {
  if (size_ && *size_ != seen_)
    return make_error(errc::integrity_failed, "it has " + std::to_string(seen_)
                                                  + " bytes and should have "
                                                  + std::to_string(*size_));
  for (auto& x : checks_)
    if (!x.hash.matches())
      return make_error(errc::integrity_failed,
                        "it does not have the hash that " + x.said_by
                            + " says");
  return std::nullopt;
}

} // namespace peapod
