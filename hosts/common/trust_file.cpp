#include "hosts/common/trust_file.hpp"

#include "core/trust_text.hpp"
#include "hosts/common/state_file.hpp"

namespace peapod {

namespace {

std::filesystem::path file_in(const std::filesystem::path& state_dir) {
  return state_dir / "trust.json";
}

} // namespace

result<trust_store> load_trust(const std::filesystem::path& state_dir) {
  auto file = file_in(state_dir);
  auto text = read_state_file(file);
  if (!text)
    return text.error();
  if (!*text)
    return trust_store{};
  auto out = parse_trust(**text);
  if (!out)
    return make_error(errc::bad_config,
                      file.string() + " does not say whom this device trusts: "
                          + out.error().detail
                          + "; restore it, or move it away to trust nobody");
  return out;
}

result<void> save_trust(const std::filesystem::path& state_dir,
                        const trust_store& x) {
  return write_state_file(file_in(state_dir), trust_text(x));
}

} // namespace peapod
