#include "hosts/common/identity_file.hpp"

#include "hosts/common/private_file.hpp"

#include <sodium.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

namespace peapod {

namespace {

namespace fs = std::filesystem;

/// A file descriptor that is closed at the end of its scope.
class open_file {
public:
  open_file(const fs::path& path, int flags, mode_t mode = 0)
    : fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}

  open_file(const open_file&) = delete;
  open_file& operator=(const open_file&) = delete;

  ~open_file() {
    if (fd_ >= 0)
      ::close(fd_);
  }

  int get() const {
    return fd_;
  }

private:
  int fd_;
};

error failed(const fs::path& path, const std::string& what) {
  auto code = errno == EACCES ? errc::permission_denied : errc::io_failed;
  return make_error(code,
                    path.string() + ": " + what + ": " + std::strerror(errno));
}

// -- reading ------------------------------------------------------------------

/// Nothing when there is no key file.
result<std::optional<identity>> read_key(const fs::path& path) {
  // One byte more than a key has, to notice a longer file.
  secret_bytes<33> buffer;
  auto size =
      read_private_file(path, "this device's secret key", buffer.bytes());
  if (!size)
    return size.error();
  if (!*size)
    return std::optional<identity>{};
  if (**size != 32)
    return make_error(errc::bad_config,
                      path.string()
                          + " is not a key of 32 bytes: restore it, or remove "
                            "it to get a new identity");
  auto out = identity::from_secret(buffer.bytes().first<32>());
  if (!out)
    return out.error();
  return std::optional<identity>{std::move(*out)};
}

// -- making one ---------------------------------------------------------------

result<void> write_all(const fs::path& path, int fd,
                       std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    auto put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno != EINTR)
      return failed(path, "cannot be written");
    if (put > 0)
      bytes = bytes.subspan(static_cast<size_t>(put));
  }
  if (::fsync(fd) != 0)
    return failed(path, "cannot be written");
  return {};
}

result<void> make_folder(const fs::path& folder) {
  std::error_code ec;
  if (fs::is_directory(folder, ec))
    return {};
  fs::create_directories(folder.parent_path(), ec);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return failed(folder, "cannot be made; set [pod] state-dir");
  return {};
}

void sync_folder(const fs::path& folder) {
  open_file dir{folder, O_RDONLY | O_DIRECTORY};
  if (dir.get() >= 0)
    ::fsync(dir.get());
}

/// Writes a new key beside `path` and links it into place, unless there is one
/// by now: the key file is never seen half written.
result<void> create_key(const fs::path& path) {
  if (auto ok = make_folder(path.parent_path()); !ok)
    return ok;
  auto temporary = path;
  temporary += ".new." + std::to_string(::getpid());
  ::unlink(temporary.c_str());
  open_file file{temporary, O_WRONLY | O_CREAT | O_EXCL, 0600};
  if (file.get() < 0)
    return failed(temporary, "cannot be made; set [pod] state-dir");
  auto fresh = identity::generate(system_random);
  auto done = write_all(temporary, file.get(), fresh.secret());
  if (done && ::link(temporary.c_str(), path.c_str()) != 0 && errno != EEXIST)
    done = failed(path, "cannot be made");
  ::unlink(temporary.c_str());
  sync_folder(path.parent_path());
  return done;
}

} // namespace

void system_random(std::span<uint8_t> out) {
  // Initialising more than once is harmless and cheap.
  if (::sodium_init() < 0)
    throw std::runtime_error("libsodium cannot be initialised");
  ::randombytes_buf(out.data(), out.size());
}

result<identity> load_identity(const fs::path& state_dir) {
  auto path = state_dir / "identity.key";
  // The second look finds the key that was made after the first.
  for (auto last : {false, true}) {
    auto key = read_key(path);
    if (!key)
      return key.error();
    if (*key)
      return std::move(**key);
    if (last)
      break;
    if (auto made = create_key(path); !made)
      return made.error();
  }
  return make_error(errc::io_failed,
                    path.string() + ": was made and has gone again");
}

} // namespace peapod
