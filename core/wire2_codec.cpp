#include "core/wire2_codec.hpp"

#include "core/wire_fields.hpp"

#include <type_traits>

namespace peapod {

template <class Archive>
void serialize(Archive& ar, egress_tags& x) {
  ar(x.gateway, x.public_v4, x.public_v6);
}

} // namespace peapod

namespace peapod::wire2 {

// -- fields -------------------------------------------------------------------

namespace {

/// What a number becomes that we have no name for; an id has none.
fetch_failure known(fetch_failure x) {
  return x > fetch_failure::not_now ? fetch_failure::internal : x;
}

tunnel_end known(tunnel_end x) {
  return x > tunnel_end::unreachable ? tunnel_end::reset : x;
}

goodbye_reason known(goodbye_reason x) {
  return x > goodbye_reason::misbehaved ? goodbye_reason::unspecified : x;
}

exchange_id known(exchange_id x) {
  return x;
}

/// An enumeration as the number that it is on the wire.
template <class Enum>
struct as_number {
  using wire = std::underlying_type_t<Enum>;
  Enum& value;

  friend void save(bincode_writer& out, const as_number& x) {
    out.write_integer(static_cast<wire>(x.value), sizeof(wire));
  }

  friend void load(bincode_reader& in, as_number& x) {
    x.value = known(Enum{static_cast<wire>(in.read_integer(sizeof(wire)))});
  }
};

template <class Enum>
as_number<Enum> number(Enum& x) {
  return {x};
}

/// A list with a bound on its entries, so that none of them is read in vain.
template <class T>
struct bounded_list {
  std::vector<T>& value;
  size_t most;
  std::string_view excess; ///< what is wrong with more

  friend void save(bincode_writer& out, const bounded_list& x) {
    out.write_integer(x.value.size(), 8);
    for (const auto& entry : x.value)
      out(entry);
  }

  friend void load(bincode_reader& in, bounded_list& x) {
    auto count = in.read_integer(8);
    if (count > x.most)
      in.fail(x.excess);
    for (uint64_t i = 0; in.ok() && i < count; ++i)
      in(x.value.emplace_back());
  }
};

template <class T>
bounded_list<T> bounded(std::vector<T>& x, size_t most,
                        std::string_view excess) {
  return {x, most, excess};
}

} // namespace

template <class Archive>
void serialize(Archive& ar, ping& x) {
  ar(x.token);
}

template <class Archive>
void serialize(Archive& ar, pong& x) {
  ar(x.token);
}

template <class Archive>
void serialize(Archive& ar, fetch& x) {
  ar(number(x.id), x.url, x.range, x.expected,
     bounded(x.fields, max_fields, "there are too many fields"), x.deadline,
     x.urgency);
}

template <class Archive>
void serialize(Archive& ar, fetch_head& x) {
  ar(number(x.id), x.status, x.found, x.range);
}

template <class Archive>
void serialize(Archive& ar, part& x) {
  ar(number(x.id), x.offset, x.bytes);
}

template <class Archive>
void serialize(Archive& ar, fetch_done& x) {
  ar(number(x.id), x.hash);
}

template <class Archive>
void serialize(Archive& ar, fetch_failed& x) {
  ar(number(x.id), number(x.code), x.retry_after, x.detail);
}

template <class Archive>
void serialize(Archive& ar, cancel& x) {
  ar(number(x.id));
}

template <class Archive>
void serialize(Archive& ar, credit& x) {
  ar(number(x.id), x.bytes);
}

template <class Archive>
void serialize(Archive& ar, open_tunnel& x) {
  ar(number(x.id), x.host, x.port);
}

template <class Archive>
void serialize(Archive& ar, tunnel_opened& x) {
  ar(number(x.id));
}

template <class Archive>
void serialize(Archive& ar, tunnel_data& x) {
  ar(number(x.id), x.bytes);
}

template <class Archive>
void serialize(Archive& ar, close_tunnel& x) {
  ar(number(x.id), number(x.how), x.detail);
}

template <class Archive>
void serialize(Archive& ar, goodbye& x) {
  ar(number(x.reason), x.detail);
}

template <class Archive>
void serialize(Archive& ar, pairing_commit& x) {
  ar(x.commitment);
}

template <class Archive>
void serialize(Archive& ar, pairing_reveal& x) {
  ar(x.nonce);
}

template <class Archive>
void serialize(Archive&, welcome&) {}

template <class Archive>
void serialize(Archive&, view_question&) {}

template <class Archive>
void serialize(Archive& ar, view_piece& x) {
  ar(x.bytes, x.last);
}

template <class Archive>
void serialize(Archive& ar, egress& x) {
  ar(bounded(x.lines, max_egress_lines, "there are too many lines"));
}

void save(bincode_writer& out, const sharing& x) {
  out(x.on, x.rate_limit, x.left_today, x.metered, x.battery);
}

void load(bincode_reader& in, sharing& x) {
  in(x.on, x.rate_limit, x.left_today, x.metered, x.battery);
  if (auto why = broken_bound(x); !why.empty())
    in.fail(why);
}

// -- messages -----------------------------------------------------------------

namespace {

error malformed(std::string_view reason) {
  return make_error(errc::peer_misbehaved,
                    "malformed message: " + std::string{reason});
}

/// Makes the alternative with a tag; false when there is none.
template <size_t I = 0>
bool emplace_by_tag(message& x, uint32_t tag) {
  if constexpr (I < std::variant_size_v<message>) {
    if (tag != first_tag + I)
      return emplace_by_tag<I + 1>(x, tag);
    x.emplace<I>();
    return true;
  }
  return false;
}

} // namespace

result<bincode_parts> encode(const message& x) {
  if (auto why = broken_bound(x); !why.empty())
    return make_error(errc::limit_reached,
                      "a message cannot be sent: " + std::string{why});
  bincode_writer out;
  out(tag_of(x));
  std::visit([&](const auto& it) { out(it); }, x);
  auto parts = std::move(out).take();
  if (parts.size() > max_record_text)
    return make_error(errc::limit_reached,
                      "a message does not fit into a record");
  return parts;
}

result<decoded> decode(const slice& in) {
  bincode_reader reader{in};
  decoded out;
  reader(out.tag);
  if (!reader.ok())
    return malformed(reader.failure());
  if (out.tag < first_tag)
    return malformed("it is one of protocol 1");
  message content;
  if (!emplace_by_tag(content, out.tag))
    return out;
  std::visit([&](auto& it) { reader(it); }, content);
  if (!reader.ok())
    return malformed(reader.failure());
  if (!reader.rest().empty())
    return malformed("there are bytes behind it");
  if (auto why = broken_bound(content); !why.empty())
    return malformed(why);
  out.content = std::move(content);
  return out;
}

} // namespace peapod::wire2
