#define CAF_SUITE wire_codec

#include "core/wire_codec.hpp"

#include "core/integrity.hpp"
#include "tests/core/vectors.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

slice frame_of(const wire_message& x) {
  return slice{encode_frame(x).value()};
}

/// Encodes and decodes.
wire_message round_trip(const wire_message& x) {
  auto frame = decode_frame(frame_of(x));
  CAF_REQUIRE(frame && *frame);
  return (*frame)->message;
}

/// The frame of `x` with `extra` bytes behind its message.
slice with_trailer(const wire_message& x, std::string_view extra) {
  auto out = encode_frame(x).value();
  out.insert(out.end(), extra.begin(), extra.end());
  auto length = out.size() - frame_header_size;
  out[0] = static_cast<uint8_t>(length);
  out[1] = static_cast<uint8_t>(length >> 8);
  return slice{std::move(out)};
}

const device_id some_device = device_id::from(byte_buffer(16, 7));
const transfer_id some_transfer = transfer_id::from(byte_buffer(16, 9));

} // namespace

CAF_TEST(every message of the reference encodes to its frame) {
  for (const auto& x : vectors::section("messages")) {
    auto frame = encode_frame(vectors::message(x.at("message")));
    CAF_REQUIRE(frame);
    CAF_CHECK_EQUAL(to_hex(*frame), vectors::text(x.at("frame")));
    CAF_CHECK_EQUAL(frame->size(), vectors::number(x.at("frame_len")));
  }
}

CAF_TEST(every frame of the reference decodes to its message) {
  for (const auto& x : vectors::section("messages")) {
    auto bytes = vectors::bytes(x.at("frame"));
    auto size = bytes.size();
    auto frame = decode_frame(slice{std::move(bytes)});
    CAF_REQUIRE(frame && *frame);
    CAF_CHECK((*frame)->message == vectors::message(x.at("message")));
    CAF_CHECK_EQUAL((*frame)->consumed, size);
  }
}

CAF_TEST(malformed frames are judged as the reference judges them) {
  for (const auto& x : vectors::section("malformed_frames")) {
    CAF_MESSAGE(vectors::text(x.at("name")));
    auto frame = decode_frame(slice{vectors::bytes(x.at("bytes"))});
    const auto& expected = x.at("decode");
    auto verdict = vectors::text(expected.at("result"));
    if (verdict == "ok") {
      CAF_REQUIRE(frame && *frame);
      CAF_CHECK_EQUAL((*frame)->consumed,
                      vectors::number(expected.at("consumed")));
      CAF_CHECK((*frame)->message == vectors::message(expected.at("message")));
    } else if (verdict == "NeedMore") {
      CAF_CHECK(frame && !*frame);
    } else {
      CAF_REQUIRE(!frame);
      CAF_CHECK(frame.error().code == errc::peer_misbehaved);
      auto too_large = frame.error().detail.find("16 MiB") != std::string::npos;
      CAF_CHECK_EQUAL(too_large, verdict == "TooLarge");
    }
  }
}

CAF_TEST(a frame holds at most sixteen mebibytes) {
  for (const auto& x : vectors::section("limits")) {
    byte_buffer payload(vectors::number(x.at("payload_len")), 0x77);
    auto hash = sha256(payload);
    chunk_data message{
        vectors::id<transfer_id>("a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"),
        {0, payload.size()},
        hash,
        slice{std::move(payload)},
        {}};
    auto frame = encode_frame(message);
    if (x.at("frame_sha256").is_null()) {
      CAF_REQUIRE(!frame);
      CAF_CHECK(frame.error().code == errc::limit_reached);
    } else {
      CAF_REQUIRE(frame);
      CAF_CHECK_EQUAL("ok frame_len " + std::to_string(frame->size()),
                      vectors::text(x.at("encode")));
      CAF_CHECK_EQUAL(to_string(sha256(*frame)),
                      vectors::text(x.at("frame_sha256")));
    }
  }
}

CAF_TEST(a payload is neither copied on its way out nor on its way in) {
  slice payload{vectors::payload_256k()};
  chunk_data message{
      some_transfer, {0, payload.size()}, sha256(payload.bytes()), payload, {}};
  auto parts = encode_frame_parts(message).value();
  CAF_CHECK(parts.payload.data() == payload.data());
  auto frame = frame_of(message);
  auto decoded = decode_frame(frame).value();
  auto& in = std::get<chunk_data>(decoded->message).payload;
  CAF_CHECK(in.data() == frame.data() + 80);
  CAF_CHECK_EQUAL(in.size(), payload.size());
}

CAF_TEST(extensions survive the way over the wire) {
  hello_extension hello{2, 0x8001, "Küche"};
  representation rep{"\"abc\"", "Sun, 06 Nov 1994 08:49:37 GMT", 1234567};
  std::vector<wire_message> messages{
      beacon{1, some_device, {}, 4, hello},
      discovery_response{1, some_device, {}, 4, hello},
      heartbeat{some_device, hello},
      chunk_request{some_transfer, {1, 2}, "http://example.org/", rep},
      chunk_request{some_transfer, {1, 2}, {}, representation{}},
      chunk_data{some_transfer,
                 {1, 2},
                 {},
                 slice{std::string_view{"x"}},
                 chunk_origin{206, rep, 1}},
      nack{some_transfer, {1, 2}, nack_reason{4, "another version"}},
  };
  for (const auto& x : messages)
    CAF_CHECK(round_trip(x) == x);
}

CAF_TEST(an extension stands behind the message of protocol 1) {
  auto plain = encode_frame(heartbeat{some_device, {}}).value();
  auto extended =
      encode_frame(heartbeat{some_device, hello_extension{2, 3, "pi"}}).value();
  CAF_CHECK_EQUAL(to_hex(extended).substr(8), to_hex(plain).substr(8)
                                                  + "505032"
                                                    "02"
                                                    "0300"
                                                    "02"
                                                    "7069");
}

CAF_TEST(a damaged extension is none) {
  wire_message plain = heartbeat{some_device, {}};
  auto extended =
      encode_frame(heartbeat{some_device, hello_extension{2, 3, "pi"}}).value();
  std::string trailer{extended.begin() + 32, extended.end()};
  for (size_t cut = 0; cut < trailer.size(); ++cut) {
    auto frame = decode_frame(with_trailer(plain, trailer.substr(0, cut)));
    CAF_REQUIRE(frame && *frame);
    CAF_CHECK((*frame)->message == plain);
  }
  auto whole = decode_frame(with_trailer(plain, trailer)).value();
  CAF_CHECK(std::get<heartbeat>(whole->message).hello.has_value());
  wire_message other = nack{some_transfer, {1, 2}, {}};
  auto frame = decode_frame(with_trailer(other, "PPE\1\0\xff\xff\xff")).value();
  CAF_CHECK(frame->message == other);
}

CAF_TEST(a name on the wire is short valid and harmless) {
  auto name_after = [](std::string name) {
    auto x = round_trip(heartbeat{some_device, hello_extension{1, 0, name}});
    return std::get<heartbeat>(x).hello.value().name;
  };
  CAF_CHECK_EQUAL(name_after(std::string(40, 'a')), std::string(32, 'a'));
  CAF_CHECK_EQUAL(name_after(std::string(31, 'a') + "é"), std::string(31, 'a'));
  CAF_CHECK_EQUAL(name_after("ok\xff"
                             "no"),
                  "ok");
  CAF_CHECK_EQUAL(name_after("a\x1b[2J\xc2\x9b"), "a [2J ");
  CAF_CHECK_EQUAL(name_after(""), "");
  // Not only ours: a name as a hostile device sends it.
  wire_message plain = heartbeat{some_device, {}};
  auto frame =
      decode_frame(with_trailer(plain, std::string{"PP2\2\0\0\3\xff\x1bx", 10}))
          .value();
  CAF_CHECK_EQUAL(std::get<heartbeat>(frame->message).hello.value().name, "");
}

CAF_TEST(a view travels behind a join that others read as nothing but that) {
  join x{some_device, view_extension{view_extension::answer, "[1]"}};
  auto frame = decode_frame(slice{encode_frame(x).value()}).value();
  CAF_CHECK(std::get<join>(frame->message) == x);
  auto plain = encode_frame(join{some_device, {}}).value();
  auto extended = encode_frame(x).value();
  CAF_CHECK(std::equal(plain.begin() + 4, plain.end(), extended.begin() + 4));
  auto cut = extended;
  cut.resize(cut.size() - 1);
  cut[0] -= 1; // the frame's length
  frame = decode_frame(slice{cut}).value();
  CAF_CHECK(!std::get<join>(frame->message).view.has_value());
}

CAF_TEST(no prefix of a message decodes and no length grows memory) {
  auto request =
      encode_frame(chunk_request{some_transfer, {1, 2}, "http://a/", {}})
          .value();
  slice message{byte_buffer(request.begin() + 4, request.end())};
  for (size_t n = 0; n < message.size(); ++n)
    CAF_CHECK(!decode_message(message.sub(0, n)));
  CAF_CHECK(decode_message(message));
}

CAF_TEST(valid text is told from invalid by the table of RFC 3629) {
  auto valid = [](std::string_view x) {
    return valid_utf8_prefix(x).size() == x.size();
  };
  for (auto x : {"", "abc", "é", "日本", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf"})
    CAF_CHECK(valid(x));
  for (auto x : {"\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80",
                 "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
                 "\x80", "\xc3", "\xe6\x97", "\xf0\x9f\x98"})
    CAF_CHECK(!valid(x));
}

CAF_TEST(every message has a name) {
  CAF_CHECK_EQUAL(name_of(beacon{}), "beacon");
  CAF_CHECK_EQUAL(name_of(chunk_data{}), "chunk_data");
  CAF_CHECK_EQUAL(name_of(nack{}), "nack");
}
