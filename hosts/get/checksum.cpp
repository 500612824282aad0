#include "hosts/get/checksum.hpp"

namespace peapod {

std::optional<digest_algorithm> parse_algorithm(std::string_view name) {
  for (auto x : {digest_algorithm::sha256, digest_algorithm::sha512}) {
    std::string known{to_string(x)};
    if (equal_ignoring_case(name, known))
      return x;
    known.erase(known.find('-'), 1);
    if (equal_ignoring_case(name, known))
      return x;
  }
  return std::nullopt;
}

result<origin_digest> make_checksum(std::string_view name,
                                    std::string_view digits) {
  auto algorithm = parse_algorithm(name);
  if (!algorithm)
    return make_error(errc::bad_config, "a checksum has to be sha-256 or "
                                        "sha-512");
  auto value = from_hex(digits);
  if (value.size() != size_of(*algorithm))
    return make_error(errc::bad_config,
                      "a checksum of " + std::string{to_string(*algorithm)}
                          + " has " + std::to_string(2 * size_of(*algorithm))
                          + " hexadecimal digits");
  return origin_digest{*algorithm, std::move(value)};
}

result<origin_digest> parse_checksum(std::string_view text) {
  auto sign = text.find_first_of("=:");
  if (sign == std::string_view::npos)
    return make_error(errc::bad_config, "a checksum looks like sha-256=HEX");
  return make_checksum(text.substr(0, sign), text.substr(sign + 1));
}

std::string to_string(const origin_digest& x) {
  return std::string{to_string(x.algorithm)} + "=" + to_hex(x.value);
}

} // namespace peapod
