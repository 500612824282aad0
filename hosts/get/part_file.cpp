#include "hosts/get/part_file.hpp"

#include "hosts/common/size_text.hpp"
#include "hosts/common/state_file.hpp"
#include "hosts/common/write_all.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace peapod {

namespace {

namespace fs = std::filesystem;

error failed(const fs::path& path, const char* what) {
  auto code = errno == EACCES || errno == EPERM || errno == EROFS
                  ? errc::permission_denied
                  : errc::io_failed;
  auto why = errno == ENOSPC ? "the disk is full" : std::strerror(errno);
  return make_error(code, path.string() + " cannot be " + what + ": " + why);
}

bool is_there(const fs::path& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0;
}

uint64_t size_of(const fs::path& path) {
  std::error_code ec;
  auto out = fs::file_size(path, ec);
  return ec ? 0 : out;
}

fs::path with(const fs::path& target, const char* ending) {
  auto out = target;
  out += ending;
  return out;
}

void sync_folder_of(const fs::path& file) {
  auto folder = file.has_parent_path() ? file.parent_path() : fs::path{"."};
  auto fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return;
  ::fsync(fd);
  ::close(fd);
}

/// A file for its owner alone, on the disk when this returns.
result<void> write_new(const fs::path& file, std::string_view text) {
  auto fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0)
    return failed(file, "made");
  result<void> done;
  if (!write_all(fd, text) || ::fsync(fd) != 0)
    done = failed(file, "written");
  ::close(fd);
  return done;
}

error unusable(const file_names& names, errc code, const std::string& why) {
  return make_error(code, names.sidecar.string() + ": " + why
                              + "; --restart begins anew, and nothing was "
                                "touched");
}

} // namespace

file_names file_names::of(const fs::path& target) {
  return {target, with(target, ".part"), with(target, ".peapod")};
}

result<file_plan> look_at(const file_names& names, const std::string& from,
                          bool force, bool restart,
                          const std::vector<std::string>& mirrors) {
  std::error_code ec;
  if (fs::is_directory(names.target, ec))
    return make_error(errc::io_failed, names.target.string() + " is a folder");
  if (is_there(names.target) && !force)
    return make_error(errc::io_failed,
                      names.target.string() + " exists; --force replaces it");
  if (restart)
    return file_plan{};
  auto text = read_state_file(names.sidecar);
  if (!text)
    return text.error();
  bool begun = is_there(names.part);
  if (!*text && begun)
    return make_error(errc::io_failed,
                      names.part.string()
                          + " exists, but nothing says what it is a part of; "
                            "--restart replaces it");
  if (!*text || !begun)
    return file_plan{};
  auto parsed = parse_sidecar(**text);
  if (!parsed)
    return unusable(names, errc::io_failed, parsed.error().detail);
  if (parsed->from != from
      && std::ranges::find(mirrors, parsed->from) == mirrors.end())
    return unusable(names, errc::mismatch,
                    names.part.string() + " is a part of " + parsed->from);
  if (size_of(names.part) < parsed->extent())
    return unusable(names, errc::io_failed,
                    names.part.string() + " is shorter than it says");
  if (parsed->have.empty())
    return file_plan{};
  return file_plan{std::move(*parsed)};
}

// -- part_file ----------------------------------------------------------------

result<part_file> part_file::create(file_names names,
                                    std::optional<uint64_t> room) {
  auto fd = ::open(names.part.c_str(),
                   O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (fd < 0)
    return failed(names.part, "made");
  part_file out{std::move(names), fd};
  if (auto ok = out.lock(); !ok)
    return ok.error();
  out.forget_sidecar();
  if (::ftruncate(fd, 0) != 0)
    return failed(out.names_.part, "written");
  std::error_code ec;
  auto space = fs::space(out.names_.part, ec);
  if (!ec && room && space.available < *room) {
    out.remove();
    return make_error(errc::io_failed,
                      out.names_.target.string() + ": the disk is full: "
                          + size_text(*room) + " are needed, "
                          + size_text(space.available) + " are free");
  }
  return out;
}

result<part_file> part_file::resume(file_names names, const sidecar& begun) {
  auto fd = ::open(names.part.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0)
    return failed(names.part, "opened");
  part_file out{std::move(names), fd};
  if (auto ok = out.lock(); !ok)
    return ok.error();
  if (size_of(out.names_.part) < begun.extent())
    return unusable(out.names_, errc::io_failed, "the part is too short");
  return out;
}

part_file::part_file(part_file&& other) noexcept
  : names_(std::move(other.names_)), fd_(std::exchange(other.fd_, -1)) {}

part_file::~part_file() {
  if (fd_ >= 0)
    ::close(fd_);
}

/// Two runs that write one file would spoil it.
result<void> part_file::lock() {
  if (::flock(fd_, LOCK_EX | LOCK_NB) == 0)
    return {};
  if (errno == EWOULDBLOCK)
    return make_error(errc::io_failed, names_.part.string()
                                           + " is being written by another "
                                             "peapod get");
  return {}; // file systems without locks
}

result<void> part_file::write(uint64_t offset, std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    auto put =
        ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno != EINTR)
      return failed(names_.part, "written");
    if (put > 0) {
      bytes = bytes.subspan(static_cast<size_t>(put));
      offset += static_cast<uint64_t>(put);
    }
  }
  return {};
}

result<void>
part_file::read(byte_range range,
                const std::function<void(std::span<const uint8_t>)>& to) {
  byte_buffer block(256_KiB);
  for (auto at = range.begin; at < range.end;) {
    auto most = std::min<uint64_t>(block.size(), range.end - at);
    auto got = ::pread(fd_, block.data(), most, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return failed(names_.part, "read");
    if (got == 0)
      return make_error(errc::io_failed,
                        names_.part.string() + " has become shorter");
    to(std::span{block.data(), static_cast<size_t>(got)});
    at += static_cast<uint64_t>(got);
  }
  return {};
}

result<void> part_file::save(const sidecar& now) {
  if (::fdatasync(fd_) != 0)
    return failed(names_.part, "written");
  // One name for all runs, of which the lock lets one at a time write: what a
  // run leaves that was killed the next one replaces.
  auto temporary = new_sidecar();
  ::unlink(temporary.c_str());
  auto done = write_new(temporary, to_text(now));
  if (done && ::rename(temporary.c_str(), names_.sidecar.c_str()) != 0)
    done = failed(names_.sidecar, "replaced");
  if (!done)
    ::unlink(temporary.c_str());
  else
    sync_folder_of(names_.sidecar);
  return done;
}

fs::path part_file::new_sidecar() const {
  return with(names_.sidecar, ".new");
}

result<void> part_file::publish(bool force) {
  if (::fsync(fd_) != 0)
    return failed(names_.part, "written");
  auto& target = names_.target;
  // A link, other than a rename, overwrites nothing.
  bool done = !force && ::link(names_.part.c_str(), target.c_str()) == 0;
  if (done)
    ::unlink(names_.part.c_str());
  else if (!force && (errno == EEXIST || is_there(target)))
    return make_error(errc::io_failed,
                      target.string() + " has come into being meanwhile; "
                          + names_.part.string() + " is complete");
  else if (::rename(names_.part.c_str(), target.c_str()) != 0)
    return failed(target, "replaced");
  forget_sidecar();
  sync_folder_of(target);
  return {};
}

result<fs::path> part_file::set_aside() {
  for (unsigned i = 0; i < 1000; ++i) {
    auto to = with(names_.target, ".corrupt");
    if (i > 0)
      to += "." + std::to_string(i);
    if (is_there(to))
      continue;
    if (::rename(names_.part.c_str(), to.c_str()) != 0)
      return failed(names_.part, "renamed");
    forget_sidecar();
    return to;
  }
  return make_error(errc::io_failed,
                    names_.target.string() + ".corrupt exists too often");
}

void part_file::remove() {
  ::unlink(names_.part.c_str());
  forget_sidecar();
}

void part_file::forget_sidecar() {
  ::unlink(names_.sidecar.c_str());
  ::unlink(new_sidecar().c_str());
}

} // namespace peapod
