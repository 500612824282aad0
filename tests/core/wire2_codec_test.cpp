#define CAF_SUITE wire2_codec

#include "core/wire2_codec.hpp"

#include <rapidcheck.h>

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace peapod::wire2;
using namespace std::literals;

namespace {

byte_buffer bytes_of(const message& x) {
  auto parts = encode(x).value();
  auto out = parts.head;
  auto payload = parts.payload.bytes();
  out.insert(out.end(), payload.begin(), payload.end());
  out.insert(out.end(), parts.tail.begin(), parts.tail.end());
  return out;
}

result<decoded> decode_bytes(byte_buffer x) {
  return decode(slice{std::move(x)});
}

constexpr exchange_id seven{7};

const std::string etag_hex = "01"
                             "0300000000000000"
                             "226122";

/// Each message and the bytes that it has been since the beginning.
std::vector<std::pair<message, std::string>> golden() {
  representation rep{"\"a\"", {}, 256};
  return {
      {ping{0x0102030405060708}, "10000000"
                                 "0807060504030201"},
      {pong{1}, "11000000"
                "0100000000000000"},
      {fetch{
           seven, "http://a/b", {16, 32}, rep, {{"Accept", "*/*"}}, 1500ms, 1},
       "12000000"
       "07000000"
       "0a00000000000000"
       "687474703a2f2f612f62"
       "1000000000000000"
       "2000000000000000"
           + etag_hex
           + "00"
             "01"
             "0001000000000000"
             "0100000000000000"
             "0600000000000000"
             "416363657074"
             "0300000000000000"
             "2a2f2a"
             "dc050000"
             "01"},
      {fetch_head{seven, 206, rep, {16, 32}}, "13000000"
                                              "07000000"
                                              "ce00"
                                                  + etag_hex
                                                  + "00"
                                                    "01"
                                                    "0001000000000000"
                                                    "1000000000000000"
                                                    "2000000000000000"},
      {part{seven, 16, slice{"xyz"sv}}, "14000000"
                                        "07000000"
                                        "1000000000000000"
                                        "0300000000000000"
                                        "78797a"},
      {fetch_done{seven, digest::from(byte_buffer(32, 0xab))},
       "15000000"
       "07000000"
       "abababababababababababababababababababababababababababababababab"},
      {fetch_failed{seven, fetch_failure::throttled, 30s, "later"},
       "16000000"
       "07000000"
       "0400"
       "01"
       "1e000000"
       "0500000000000000"
       "6c61746572"},
      {cancel{seven}, "17000000"
                      "07000000"},
      {credit{seven, 65536}, "18000000"
                             "07000000"
                             "00000100"},
      {open_tunnel{seven, "a.b", 443}, "19000000"
                                       "07000000"
                                       "0300000000000000"
                                       "612e62"
                                       "bb01"},
      {tunnel_opened{seven}, "1a000000"
                             "07000000"},
      {tunnel_data{seven, slice{"xyz"sv}}, "1b000000"
                                           "07000000"
                                           "0300000000000000"
                                           "78797a"},
      {close_tunnel{seven, tunnel_end::unreachable, "no"}, "1c000000"
                                                           "07000000"
                                                           "0300"
                                                           "0200000000000000"
                                                           "6e6f"},
      {sharing{true, 1000, {}, true, 80}, "1d000000"
                                          "01"
                                          "01"
                                          "e803000000000000"
                                          "00"
                                          "01"
                                          "01"
                                          "50"},
      {goodbye{goodbye_reason::duplicate, ""}, "1e000000"
                                               "0200"
                                               "0000000000000000"},
      {pairing_commit{digest::from(byte_buffer(32, 0xcd))},
       "1f000000"
       "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"},
      {pairing_reveal{pairing_nonce::from(byte_buffer(32, 0xef))},
       "20000000"
       "efefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefef"},
      {welcome{}, "21000000"},
      {view_question{}, "22000000"},
      {view_piece{slice{"[]"sv}, true}, "23000000"
                                        "0200000000000000"
                                        "5b5d"
                                        "01"},
      {egress{{egress_tags{egress_tags::tag::from(byte_buffer(16, 0xab)),
                           {},
                           egress_tags::tag::from(byte_buffer(16, 0x12))},
               egress_tags{}}},
       "24000000"
       "0200000000000000"
       "01"
       "abababababababababababababababab"
       "00"
       "01"
       "12121212121212121212121212121212"
       "000000"},
  };
}

// -- generators ---------------------------------------------------------------

std::string text_up_to(size_t size) {
  auto length = *rc::gen::inRange<size_t>(0, size + 1);
  return *rc::gen::container<std::string>(length, rc::gen::inRange('!', '~'));
}

slice payload_up_to(size_t size) {
  auto length = *rc::gen::inRange<size_t>(1, size + 1);
  return slice{
      *rc::gen::container<byte_buffer>(length, rc::gen::arbitrary<uint8_t>())};
}

template <class T>
T any() {
  return *rc::gen::arbitrary<T>();
}

template <class T>
std::optional<T> maybe(T x) {
  return any<bool>() ? std::optional{std::move(x)} : std::nullopt;
}

exchange_id any_id() {
  return exchange_id{any<uint32_t>()};
}

byte_range any_range() {
  auto begin = any<uint32_t>();
  return {begin, begin + 1 + uint64_t{any<uint32_t>()}};
}

representation any_representation() {
  return {maybe(text_up_to(20)), maybe(text_up_to(max_date_size)),
          maybe(UINT64_MAX - any<uint32_t>())};
}

std::vector<http_field> any_fields() {
  std::vector<http_field> out(*rc::gen::inRange<size_t>(0, max_fields + 1));
  for (auto& x : out)
    x = {"X-" + std::to_string(any<uint16_t>()), text_up_to(40)};
  return out;
}

template <class Id>
Id any_raw() {
  return Id::from(*rc::gen::container<byte_buffer>(
      Id::size, rc::gen::arbitrary<uint8_t>()));
}

egress any_egress() {
  egress out;
  auto count = *rc::gen::inRange<size_t>(0, max_egress_lines + 1);
  while (out.lines.size() < count)
    out.lines.push_back({maybe(any_raw<egress_tags::tag>()),
                         maybe(any_raw<egress_tags::tag>()),
                         maybe(any_raw<egress_tags::tag>())});
  return out;
}

message any_message() {
  switch (*rc::gen::inRange<size_t>(0, std::variant_size_v<message>)) {
    case 0:
      return ping{any<uint64_t>()};
    case 1:
      return pong{any<uint64_t>()};
    case 2:
      return fetch{any_id(),
                   "http://" + text_up_to(100),
                   any_range(),
                   any_representation(),
                   any_fields(),
                   std::chrono::milliseconds{any<uint32_t>()},
                   *rc::gen::inRange<uint8_t>(0, max_urgency + 1)};
    case 3:
      return fetch_head{any_id(), *rc::gen::inRange<uint16_t>(100, 600),
                        any_representation(), any_range()};
    case 4:
      return part{any_id(), any<uint32_t>(), payload_up_to(100)};
    case 5:
      return fetch_done{any_id(), any_raw<digest>()};
    case 6:
      return fetch_failed{any_id(),
                          fetch_failure{*rc::gen::inRange<uint16_t>(0, 7)},
                          maybe(std::chrono::seconds{any<uint32_t>()}),
                          text_up_to(max_detail_size)};
    case 7:
      return cancel{any_id()};
    case 8:
      return credit{any_id(), *rc::gen::inRange<uint32_t>(1, UINT32_MAX)};
    case 9:
      return open_tunnel{any_id(), "h" + text_up_to(max_host_size - 1),
                         *rc::gen::inRange<uint16_t>(1, UINT16_MAX)};
    case 10:
      return tunnel_opened{any_id()};
    case 11:
      return tunnel_data{any_id(), payload_up_to(100)};
    case 12:
      return close_tunnel{any_id(),
                          tunnel_end{*rc::gen::inRange<uint16_t>(0, 4)},
                          text_up_to(max_detail_size)};
    case 13:
      return sharing{any<bool>(), maybe(any<uint64_t>()),
                     maybe(any<uint64_t>()), any<bool>(),
                     maybe(*rc::gen::inRange<uint8_t>(0, 101))};
    case 14:
      return goodbye{goodbye_reason{*rc::gen::inRange<uint16_t>(0, 5)},
                     text_up_to(max_detail_size)};
    case 15:
      return pairing_commit{any_raw<digest>()};
    case 16:
      return pairing_reveal{any_raw<pairing_nonce>()};
    case 17:
      return welcome{};
    case 18:
      return view_question{};
    case 19:
      return view_piece{payload_up_to(100), any<bool>()};
    default:
      return any_egress();
  }
}

// -- bounds -------------------------------------------------------------------

fetch good_fetch() {
  fetch out;
  out.url = "http://a/";
  out.range = {0, 1};
  return out;
}

/// A message with one bound broken.
std::vector<message> beyond_bounds() {
  std::vector<message> out;
  auto bad_fetch = [&](auto change) {
    auto x = good_fetch();
    change(x);
    out.push_back(x);
  };
  bad_fetch([](fetch& x) { x.url.clear(); });
  bad_fetch([](fetch& x) { x.url.resize(max_url_size + 1, 'a'); });
  bad_fetch([](fetch& x) { x.url = "http://a/ b"; });
  bad_fetch([](fetch& x) { x.url = "http://a/\r\nHost: b"; });
  bad_fetch([](fetch& x) { x.url = "http://a/\xff"; });
  bad_fetch([](fetch& x) { x.range = {1, 1}; });
  bad_fetch([](fetch& x) { x.range = {2, 1}; });
  bad_fetch([](fetch& x) { x.expected.total_length = 0; });
  bad_fetch([](fetch& x) { x.expected.etag.emplace(max_etag_size + 1, 'a'); });
  bad_fetch([](fetch& x) { x.expected.etag = "a\nb"; });
  bad_fetch([](fetch& x) {
    x.expected.last_modified.emplace(max_date_size + 1, 'a');
  });
  bad_fetch([](fetch& x) { x.expected.last_modified = "a\rb"; });
  bad_fetch([](fetch& x) { x.fields.resize(max_fields + 1, {"a", "b"}); });
  bad_fetch([](fetch& x) { x.fields = {{"", "b"}}; });
  bad_fetch([](fetch& x) { x.fields = {{"a b", "b"}}; });
  bad_fetch([](fetch& x) { x.fields = {{"a:", "b"}}; });
  bad_fetch([](fetch& x) {
    x.fields = {{std::string(max_field_name_size + 1, 'a'), "b"}};
  });
  bad_fetch([](fetch& x) {
    x.fields = {{"a", std::string(max_field_value_size + 1, 'b')}};
  });
  bad_fetch([](fetch& x) { x.fields = {{"a", "b\r\nc: d"}}; });
  bad_fetch([](fetch& x) { x.urgency = max_urgency + 1; });
  out.push_back(fetch_head{seven, 99, {}, {0, 1}});
  out.push_back(fetch_head{seven, 600, {}, {0, 1}});
  out.push_back(fetch_head{seven, 206, {}, {1, 1}});
  out.push_back(fetch_head{seven, 206, {{}, {}, 1}, {0, 2}});
  out.push_back(part{seven, 0, {}});
  out.push_back(part{seven, UINT64_MAX, slice{"x"sv}});
  auto long_detail = std::string(max_detail_size + 1, 'a');
  out.push_back(fetch_failed{seven, {}, {}, long_detail});
  out.push_back(fetch_failed{seven, {}, {}, "a\x1b[2J"});
  out.push_back(goodbye{{},
                        "a\xc2\x9b"
                        "2J"}); // the same by U+009B
  out.push_back(credit{seven, 0});
  out.push_back(open_tunnel{seven, "", 1});
  out.push_back(open_tunnel{seven, std::string(max_host_size + 1, 'a'), 1});
  out.push_back(open_tunnel{seven, "a b", 1});
  out.push_back(open_tunnel{seven, "a", 0});
  out.push_back(tunnel_data{seven, {}});
  out.push_back(close_tunnel{seven, {}, long_detail});
  out.push_back(sharing{true, {}, {}, false, 101});
  out.push_back(egress{std::vector<egress_tags>(max_egress_lines + 1)});
  out.push_back(goodbye{{}, long_detail});
  return out;
}

/// The bytes of a message whose bounds nobody checks: those of a good one of
/// the same kind with other fields behind the tag.
void refuse(std::string_view hex) {
  CAF_MESSAGE(hex);
  auto x = decode_bytes(from_hex(hex));
  CAF_REQUIRE(!x);
  CAF_CHECK(x.error().code == errc::peer_misbehaved);
}

} // namespace

CAF_TEST(every message has its bytes and its name) {
  auto all = golden();
  CAF_REQUIRE_EQUAL(all.size(), std::variant_size_v<message>);
  std::string_view last_name;
  for (size_t i = 0; i < all.size(); ++i) {
    const auto& [x, hex] = all[i];
    CAF_MESSAGE(name_of(x));
    CAF_CHECK_EQUAL(x.index(), i);
    CAF_CHECK_EQUAL(tag_of(x), 16 + i);
    CAF_CHECK_EQUAL(to_hex(bytes_of(x)), hex);
    auto back = decode_bytes(from_hex(hex));
    CAF_REQUIRE(back && back->content);
    CAF_CHECK(*back->content == x);
    CAF_CHECK_EQUAL(back->tag, tag_of(x));
    CAF_CHECK(name_of(x) != last_name);
    last_name = name_of(x);
  }
}

CAF_TEST(every message survives the way over the wire) {
  auto holds = [] {
    auto x = any_message();
    auto back = decode_bytes(bytes_of(x));
    RC_ASSERT(back.has_value());
    RC_ASSERT(back->content.has_value());
    RC_ASSERT(*back->content == x);
  };
  CAF_CHECK(rc::check("messages", holds));
}

CAF_TEST(no message decodes when it is cut or extended) {
  for (const auto& [x, hex] : golden()) {
    CAF_MESSAGE(name_of(x));
    auto bytes = from_hex(hex);
    for (size_t n = 0; n < bytes.size(); ++n)
      CAF_CHECK(!decode_bytes({bytes.begin(), bytes.begin() + n}));
    bytes.push_back(0);
    CAF_CHECK(!decode_bytes(bytes));
  }
}

CAF_TEST(an unknown tag is told and skipped and a tag of protocol 1 is not ) {
  for (const auto* hex : {"25000000", "ffffffff", "2500000001020304"}) {
    auto x = decode_bytes(from_hex(hex));
    CAF_REQUIRE(x);
    CAF_CHECK(!x->content);
    CAF_CHECK(x->tag >= 0x25);
  }
  refuse("0f000000");
  refuse("00000000");
  refuse("100000");
  refuse("");
}

CAF_TEST(what breaks a bound is not sent) {
  for (const auto& x : beyond_bounds()) {
    CAF_MESSAGE(name_of(x) << ": " << broken_bound(x));
    CAF_CHECK(!broken_bound(x).empty());
    auto sent = encode(x);
    CAF_REQUIRE(!sent);
    CAF_CHECK(sent.error().code == errc::limit_reached);
  }
  auto late = good_fetch();
  late.deadline = std::chrono::milliseconds{int64_t{1} << 32};
  CAF_CHECK(!encode(late));
  late.deadline = -1ms;
  CAF_CHECK(!encode(late));
  CAF_CHECK(!encode(fetch_failed{seven, {}, -1s, ""}));
  CAF_CHECK(encode(good_fetch()));
}

CAF_TEST(what breaks a bound is not taken) {
  refuse("13000000"
         "07000000"
         "6300"
         "000000"
         "0000000000000000"
         "0100000000000000"); // a status of 99
  refuse("13000000"
         "07000000"
         "ce00"
         "000000"
         "0100000000000000"
         "0100000000000000"); // an empty range
  refuse("14000000"
         "07000000"
         "0000000000000000"
         "0000000000000000");
  refuse("14000000"
         "07000000"
         "ffffffffffffffff"
         "0100000000000000"
         "78");
  refuse("14000000"
         "07000000"
         "0000000000000000"
         "ffffffffffffffff"
         "78");
  refuse("18000000"
         "07000000"
         "00000000");
  refuse("19000000"
         "07000000"
         "0000000000000000"
         "bb01");
  refuse("19000000"
         "07000000"
         "0100000000000000"
         "61"
         "0000");
  refuse("19000000"
         "07000000"
         "0100000000000000"
         "0a"
         "0100");
  refuse("1b000000"
         "07000000"
         "0000000000000000");
  refuse("1d000000"
         "02"
         "00"
         "00"
         "00"
         "00"); // a flag of 2
  refuse("1d000000"
         "01"
         "02"
         "00"
         "00"
         "00"); // an option of 2
  refuse("1d000000"
         "01"
         "00"
         "00"
         "00"
         "0165"); // a battery of 101 %
  refuse("1e000000"
         "0000"
         "0100000000000000"
         "ff"); // no UTF-8
}

CAF_TEST(a count of fields is refused before any of them is read) {
  auto bytes = bytes_of(good_fetch());
  auto count = bytes.size() - 8 - 4 - 1;
  CAF_REQUIRE_EQUAL(bytes[count], 0);
  bytes[count] = 17;
  auto x = decode_bytes(bytes);
  CAF_REQUIRE(!x);
  CAF_CHECK(x.error().detail.find("too many fields") != std::string::npos);
  std::fill_n(bytes.begin() + static_cast<ptrdiff_t>(count), 8, 0xff);
  CAF_CHECK(!decode_bytes(bytes));
}

CAF_TEST(codes without a name become the general one) {
  auto failed = decode_bytes(from_hex("16000000"
                                      "07000000"
                                      "ff00"
                                      "00"
                                      "0000000000000000"));
  CAF_REQUIRE(failed && failed->content);
  CAF_CHECK(std::get<fetch_failed>(*failed->content).code
            == fetch_failure::internal);
  auto closed = decode_bytes(from_hex("1c000000"
                                      "07000000"
                                      "0900"
                                      "0000000000000000"));
  CAF_REQUIRE(closed && closed->content);
  CAF_CHECK(std::get<close_tunnel>(*closed->content).how == tunnel_end::reset);
  auto left = decode_bytes(from_hex("1e000000"
                                    "0900"
                                    "0000000000000000"));
  CAF_REQUIRE(left && left->content);
  CAF_CHECK(std::get<goodbye>(*left->content).reason
            == goodbye_reason::unspecified);
}

CAF_TEST(a payload is shared and not copied) {
  slice payload{byte_buffer(max_part_size, 'x')};
  auto parts = encode(part{seven, 0, payload}).value();
  CAF_CHECK(parts.payload.data() == payload.data());
  CAF_CHECK_EQUAL(parts.size(), max_record_text);
  slice wire{bytes_of(part{seven, 0, payload})};
  auto back = decode(wire).value();
  CAF_CHECK(std::get<part>(*back.content).bytes.data() == wire.data() + 24);
}

CAF_TEST(the largest messages fit into a record and no larger ones) {
  CAF_CHECK(encode(part{seven, 0, slice{byte_buffer(max_part_size)}}));
  CAF_CHECK(!encode(part{seven, 0, slice{byte_buffer(max_part_size + 1)}}));
  slice most{byte_buffer(max_tunnel_data_size)};
  CAF_CHECK_EQUAL(encode(tunnel_data{seven, most}).value().size(),
                  max_record_text);
  slice more{byte_buffer(max_tunnel_data_size + 1)};
  CAF_CHECK(!encode(tunnel_data{seven, more}));
  auto x = good_fetch();
  x.url.resize(max_url_size, 'a');
  x.expected = {std::string(max_etag_size, 'a'),
                std::string(max_date_size, 'a'), 1};
  x.fields.assign(max_fields, {std::string(max_field_name_size, 'a'),
                               std::string(max_field_value_size, 'a')});
  auto back = decode_bytes(bytes_of(x));
  CAF_REQUIRE(back && back->content);
  CAF_CHECK(*back->content == message{x});
}
