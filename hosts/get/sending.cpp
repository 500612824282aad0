#include "hosts/get/sending.hpp"

#include "core/integrity.hpp"
#include "core/proxy_status.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

namespace peapod {

namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr uint64_t piece_size = 128_KiB;

/// How long the server may take for a piece, and for its answer: S3 takes its
/// time to put parts together.
constexpr auto patience = 120s;

/// No answer to an upload is longer.
constexpr size_t max_answer = 1 << 20;

error failed(const fs::path& path, const char* what) {
  auto code = errno == EACCES || errno == EPERM ? errc::permission_denied
                                                : errc::io_failed;
  return make_error(code, path.string() + " cannot be " + what + ": "
                              + std::strerror(errno));
}

int64_t change_of(const struct stat& x) {
  return int64_t{x.st_mtim.tv_sec} * 1'000'000'000 + x.st_mtim.tv_nsec;
}

} // namespace

// -- input_file ---------------------------------------------------------------

result<std::shared_ptr<input_file>> input_file::open(const fs::path& path) {
  auto fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return failed(path, "read");
  std::shared_ptr<input_file> out{new input_file{path, fd}};
  struct stat info {};
  if (::fstat(fd, &info) != 0)
    return failed(path, "read");
  if (!S_ISREG(info.st_mode))
    return make_error(errc::io_failed, path.string() + " is not a file");
  out->size_ = static_cast<uint64_t>(info.st_size);
  out->changed_ = change_of(info);
  return out;
}

input_file::~input_file() {
  ::close(fd_);
}

result<slice> input_file::read(byte_range range) const {
  byte_buffer out(range.size());
  for (size_t at = 0; at < out.size();) {
    auto got = ::pread(fd_, out.data() + at, out.size() - at,
                       static_cast<off_t>(range.begin + at));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return failed(path_, "read");
    if (got == 0)
      return make_error(errc::io_failed,
                        path_.string() + " has become shorter");
    at += static_cast<size_t>(got);
  }
  return slice{std::move(out)};
}

digest input_file::hash(byte_range range) const {
  sha256_hasher out;
  for (auto at = range.begin; at < range.end; at += piece_size) {
    auto piece = read({at, std::min(range.end, at + piece_size)});
    if (!piece)
      break;
    out.update(piece->bytes());
  }
  return out.finish();
}

bool input_file::is_unchanged() const {
  struct stat info {};
  return ::fstat(fd_, &info) == 0
         && static_cast<uint64_t>(info.st_size) == size_
         && change_of(info) == changed_;
}

// -- sending ------------------------------------------------------------------

std::shared_ptr<sending> sending::start(http_client& client,
                                        upload_request what,
                                        std::shared_ptr<const input_file> file,
                                        bool fresh,
                                        handler<upload_answer> done) {
  auto head = what.head;
  std::shared_ptr<sending> out{
      new sending{std::move(what), std::move(file), std::move(done)}};
  exchange_options options;
  options.idle_timeout = patience;
  options.fresh_connection = fresh;
  out->exchange_ = client.open(std::move(head), options);
  out->exchange_->read_head(
      [out](result<response_head> x) { out->on_head(std::move(x)); });
  if (out->size() > 0)
    out->write_on();
  return out;
}

uint64_t sending::size() const {
  return what_.file ? what_.file->size() : what_.body.size();
}

void sending::write_on() {
  auto end = std::min(size(), sent_ + piece_size);
  auto offset = what_.file ? what_.file->begin : 0;
  auto bytes = what_.file
                   ? file_->read({offset + sent_, offset + end})
                   : result<slice>{slice{std::string_view{what_.body}}.sub(
                       sent_, end - sent_)};
  if (!bytes)
    return finish(bytes.error());
  exchange_->write_body(
      {std::move(*bytes), end == size()},
      [self = shared_from_this(), end](const result<void>& outcome) {
        // What went wrong the answer tells, or its lack.
        if (!outcome || !self->exchange_)
          return;
        self->sent_ = end;
        if (end < self->size())
          self->write_on();
      });
}

void sending::on_head(result<response_head> head) {
  if (!exchange_)
    return finish(make_error(errc::cancelled, "called off"));
  if (!head)
    return finish(head.error());
  if (auto told = told_by_daemon(*head)) {
    sent_ = 0; // to the server
    return finish(std::move(*told));
  }
  answer_.head = std::move(*head);
  if (answer_.head.framing == body_framing::none || what_.head.method == "HEAD")
    return finish(std::move(answer_));
  read_on();
}

/// Why the daemon in between could not pass the request on. Of `https` each
/// answer is the server's own.
std::optional<error> sending::told_by_daemon(const response_head& head) const {
  if (what_.head.target.scheme == "https")
    return std::nullopt;
  auto told = failure_told_by_proxy(head);
  bool before = told && as_tunnel_failure(*told).code == told->code;
  return before ? told : std::nullopt;
}

void sending::read_on() {
  exchange_->read_body(
      64_KiB, [self = shared_from_this()](const result<body_part>& part) {
        if (!self->exchange_)
          return self->finish(make_error(errc::cancelled, "called off"));
        if (!part)
          return self->finish(part.error());
        self->answer_.body += part->bytes.text();
        if (self->answer_.body.size() > max_answer)
          self->finish(make_error(errc::bad_http, "the answer is too long"));
        else if (part->last)
          self->finish(std::move(self->answer_));
        else
          self->read_on();
      });
}

void sending::finish(result<upload_answer> outcome) {
  // A body that has not gone out leaves nothing that could be used again.
  if (exchange_ && sent_ < size())
    exchange_->cancel();
  exchange_.reset();
  if (auto done = std::exchange(done_, nullptr))
    done(std::move(outcome));
}

void sending::cancel() {
  if (auto exchange = std::exchange(exchange_, nullptr))
    exchange->cancel();
}

} // namespace peapod
