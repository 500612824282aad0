#include "core/records.hpp"

#include <algorithm>

namespace peapod {

namespace {

using bytes_view = std::span<const uint8_t>;

/// To be called after each record, on both sides.
void rekey_when_due(noise::cipher_state& key) {
  if (key.nonce() % rekey_interval == 0)
    key.rekey();
}

void store_length(uint8_t* out, size_t length) {
  for (size_t i = 0; i < record_header_size; ++i)
    out[i] = static_cast<uint8_t>(length >> (8 * i));
}

size_t load_length(std::span<const uint8_t, record_header_size> in) {
  size_t out = 0;
  for (size_t i = 0; i < record_header_size; ++i)
    out |= size_t{in[i]} << (8 * i);
  return out;
}

/// Moves bytes from `in` to `into` until that is full.
template <size_t Size>
void fill(std::array<uint8_t, Size>& into, size_t& filled, bytes_view& in) {
  for (; filled < Size && !in.empty(); in = in.subspan(1))
    into[filled++] = in.front();
}

} // namespace

// -- record_sealer ------------------------------------------------------------

result<slice> record_sealer::seal(std::span<const bytes_view> parts) {
  size_t size = 0;
  for (auto part : parts)
    size += part.size();
  if (size > max_record_text)
    return make_error(errc::limit_reached, "a record exceeds 65,519 bytes");
  size += chacha_poly_tag_size;
  auto total = record_header_size + size;
  auto out = std::make_shared_for_overwrite<uint8_t[]>(total);
  store_length(out.get(), size);
  if (auto ok = key_.encrypt_with_ad({}, parts,
                                     {out.get() + record_header_size, size});
      !ok)
    return ok.error();
  rekey_when_due(key_);
  const auto* data = out.get();
  return slice{std::move(out), data, total};
}

// -- record_opener ------------------------------------------------------------

result<std::optional<slice>> record_opener::read(bytes_view& in) {
  if (failure_)
    return *failure_;
  if (header_size_ < record_header_size)
    if (auto ok = read_header(in); !ok)
      return fail(ok.error());
  if (header_size_ < record_header_size)
    return std::optional<slice>{};
  read_text(in);
  fill(tag_, tag_size_, in);
  if (tag_size_ < tag_.size())
    return std::optional<slice>{};
  auto out = finish();
  if (!out)
    return fail(out.error());
  return std::optional{std::move(*out)};
}

result<void> record_opener::read_header(bytes_view& in) {
  fill(header_, header_size_, in);
  if (header_size_ < record_header_size)
    return {};
  auto length = load_length(header_);
  if (length < chacha_poly_tag_size)
    return make_error(errc::peer_misbehaved, "a record is too short");
  text_size_ = length - chacha_poly_tag_size;
  if (text_size_ > max_record_text)
    return make_error(errc::peer_misbehaved, "a record is too long");
  if (auto ok = key_.begin_decrypting({}); !ok)
    return ok;
  text_ = std::make_shared_for_overwrite<uint8_t[]>(text_size_);
  return {};
}

void record_opener::read_text(bytes_view& in) {
  auto n = std::min(in.size(), text_size_ - opened_);
  key_.decrypt_next(in.first(n), text_.get() + opened_);
  opened_ += n;
  in = in.subspan(n);
}

result<slice> record_opener::finish() {
  if (auto ok = key_.finish_decrypting(tag_); !ok)
    return ok.error();
  rekey_when_due(key_);
  const auto* data = text_.get();
  slice out{std::move(text_), data, text_size_};
  header_size_ = 0;
  opened_ = 0;
  tag_size_ = 0;
  return out;
}

error record_opener::fail(error why) {
  if (text_)
    erase_secret({text_.get(), opened_});
  text_.reset();
  failure_ = why;
  return why;
}

} // namespace peapod
