#include "hosts/linux/program_helper_linux.hpp"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

namespace peapod {

namespace {

/// More than any message has: two outputs, or a program's words.
constexpr uint32_t max_message = 1 << 20;

// -- messages: a length, and so many bytes ------------------------------------

bool write_all(int to, std::string_view bytes) {
  while (!bytes.empty()) {
    auto put = ::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put < 0 && errno != EINTR)
      return false;
    if (put > 0)
      bytes.remove_prefix(static_cast<size_t>(put));
  }
  return true;
}

bool read_all(int from, void* to, size_t size) {
  auto* at = static_cast<char*>(to);
  while (size > 0) {
    auto got = ::recv(from, at, size, 0);
    if (got == 0 || (got < 0 && errno != EINTR))
      return false;
    if (got > 0) {
      at += got;
      size -= static_cast<size_t>(got);
    }
  }
  return true;
}

template <class Number>
void append_number(std::string& to, Number x) {
  to.append(reinterpret_cast<const char*>(&x), sizeof(x));
}

bool send_message(int to, const std::string& body) {
  std::string out;
  append_number(out, static_cast<uint32_t>(body.size()));
  return write_all(to, out + body);
}

std::optional<std::string> receive_message(int from) {
  uint32_t size = 0;
  if (!read_all(from, &size, sizeof(size)) || size > max_message)
    return std::nullopt;
  std::string out(size, '\0');
  if (!read_all(from, out.data(), size))
    return std::nullopt;
  return out;
}

// -- what stands in them ------------------------------------------------------

void append_text(std::string& to, const std::string& x) {
  append_number(to, static_cast<uint32_t>(x.size()));
  to += x;
}

/// Reads numbers and texts; what is not there is zero and empty.
class reader {
public:
  explicit reader(std::string_view in) : in_(in) {}

  template <class Number>
  Number number() {
    Number out{};
    if (in_.size() < sizeof(out))
      return fail(), out;
    std::memcpy(&out, in_.data(), sizeof(out));
    in_.remove_prefix(sizeof(out));
    return out;
  }

  std::string text() {
    auto size = number<uint32_t>();
    if (in_.size() < size)
      return fail(), std::string{};
    std::string out{in_.substr(0, size)};
    in_.remove_prefix(size);
    return out;
  }

  bool is_good() const {
    return good_;
  }
  bool at_end() const {
    return in_.empty();
  }

private:
  void fail() {
    good_ = false;
    in_ = {};
  }

  std::string_view in_;
  bool good_ = true;
};

std::string request_of(const std::vector<std::string>& words,
                       duration patience) {
  std::string out;
  append_number(out, int64_t{patience.count()});
  for (auto& word : words)
    append_text(out, word);
  return out;
}

std::string answer_of(const result<program_outcome>& x) {
  std::string out;
  append_number(out, int32_t{x ? -1 : static_cast<int32_t>(x.error().code)});
  append_number(out, int32_t{x ? x->status : 0});
  append_text(out, x ? x->out : x.error().detail);
  append_text(out, x ? x->err : std::string{});
  return out;
}

result<program_outcome> parse_answer(std::string_view text) {
  reader in{text};
  auto code = in.number<int32_t>();
  program_outcome out;
  out.status = in.number<int32_t>();
  out.out = in.text();
  out.err = in.text();
  if (code >= 0)
    return make_error(static_cast<errc>(code), std::move(out.out));
  return out;
}

// -- the helper's own life ----------------------------------------------------

result<program_outcome> serve_one(std::string_view request,
                                  program_helper::filter may_run) {
  reader in{request};
  duration patience{in.number<int64_t>()};
  std::vector<std::string> words;
  while (in.is_good() && !in.at_end())
    words.push_back(in.text());
  if (!in.is_good() || words.empty() || !may_run(words))
    return make_error(errc::not_allowed,
                      "this is not a program that the daemon runs");
  return run_program(words, patience);
}

/// It outlives the signals that end the daemon: what the daemon has set is
/// put back after them.
[[noreturn]] void serve(int socket, program_helper::filter may_run) {
  for (auto signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE})
    std::signal(signal, SIG_IGN);
  ::prctl(PR_SET_NAME, "peapod-helper");
  while (auto request = receive_message(socket))
    if (!send_message(socket, answer_of(serve_one(*request, may_run))))
      break;
  std::_Exit(0);
}

error failed(const char* what) {
  return make_error(errc::io_failed,
                    std::string{what} + ": " + std::strerror(errno));
}

} // namespace

result<std::unique_ptr<program_helper>> program_helper::start(filter may_run) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return failed("no helper can be begun");
  auto pid = ::fork();
  if (pid == 0) {
    ::close(ends[0]);
    serve(ends[1], may_run);
  }
  ::close(ends[1]);
  if (pid < 0) {
    ::close(ends[0]);
    return failed("no helper can be begun");
  }
  return std::unique_ptr<program_helper>{new program_helper{ends[0], pid}};
}

program_helper::~program_helper() {
  ::close(socket_);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR)
    continue;
}

result<program_outcome>
program_helper::run(const std::vector<std::string>& words, duration patience) {
  auto answer = send_message(socket_, request_of(words, patience))
                    ? receive_message(socket_)
                    : std::nullopt;
  if (!answer)
    return make_error(errc::gone,
                      words.front() + ": the process that runs it has ended");
  return parse_answer(*answer);
}

} // namespace peapod
