// What arrives as records gives, in order, texts that were sealed, or an error;
// however it is cut and whatever else is in it.
//
// The input's first byte says how: bit 0 whether what follows is sealed
// properly, bit 1 whether one bit of that is changed then; the rest is how many
// bytes come at a time. Input to be sealed is a sequence of a length byte and
// as many bytes; where to change a bit stand two bytes in front of it.

#include "core/records.hpp"
#include "tests/fuzz/check.hpp"

#include <algorithm>
#include <vector>

using namespace peapod;

namespace {

using bytes_view = std::span<const uint8_t>;

/// In the middle of it the key changes.
noise::cipher_state make_key() {
  std::array<uint8_t, noise::key_size> key{};
  noise::cipher_state out;
  out.initialize_key(key);
  out.set_nonce(rekey_interval - 2);
  return out;
}

/// Reads `wire` in portions; the texts up to its end or an error.
std::vector<byte_buffer> open_all(bytes_view wire, size_t portion) {
  record_opener opener{make_key()};
  std::vector<byte_buffer> out;
  while (!wire.empty()) {
    auto piece = wire.first(std::min(portion, wire.size()));
    wire = wire.subspan(piece.size());
    while (!piece.empty()) {
      auto before = piece.size();
      auto text = opener.read(piece);
      if (!text) {
        check(!opener.read(piece), "an error was forgotten");
        return out;
      }
      check(piece.size() < before, "nothing was read");
      check(*text || piece.empty(), "bytes were left without a text");
      if (*text)
        out.emplace_back((*text)->bytes().begin(), (*text)->bytes().end());
    }
  }
  return out;
}

struct sealed {
  std::vector<byte_buffer> texts;
  byte_buffer wire;
};

sealed seal_all(bytes_view in) {
  record_sealer sealer{make_key()};
  sealed out;
  while (!in.empty()) {
    auto text = in.subspan(1, std::min<size_t>(in[0], in.size() - 1));
    in = in.subspan(1 + text.size());
    auto record = sealer.seal({text}).value();
    out.texts.emplace_back(text.begin(), text.end());
    out.wire.insert(out.wire.end(), record.bytes().begin(),
                    record.bytes().end());
  }
  return out;
}

void run_changed(bytes_view in, size_t portion) {
  if (in.size() < 3)
    return;
  auto where = in[0] | size_t{in[1]} << 8;
  auto all = seal_all(in.subspan(2));
  auto bit = where % (all.wire.size() * 8);
  all.wire[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
  auto texts = open_all(all.wire, portion);
  check(texts.size() < all.texts.size(), "a changed record was opened");
  check(std::equal(texts.begin(), texts.end(), all.texts.begin()),
        "a text was changed");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0)
    return 0;
  bytes_view in{data + 1, size - 1};
  auto portion = size_t{1} + (data[0] >> 2) * 8;
  if ((data[0] & 1) == 0)
    open_all(in, portion);
  else if (data[0] & 2)
    run_changed(in, portion);
  else {
    auto all = seal_all(in);
    check(open_all(all.wire, portion) == all.texts, "a record did not open");
  }
  return 0;
}
