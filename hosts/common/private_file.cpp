#include "hosts/common/private_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace peapod {

namespace {

namespace fs = std::filesystem;

/// A descriptor that is closed at the end of its scope.
struct open_file {
  explicit open_file(const fs::path& path)
    : fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  open_file(const open_file&) = delete;
  ~open_file() {
    if (fd >= 0)
      ::close(fd);
  }
  int fd;
};

error unreadable(const fs::path& path) {
  auto code = errno == EACCES ? errc::permission_denied : errc::io_failed;
  return make_error(code, path.string()
                              + ": cannot be read: " + std::strerror(errno));
}

result<void> check_mode(const fs::path& path, int fd, std::string_view holds) {
  struct stat info {};
  if (::fstat(fd, &info) != 0)
    return unreadable(path);
  if (!S_ISREG(info.st_mode))
    return make_error(errc::bad_config, path.string() + " is not a file");
  if ((info.st_mode & 077) != 0)
    return make_error(errc::permission_denied,
                      path.string() + " holds " + std::string{holds}
                          + ", but others may use it: chmod 600 "
                          + path.string());
  return {};
}

} // namespace

result<std::optional<size_t>> read_private_file(const fs::path& file,
                                                std::string_view holds,
                                                std::span<uint8_t> to) {
  open_file in{file};
  if (in.fd < 0 && (errno == ENOENT || errno == ENOTDIR))
    return std::optional<size_t>{};
  if (in.fd < 0)
    return unreadable(file);
  if (auto ok = check_mode(file, in.fd, holds); !ok)
    return ok.error();
  size_t size = 0;
  while (size < to.size()) {
    auto got = ::read(in.fd, to.data() + size, to.size() - size);
    if (got < 0 && errno != EINTR)
      return unreadable(file);
    if (got == 0)
      break;
    size += got > 0 ? static_cast<size_t>(got) : 0;
  }
  return std::optional<size_t>{size};
}

} // namespace peapod
