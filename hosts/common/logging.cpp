#include "hosts/common/logging.hpp"

#include "hosts/common/terminal_text.hpp"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <mutex>

namespace peapod::log {

namespace {

constexpr size_t max_file_size = 10_MiB;
constexpr size_t old_files = 3;

spdlog::level::level_enum to_spdlog(severity level) {
  switch (level) {
    case severity::trace:
      return spdlog::level::trace;
    case severity::debug:
      return spdlog::level::debug;
    case severity::info:
      return spdlog::level::info;
    case severity::warn:
      return spdlog::level::warn;
    case severity::error:
      return spdlog::level::err;
    case severity::off:
      break;
  }
  return spdlog::level::off;
}

/// Whether standard error leads to systemd's journal, and not elsewhere from a
/// process below a service (systemd.exec(5), `$JOURNAL_STREAM`).
bool under_journal() {
  auto* stream = std::getenv("JOURNAL_STREAM");
  struct stat info {};
  return stream != nullptr && ::fstat(STDERR_FILENO, &info) == 0
         && std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino)
                == stream;
}

/// Writes a level as the journal reads it, as in `<6>` (sd-daemon(3)).
class priority_flag : public spdlog::custom_flag_formatter {
public:
  void format(const spdlog::details::log_msg& msg, const std::tm&,
              spdlog::memory_buf_t& dest) override {
    auto text = priority_of(msg.level);
    dest.append(text.data(), text.data() + text.size());
  }

  std::unique_ptr<spdlog::custom_flag_formatter> clone() const override {
    return std::make_unique<priority_flag>();
  }

private:
  static std::string_view priority_of(spdlog::level::level_enum level) {
    switch (level) {
      case spdlog::level::trace:
      case spdlog::level::debug:
        return "<7>";
      case spdlog::level::info:
        return "<6>";
      case spdlog::level::warn:
        return "<4>";
      default:
        return "<3>";
    }
  }
};

/// The journal adds the time itself, and takes the level from the priority.
std::unique_ptr<spdlog::formatter> make_format(bool for_journal) {
  auto out = std::make_unique<spdlog::pattern_formatter>();
  out->add_flag<priority_flag>('*');
  out->set_pattern(for_journal ? "%*%v" : "%Y-%m-%d %H:%M:%S.%e %l %v");
  return out;
}

std::shared_ptr<spdlog::logger> make_logger(spdlog::sink_ptr sink,
                                            severity level, bool for_journal) {
  auto out = std::make_shared<spdlog::logger>("peapod", std::move(sink));
  out->set_level(to_spdlog(level));
  out->set_formatter(make_format(for_journal));
  out->flush_on(spdlog::level::info);
  return out;
}

spdlog::sink_ptr standard_error() {
  return std::make_shared<spdlog::sinks::stderr_sink_mt>();
}

/// The logger in use. Replaced by `start`, so it is held while it is used.
class current_logger {
public:
  std::shared_ptr<spdlog::logger> get() {
    std::lock_guard guard{mutex_};
    if (logger_ == nullptr)
      logger_ = make_logger(standard_error(), severity::error, false);
    return logger_;
  }

  void set(std::shared_ptr<spdlog::logger> logger, severity level) {
    std::lock_guard guard{mutex_};
    logger_ = std::move(logger);
    level_ = level;
  }

  /// Read on every call that may log: without the lock.
  severity level() const {
    return level_;
  }

private:
  std::mutex mutex_;
  std::shared_ptr<spdlog::logger> logger_;
  std::atomic<severity> level_{severity::error};
};

current_logger& current() {
  static current_logger instance;
  return instance;
}

} // namespace

result<void> start(severity level, const std::filesystem::path& file) {
  if (file.empty()) {
    current().set(make_logger(standard_error(), level, under_journal()), level);
    return {};
  }
  try {
    auto sink = std::make_shared<spdlog::sinks::rotating_file_sink_mt>(
        file.string(), max_file_size, old_files);
    current().set(make_logger(std::move(sink), level, false), level);
    return {};
  } catch (const spdlog::spdlog_ex& x) {
    return make_error(errc::io_failed, "[log] file: " + file.string()
                                           + " cannot be written: " + x.what());
  }
}

bool enabled(severity level) {
  return level >= current().level() && level != severity::off;
}

void write(severity level, std::string_view message) {
  if (!enabled(level))
    return;
  // Text of peers and origins must not forge lines, move the cursor or hide.
  current().get()->log(to_spdlog(level), printable(message));
}

void flush() {
  current().get()->flush();
}

} // namespace peapod::log
