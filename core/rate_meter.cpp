#include "core/rate_meter.hpp"

#include <utility>

namespace peapod {

void rate_meter::started(instant now) {
  since_ = now;
}

void rate_meter::stopped(instant now) {
  busy_ += now - std::exchange(since_, now);
}

void rate_meter::arrived(uint64_t bytes, instant now) {
  bytes_ += bytes;
  auto elapsed = busy_ + (now - since_);
  if (elapsed < sample_time)
    return;
  auto seconds = std::chrono::duration<double>(elapsed).count();
  auto sample = static_cast<double>(bytes_) / seconds;
  rate_ = rate_ ? (*rate_ + sample) / 2 : sample;
  since_ = now;
  busy_ = {};
  bytes_ = 0;
}

} // namespace peapod
