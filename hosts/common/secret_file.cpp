#include "hosts/common/secret_file.hpp"

#include "hosts/common/private_file.hpp"
#include "hosts/common/state_file.hpp"

#include <string>

namespace peapod {

namespace {

namespace fs = std::filesystem;

/// Room for the text, and for the line ends and spaces of an editor.
constexpr size_t max_file = 128;

} // namespace

result<std::optional<pod_secret>> read_secret(const fs::path& file) {
  secret_bytes<max_file> buffer;
  auto size = read_private_file(file, "the pod's secret", buffer.bytes());
  if (!size)
    return size.error();
  if (!*size)
    return std::optional<pod_secret>{};
  auto out = pod_secret::from_text(
      {reinterpret_cast<const char*>(buffer.bytes().data()), **size});
  if (!out)
    return make_error(errc::bad_config,
                      file.string()
                          + " holds no pod secret: give it one with peapod "
                            "secret set, or make a new pod with peapod secret "
                            "new --force");
  return std::optional<pod_secret>{std::move(*out)};
}

result<pod_secret> load_secret(const fs::path& file) {
  auto found = read_secret(file);
  if (!found)
    return found.error();
  if (!*found)
    return make_error(errc::not_found,
                      "there is no pod secret in " + file.string()
                          + ": make one with peapod secret new, or take that "
                            "of another device with peapod secret set");
  return std::move(**found);
}

result<void> save_secret(const fs::path& file, const pod_secret& x) {
  secret_bytes<pod_secret::text_size + 1> line;
  auto text = x.text();
  auto to = line.bytes();
  std::memcpy(to.data(), text.view().data(), text.view().size());
  to.back() = '\n';
  return write_state_file(
      file, {reinterpret_cast<const char*>(to.data()), to.size()});
}

} // namespace peapod
