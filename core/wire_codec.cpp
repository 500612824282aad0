#include "core/wire_codec.hpp"

#include "core/wire_fields.hpp"

namespace peapod {

// -- fields -------------------------------------------------------------------

// cereal finds these by the namespace of their arguments. The extensions are
// optional and stand behind all fields of a message: they have functions of
// their own below.

template <class Archive>
void serialize(Archive& ar, beacon& x) {
  ar(x.protocol_version, x.device, x.key, x.listen_port);
}

template <class Archive>
void serialize(Archive& ar, discovery_response& x) {
  ar(x.protocol_version, x.device, x.key, x.listen_port);
}

template <class Archive>
void serialize(Archive& ar, join& x) {
  ar(x.device);
}

template <class Archive>
void serialize(Archive& ar, leave& x) {
  ar(x.device);
}

template <class Archive>
void serialize(Archive& ar, heartbeat& x) {
  ar(x.device);
}

template <class Archive>
void serialize(Archive& ar, chunk_request& x) {
  ar(x.transfer, x.range, x.url);
}

template <class Archive>
void serialize(Archive& ar, chunk_data& x) {
  ar(x.transfer, x.range, x.hash, x.payload);
}

template <class Archive>
void serialize(Archive& ar, nack& x) {
  ar(x.transfer, x.range);
}

template <class Archive>
void serialize(Archive& ar, chunk_origin& x) {
  ar(x.status, x.rep, x.origin_offset);
}

template <class Archive>
void serialize(Archive& ar, nack_reason& x) {
  ar(x.code, x.text);
}

template <class Archive>
void serialize(Archive& ar, view_extension& x) {
  ar(x.what, x.text);
}

void save(bincode_writer& out, const hello_extension& x) {
  slice name{std::string_view{clean_name(x.name)}};
  out(x.highest_protocol, x.capabilities, static_cast<uint8_t>(name.size()));
  out.write(name.bytes());
}

void load(bincode_reader& in, hello_extension& x) {
  uint8_t name_size = 0;
  in(x.highest_protocol, x.capabilities, name_size);
  x.name = clean_name(in.read_slice(name_size).text());
}

namespace {

// -- extensions ---------------------------------------------------------------

/// Three letters that an extension starts with.
using extension_tag = std::string_view;

template <class Message>
struct extension_of {
  static constexpr extension_tag tag = {};
};

template <extension_tag const& Tag, auto Member>
struct extension_at {
  static constexpr extension_tag tag = Tag;
  static auto& get(auto& message) {
    return message.*Member;
  }
};

constexpr extension_tag hello_tag = "PP2";
constexpr extension_tag validator_tag = "PPV";
constexpr extension_tag reason_tag = "PPE";
constexpr extension_tag view_tag = "PPW";

template <>
struct extension_of<beacon> : extension_at<hello_tag, &beacon::hello> {};

template <>
struct extension_of<discovery_response>
  : extension_at<hello_tag, &discovery_response::hello> {};

template <>
struct extension_of<heartbeat> : extension_at<hello_tag, &heartbeat::hello> {};

template <>
struct extension_of<join> : extension_at<view_tag, &join::view> {};

template <>
struct extension_of<chunk_request>
  : extension_at<validator_tag, &chunk_request::expected> {};

template <>
struct extension_of<chunk_data>
  : extension_at<validator_tag, &chunk_data::origin> {};

template <>
struct extension_of<nack> : extension_at<reason_tag, &nack::reason> {};

template <class Message>
void write_extension(bincode_writer& out, const Message& x) {
  using extension = extension_of<Message>;
  if constexpr (!extension::tag.empty())
    if (const auto& value = extension::get(x)) {
      out.write(slice(extension::tag).bytes());
      out(*value);
    }
}

/// Bytes that are not our extension are ignored, as every reader of protocol 1
/// does.
template <class Message>
void read_extension(const slice& rest, Message& x) {
  using extension = extension_of<Message>;
  if constexpr (!extension::tag.empty()) {
    if (!rest.text().starts_with(extension::tag))
      return;
    bincode_reader in{rest.sub(extension::tag.size())};
    auto& value = extension::get(x);
    in(value.emplace());
    if (!in.ok())
      value.reset();
  }
}

// -- messages -----------------------------------------------------------------

error malformed(std::string_view reason) {
  return make_error(errc::peer_misbehaved,
                    "malformed message: " + std::string{reason});
}

/// Makes the alternative with index `tag`.
template <size_t I = 0>
bool emplace_by_tag(wire_message& x, uint32_t tag) {
  if constexpr (I < std::variant_size_v<wire_message>) {
    if (tag != I)
      return emplace_by_tag<I + 1>(x, tag);
    x.emplace<I>();
    return true;
  }
  return false;
}

void store_frame_length(byte_buffer& head, size_t length) {
  for (size_t i = 0; i < frame_header_size; ++i)
    head[i] = static_cast<uint8_t>(length >> (8 * i));
}

} // namespace

// -- public functions ---------------------------------------------------------

result<bincode_parts> encode_frame_parts(const wire_message& x) {
  bincode_writer out;
  out(uint32_t{0}, static_cast<uint32_t>(x.index()));
  std::visit(
      [&](const auto& message) {
        out(message);
        write_extension(out, message);
      },
      x);
  auto parts = std::move(out).take();
  auto length = parts.size() - frame_header_size;
  if (length > max_message_size)
    return make_error(errc::limit_reached, "a message exceeds 16 MiB");
  store_frame_length(parts.head, length);
  return parts;
}

result<byte_buffer> encode_frame(const wire_message& x) {
  auto parts = encode_frame_parts(x);
  if (!parts)
    return parts.error();
  auto out = std::move(parts->head);
  out.reserve(out.size() + parts->payload.size() + parts->tail.size());
  auto payload = parts->payload.bytes();
  out.insert(out.end(), payload.begin(), payload.end());
  out.insert(out.end(), parts->tail.begin(), parts->tail.end());
  return out;
}

result<std::optional<decoded_frame>> decode_frame(const slice& in) {
  if (in.size() < frame_header_size)
    return std::optional<decoded_frame>{};
  auto length = read_frame_length(in.bytes());
  if (length > max_message_size)
    return malformed("a frame exceeds 16 MiB");
  if (in.size() - frame_header_size < length)
    return std::optional<decoded_frame>{};
  auto message = decode_message(in.sub(frame_header_size, length));
  if (!message)
    return message.error();
  return std::optional{
      decoded_frame{std::move(*message), frame_header_size + length}};
}

result<wire_message> decode_message(const slice& in) {
  bincode_reader reader{in};
  uint32_t tag = 0;
  reader(tag);
  wire_message out;
  if (reader.ok() && !emplace_by_tag(out, tag))
    reader.fail("an unknown kind of message");
  if (reader.ok())
    std::visit(
        [&](auto& message) {
          reader(message);
          if (reader.ok())
            read_extension(reader.rest(), message);
        },
        out);
  if (!reader.ok())
    return malformed(reader.failure());
  return out;
}

uint32_t read_frame_length(std::span<const uint8_t> in) {
  return in[0] | uint32_t{in[1]} << 8 | uint32_t{in[2]} << 16
         | uint32_t{in[3]} << 24;
}

} // namespace peapod
