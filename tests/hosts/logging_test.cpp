#include "hosts/common/logging.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#define CAF_SUITE host_logging
#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

namespace fs = std::filesystem;

/// Standard error as a file, while it lives.
class captured_error {
public:
  captured_error() {
    path_ = (fs::temp_directory_path() / "peapod-XXXXXX").string();
    auto file = ::mkstemp(path_.data());
    saved_ = ::dup(STDERR_FILENO);
    ::dup2(file, STDERR_FILENO);
    ::close(file);
  }

  ~captured_error() {
    ::dup2(saved_, STDERR_FILENO);
    ::close(saved_);
    fs::remove(path_);
  }

  /// What systemd says of the stream that it gave to a service.
  static std::string stream() {
    struct stat info {};
    ::fstat(STDERR_FILENO, &info);
    return std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino);
  }

  std::string text() const {
    std::ifstream in{path_};
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
  }

private:
  std::string path_;
  int saved_ = -1;
};

/// What a daemon with this `$JOURNAL_STREAM` writes.
std::string logged(const char* journal_stream) {
  captured_error err;
  auto stream = journal_stream ? journal_stream : captured_error::stream();
  ::setenv("JOURNAL_STREAM", stream.c_str(), 1);
  auto started = log::start(severity::debug, {});
  log::debug("a");
  log::info("b");
  log::warn("c");
  log::error("d\n<0>e");
  log::error("f\x1b[2J\xc2\x9b"
             "2J\x9b"
             "2J\u202eg\u00fc");
  log::flush();
  ::unsetenv("JOURNAL_STREAM");
  auto out = err.text();
  auto stopped = log::start(severity::error, {});
  return started && stopped ? out : "not started";
}

} // namespace

CAF_TEST(lines for the journal carry priorities and no time) {
  CAF_CHECK_EQUAL(logged(nullptr), "<7>a\n<6>b\n<4>c\n<3>d <0>e\n"
                                   "<3>f?[2J?2J?2J?g\u00fc\n");
}

CAF_TEST(lines for a stream that is not the journal carry times and levels) {
  auto out = logged("1:2");
  CAF_CHECK(out.find("<6>") == std::string::npos);
  CAF_CHECK(out.find(" info b\n") != std::string::npos);
  CAF_CHECK(out.starts_with("20"));
}
