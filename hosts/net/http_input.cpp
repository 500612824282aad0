#include "hosts/net/http_input.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace peapod::net {

// -- input_buffer -------------------------------------------------------------

std::string_view input_buffer::unread() const {
  return {reinterpret_cast<const char*>(block_.get()) + begin_, end_ - begin_};
}

std::span<char> input_buffer::unread_span() {
  return {reinterpret_cast<char*>(block_.get()) + begin_, end_ - begin_};
}

void input_buffer::consume(size_t n) {
  begin_ += n;
}

slice input_buffer::share(size_t offset, size_t n) const {
  return {block_, block_.get() + begin_ + offset, n};
}

std::span<uint8_t> input_buffer::prepare(size_t min, size_t block) {
  if (begin_ == end_ && block_.use_count() == 1)
    begin_ = end_ = 0;
  if (capacity_ - end_ < min) {
    auto size = end_ - begin_;
    auto capacity = std::max(block, size + min);
    auto fresh = std::make_shared_for_overwrite<uint8_t[]>(capacity);
    if (size > 0)
      std::memcpy(fresh.get(), block_.get() + begin_, size);
    block_ = std::move(fresh);
    capacity_ = capacity;
    begin_ = 0;
    end_ = size;
  }
  return {block_.get() + end_, capacity_ - end_};
}

void input_buffer::shrink() {
  if (begin_ == end_)
    *this = {};
}

void input_buffer::recycle(size_t most) {
  if (begin_ != end_)
    return;
  if (block_.use_count() != 1 || capacity_ > most)
    return shrink();
  begin_ = end_ = 0;
}

// -- body_decoder -------------------------------------------------------------

body_decoder::body_decoder(body_framing framing, uint64_t length,
                           padding in_trailers)
  : framing_(framing) {
  if (framing == body_framing::chunked)
    chunks_.emplace(in_trailers);
  else if (framing == body_framing::length)
    rest_ = length;
  else if (framing == body_framing::until_close)
    rest_ = UINT64_MAX;
}

result<std::optional<body_part>> body_decoder::next(input_buffer& in,
                                                    size_t limit) {
  if (framing_ == body_framing::chunked)
    return next_chunked(in, limit);
  return next_raw(in, limit);
}

std::optional<body_part> body_decoder::next_raw(input_buffer& in,
                                                size_t limit) {
  auto n = std::min<uint64_t>({in.unread().size(), limit, rest_});
  if (n == 0 && rest_ > 0)
    return std::nullopt;
  body_part out;
  if (n > 0)
    out.bytes = in.share(0, n);
  in.consume(n);
  if (framing_ != body_framing::until_close)
    rest_ -= n;
  done_ = out.last = rest_ == 0;
  return out;
}

result<std::optional<body_part>> body_decoder::next_chunked(input_buffer& in,
                                                            size_t limit) {
  if (decoded_.empty() && !ended_ && !in.unread().empty()) {
    auto step = chunks_->decode(in.unread_span());
    if (!step)
      return step.error();
    if (step->body_size > 0)
      decoded_ = in.share(step->body_offset, step->body_size);
    ended_ = step->last;
    in.consume(step->consumed);
  }
  return give_out(limit);
}

std::optional<body_part> body_decoder::give_out(size_t limit) {
  if (decoded_.empty() && !ended_)
    return std::nullopt;
  body_part out;
  out.bytes = decoded_.sub(0, limit);
  decoded_ = out.bytes.size() < decoded_.size() ? decoded_.sub(out.bytes.size())
                                                : slice{};
  done_ = out.last = ended_ && decoded_.empty();
  return out;
}

void body_decoder::skip(uint64_t n) {
  if (framing_ != body_framing::until_close)
    rest_ -= std::min(n, rest_);
  done_ = rest_ == 0;
}

result<body_part> body_decoder::finish() {
  if (framing_ != body_framing::until_close)
    return make_error(errc::connection_closed, "the body ended early");
  done_ = true;
  rest_ = 0;
  return body_part{{}, true};
}

uint64_t body_decoder::rest() const {
  return framing_ == body_framing::chunked ? UINT64_MAX : rest_;
}

} // namespace peapod::net
