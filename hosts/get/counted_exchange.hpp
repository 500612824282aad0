#pragma once

#include "actors/ports.hpp"

#include <functional>
#include <memory>

namespace peapod {

/// Passes on what another exchange says, and tells how many bytes of its body
/// have come.
class counted_exchange final : public http_exchange {
public:
  using counter = std::function<void(uint64_t bytes)>;

  counted_exchange(std::shared_ptr<http_exchange> inner, counter count)
    : inner_(std::move(inner)), count_(std::move(count)) {}

  void write_body(body_part part, handler<void> done) override {
    inner_->write_body(std::move(part), std::move(done));
  }

  void read_head(handler<response_head> done) override {
    inner_->read_head(std::move(done));
  }

  void read_body(size_t limit, handler<body_part> done) override {
    inner_->read_body(limit, [count = count_, done = std::move(done)](
                                 result<body_part> outcome) {
      if (outcome)
        count(outcome->bytes.size());
      done(std::move(outcome));
    });
  }

  uint64_t received() const override {
    return inner_->received();
  }

  void cancel() override {
    inner_->cancel();
  }

private:
  std::shared_ptr<http_exchange> inner_;
  counter count_;
};

} // namespace peapod
