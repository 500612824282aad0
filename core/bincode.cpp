#include "core/bincode.hpp"

#include "core/wire_message.hpp"

#include <algorithm>

namespace peapod {

// -- bincode_writer -----------------------------------------------------------

void bincode_writer::write(std::span<const uint8_t> bytes) {
  current().insert(current().end(), bytes.begin(), bytes.end());
}

void bincode_writer::write_integer(uint64_t value, size_t width) {
  for (size_t i = 0; i < width; ++i)
    current().push_back(static_cast<uint8_t>(value >> (8 * i)));
}

void bincode_writer::write_payload(slice payload) {
  write_integer(payload.size(), 8);
  parts_.payload = std::move(payload);
  has_payload_ = true;
}

bincode_parts bincode_writer::take() && {
  return std::move(parts_);
}

// -- bincode_reader -----------------------------------------------------------

void bincode_reader::fail(std::string_view reason) {
  if (!ok())
    return;
  failure_ = reason;
  in_ = {};
}

void bincode_reader::read(std::span<uint8_t> out) {
  auto bytes = read_slice(out.size()).bytes();
  std::ranges::fill(out, 0);
  std::ranges::copy(bytes, out.begin());
}

uint64_t bincode_reader::read_integer(size_t width) {
  uint64_t out = 0;
  auto taken = read_slice(width);
  for (size_t i = 0; i < taken.size(); ++i)
    out |= uint64_t{taken.data()[i]} << (8 * i);
  return out;
}

size_t bincode_reader::read_length() {
  auto n = read_integer(8);
  if (n > in_.size()) {
    fail("a length exceeds the bytes that are there");
    return 0;
  }
  return static_cast<size_t>(n);
}

slice bincode_reader::read_slice(size_t count) {
  if (count > in_.size())
    fail("the message ends early");
  if (!ok())
    return {};
  auto out = in_.sub(0, count);
  in_ = in_.sub(count);
  return out;
}

// -- strings and payloads -----------------------------------------------------

void save(bincode_writer& out, const std::string& x) {
  out.write_integer(x.size(), 8);
  out.write({reinterpret_cast<const uint8_t*>(x.data()), x.size()});
}

void load(bincode_reader& in, std::string& x) {
  auto bytes = in.read_slice(in.read_length());
  x = bytes.text();
  if (valid_utf8_prefix(x).size() != x.size())
    in.fail("a text is not valid UTF-8");
}

void save(bincode_writer& out, const slice& x) {
  out.write_payload(x);
}

void load(bincode_reader& in, slice& x) {
  x = in.read_slice(in.read_length());
}

} // namespace peapod
