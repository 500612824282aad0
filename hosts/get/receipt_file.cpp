#include "hosts/get/receipt_file.hpp"

#include "hosts/common/write_all.hpp"
#include "hosts/get/part_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

namespace peapod {

namespace {

namespace fs = std::filesystem;

error failed(const std::string& path, const char* what) {
  auto code = errno == EACCES || errno == EPERM || errno == EROFS
                  ? errc::permission_denied
                  : errc::io_failed;
  return make_error(code, "the receipt " + path + " cannot be " + what + ": "
                              + std::strerror(errno));
}

/// What is at the end of all links; nothing when nothing is there.
std::optional<struct stat> look(const fs::path& path) {
  struct stat out {};
  return ::stat(path.c_str(), &out) == 0 ? std::optional{out} : std::nullopt;
}

bool is_same(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

fs::path plain(const fs::path& path) {
  std::error_code ec;
  auto out = fs::weakly_canonical(fs::absolute(path, ec), ec);
  return ec ? path : out;
}

bool is_same_file(const fs::path& a, const fs::path& b) {
  auto there = look(a);
  auto other = look(b);
  if (there && other)
    return is_same(*there, *other);
  return plain(a) == plain(b);
}

/// One of our own outputs that leads there, as with `/dev/stdout`: writing into
/// it goes on where it stands, and opening it anew would begin at its start.
std::optional<int> own_output(const struct stat& there) {
  for (int fd : {STDOUT_FILENO, STDERR_FILENO})
    if (struct stat x{}; ::fstat(fd, &x) == 0 && is_same(x, there))
      return fd;
  return std::nullopt;
}

bool begins_as_a_receipt(int fd) {
  std::array<char, 16> head{};
  auto got = ::pread(fd, head.data(), head.size(), 0);
  std::string_view text{head.data(), static_cast<size_t>(std::max(got, {}))};
  return text.empty() || text.starts_with(R"({"downloads")")
         || text.starts_with(R"({"upload")");
}

/// Nothing is lost with an empty file, or with an older receipt.
result<void> check_replaceable(const std::string& path) {
  auto fd = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0)
    return failed(path, "read");
  bool good = begins_as_a_receipt(fd);
  ::close(fd);
  if (good)
    return {};
  return make_error(errc::io_failed,
                    path + " exists and is no receipt; --force replaces it");
}

result<void> check_new(const std::string& path) {
  if (struct stat link{}; ::lstat(path.c_str(), &link) == 0)
    return make_error(errc::io_failed, path + " is a link that leads nowhere");
  auto folder = fs::path{path}.parent_path();
  auto name = folder.empty() ? fs::path{"."} : folder;
  auto there = look(name);
  if (there && S_ISDIR(there->st_mode)
      && ::access(name.c_str(), W_OK | X_OK) == 0)
    return {};
  if (there && !S_ISDIR(there->st_mode))
    errno = ENOTDIR;
  return failed(path, "made");
}

result<void> write_out(const std::string& path, int fd, std::string_view text) {
  return write_all(fd, text) ? result<void>{} : failed(path, "written");
}

/// Writes into what is there, so that links to it, its owner and its mode stay.
result<void> write_into(const std::string& path, std::string_view text) {
  auto fd = ::open(path.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC);
  if (fd < 0)
    return failed(path, "written");
  auto done = write_out(path, fd, text);
  if (struct stat x{}; done && ::fstat(fd, &x) == 0 && S_ISREG(x.st_mode)
                       && ::ftruncate(fd, static_cast<off_t>(text.size())) != 0)
    done = failed(path, "written");
  ::close(fd);
  return done;
}

result<void> write_anew(const std::string& path, std::string_view text) {
  auto fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0)
    return failed(path, "made");
  auto done = write_out(path, fd, text);
  if (::close(fd) != 0 && done)
    done = failed(path, "written");
  if (!done)
    ::unlink(path.c_str());
  return done;
}

} // namespace

void receipt_file::keep_off_download(const fs::path& target) {
  auto names = file_names::of(target);
  for (auto& x : {names.target, names.part, names.sidecar})
    keep_off(x);
  for (auto* ending : {".corrupt", ".peapod.new"})
    keep_off(fs::path{target} += ending);
}

bool receipt_file::is_stdout() const {
  if (path_ == "-")
    return true;
  auto there = look(path_);
  return there && own_output(*there) == STDOUT_FILENO;
}

result<void> receipt_file::check() const {
  if (path_.empty())
    return {};
  if (stdout_is_used_ && is_stdout())
    return make_error(errc::bad_config,
                      "standard output cannot take both the file and the "
                      "receipt");
  if (path_ == "-")
    return {};
  for (auto& x : used_)
    if (is_same_file(path_, x))
      return make_error(errc::bad_config, path_
                                              + " cannot be the receipt: the "
                                                "command itself needs "
                                              + x.string());
  auto there = look(path_);
  if (!there)
    return check_new(path_);
  if (S_ISDIR(there->st_mode))
    return make_error(errc::io_failed, path_ + " is a folder, not a receipt");
  if (!S_ISREG(there->st_mode) || own_output(*there))
    return {};
  if (::access(path_.c_str(), W_OK) != 0)
    return failed(path_, "written");
  return force_ ? result<void>{} : check_replaceable(path_);
}

result<void> receipt_file::write(std::string_view text) const {
  if (path_.empty())
    return {};
  if (auto good = check(); !good)
    return good;
  if (path_ == "-")
    return write_out("-", STDOUT_FILENO, text);
  auto there = look(path_);
  if (!there)
    return write_anew(path_, text);
  if (auto fd = own_output(*there))
    return write_out(path_, *fd, text);
  return write_into(path_, text);
}

} // namespace peapod
