#include "hosts/common/state_file.hpp"

#include "hosts/common/write_all.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <string>
#include <thread>
#include <utility>

namespace peapod {

namespace {

namespace fs = std::filesystem;

/// A descriptor that is closed at the end of its scope.
class descriptor {
public:
  descriptor(const fs::path& path, int flags, mode_t mode = 0)
    : fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  int get() const {
    return fd_;
  }
  int release() {
    return std::exchange(fd_, -1);
  }

private:
  int fd_;
};

error failed(const fs::path& path, const char* what) {
  auto code = errno == EACCES || errno == EPERM ? errc::permission_denied
                                                : errc::io_failed;
  return make_error(code, path.string() + " cannot be " + what + ": "
                              + std::strerror(errno));
}

result<void> make_folder_of(const fs::path& file) {
  auto folder = file.parent_path();
  std::error_code ec;
  if (folder.empty() || fs::is_directory(folder, ec))
    return {};
  fs::create_directories(folder.parent_path(), ec);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return failed(folder, "made");
  return {};
}

result<void> write_out(const fs::path& file, int fd, std::string_view text) {
  return write_all(fd, text) && ::fsync(fd) == 0 ? result<void>{}
                                                 : failed(file, "written");
}

void sync_folder_of(const fs::path& file) {
  descriptor folder{file.parent_path(), O_RDONLY | O_DIRECTORY};
  if (folder.get() >= 0)
    ::fsync(folder.get());
}

/// What root writes in a folder of another user is that user's: the daemon may
/// run as one.
bool give_to_owner_of_folder(const fs::path& file, int fd) {
  struct stat folder {};
  if (::geteuid() != 0 || ::stat(file.parent_path().c_str(), &folder) != 0)
    return true;
  return ::fchown(fd, folder.st_uid, folder.st_gid) == 0;
}

constexpr std::string_view unfinished = ".new.";

fs::path unfinished_of(const fs::path& file) {
  auto out = file;
  out += std::string{unfinished} + std::to_string(::getpid());
  return out;
}

/// Writes beside `file` and renames it into place.
result<void> put(const fs::path& file, std::string_view text, mode_t mode,
                 bool is_state = false) {
  auto temporary = unfinished_of(file);
  ::unlink(temporary.c_str());
  descriptor out{temporary, O_WRONLY | O_CREAT | O_EXCL, 0600};
  if (out.get() < 0)
    return failed(temporary, "made");
  auto done = write_out(temporary, out.get(), text);
  if (done && is_state && !give_to_owner_of_folder(file, out.get()))
    done = failed(temporary, "given to the owner of its folder");
  if (done && ::fchmod(out.get(), mode) != 0)
    done = failed(temporary, "written");
  if (done && ::rename(temporary.c_str(), file.c_str()) != 0)
    done = failed(file, "replaced");
  if (!done)
    ::unlink(temporary.c_str());
  sync_folder_of(file);
  return done;
}

/// The process that writes a file of that name for the one called `name`.
std::optional<pid_t> writer_of(std::string_view found, std::string_view name) {
  auto at = found.rfind(unfinished);
  if (at == found.npos || (!name.empty() && found.substr(0, at) != name))
    return std::nullopt;
  auto digits = found.substr(at + unfinished.size());
  pid_t out = 0;
  auto [end, ec] =
      std::from_chars(digits.data(), digits.data() + digits.size(), out);
  if (ec != std::errc{} || end != digits.data() + digits.size() || out <= 0)
    return std::nullopt;
  return out;
}

bool is_running(pid_t process) {
  return ::kill(process, 0) == 0 || errno != ESRCH;
}

/// How often a lock that others hold is tried.
constexpr auto lock_interval = std::chrono::milliseconds(20);

/// For those who wait for the lock; who cannot write it is not named.
void name_holder_in(int fd) {
  if (::ftruncate(fd, 0) == 0)
    write_all(fd, std::to_string(::getpid()) + "\n");
}

std::string holder_named_in(int fd) {
  std::array<char, 16> text{};
  pid_t holder = 0;
  auto got = ::pread(fd, text.data(), text.size(), 0);
  std::from_chars(text.data(), text.data() + std::max<ssize_t>(got, 0), holder);
  return holder > 0 ? "process " + std::to_string(holder) : "another process";
}

} // namespace

result<std::optional<std::string>> read_state_file(const fs::path& file) {
  descriptor in{file, O_RDONLY};
  if (in.get() < 0 && (errno == ENOENT || errno == ENOTDIR))
    return std::optional<std::string>{};
  if (in.get() < 0)
    return failed(file, "read");
  std::string out;
  std::array<char, 4096> block{};
  while (true) {
    auto got = ::read(in.get(), block.data(), block.size());
    if (got < 0 && errno != EINTR)
      return failed(file, "read");
    if (got == 0)
      return std::optional<std::string>{std::move(out)};
    if (got > 0)
      out.append(block.data(), static_cast<size_t>(got));
  }
}

result<void> write_state_file(const fs::path& file, std::string_view text) {
  if (auto made = make_folder_of(file); !made)
    return made;
  return put(file, text, 0600, true);
}

result<void> replace_file(const fs::path& file, std::string_view text) {
  if (auto made = make_folder_of(file); !made)
    return made;
  std::error_code ec;
  auto target =
      fs::is_symlink(file, ec) ? fs::weakly_canonical(file, ec) : file;
  if (ec)
    target = file;
  struct stat info {};
  auto mode = ::stat(target.c_str(), &info) == 0 ? info.st_mode & 07777 : 0600;
  return put(target, text, static_cast<mode_t>(mode));
}

result<void> remove_state_file(const fs::path& file) {
  if (::unlink(file.c_str()) != 0 && errno != ENOENT && errno != ENOTDIR)
    return failed(file, "removed");
  sync_folder_of(file);
  return {};
}

void remove_orphans(const fs::path& folder, std::string_view name) {
  std::error_code ec;
  for (auto& entry : fs::directory_iterator(folder, ec)) {
    auto writer = writer_of(entry.path().filename().native(), name);
    if (writer && !is_running(*writer) && entry.is_regular_file(ec))
      ::unlink(entry.path().c_str());
  }
}

result<file_lock> file_lock::take(const fs::path& file, duration patience) {
  using clock = std::chrono::steady_clock;
  if (auto made = make_folder_of(file); !made)
    return made.error();
  descriptor out{file, O_RDWR | O_CREAT, 0600};
  if (out.get() < 0)
    return failed(file, "made");
  auto begun = clock::now();
  while (::flock(out.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR)
      return failed(file, "locked");
    // Its holder may be stopped, and then waits for ever.
    if (clock::now() - begun >= patience)
      return make_error(errc::timed_out, file.string() + " is held by "
                                             + holder_named_in(out.get())
                                             + ": let it finish, or end it");
    std::this_thread::sleep_for(lock_interval);
  }
  name_holder_in(out.get());
  return file_lock{out.release()};
}

file_lock::file_lock(file_lock&& other) noexcept
  : fd_(std::exchange(other.fd_, -1)) {}

file_lock::~file_lock() {
  if (fd_ >= 0)
    ::close(fd_);
}

} // namespace peapod
