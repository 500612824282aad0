#include "core/rate_meter.hpp"

namespace peapod {

void rate_meter::started(instant now) {
  since_ = now;
  bytes_ = 0;
}

void rate_meter::arrived(uint64_t bytes, instant now) {
  bytes_ += bytes;
  auto elapsed = now - since_;
  if (elapsed < sample_time)
    return;
  auto seconds = std::chrono::duration<double>(elapsed).count();
  auto sample = static_cast<double>(bytes_) / seconds;
  rate_ = rate_ ? (*rate_ + sample) / 2 : sample;
  since_ = now;
  bytes_ = 0;
}

} // namespace peapod
