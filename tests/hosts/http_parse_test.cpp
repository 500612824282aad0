#include "hosts/net/http_format.hpp"
#include "hosts/net/http_input.hpp"
#include "hosts/net/http_parse.hpp"

#include "hosts/net/http_lines.hpp"

#include <cstring>
#include <string>

#define CAF_SUITE http_parse
#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace peapod::net;
using namespace std::string_literals;

namespace {

/// The status that a request is refused with, or "accepted".
std::string verdict(const std::string& text) {
  auto size = find_head_end(text);
  if (!size)
    return size.error().detail.substr(0, 3);
  if (!*size)
    return "incomplete";
  auto head = parse_request_head(std::string_view{text}.substr(0, **size));
  return head ? "accepted" : head.error().detail.substr(0, 3);
}

std::string get(const std::string& fields) {
  return "GET http://a.example/x HTTP/1.1\r\nHost: a.example\r\n" + fields
         + "\r\n";
}

void feed(input_buffer& in, std::string_view text) {
  auto room = in.prepare(text.size(), 4096);
  std::memcpy(room.data(), text.data(), text.size());
  in.commit(text.size());
}

/// Decodes a chunked body that arrives `step` bytes at a time.
result<std::string> dechunk(std::string_view text, size_t step,
                            size_t limit = 4096,
                            padding in_trailers = padding::refused) {
  input_buffer in;
  body_decoder body{body_framing::chunked, 0, in_trailers};
  std::string out;
  while (true) {
    auto part = body.next(in, limit);
    if (!part)
      return part.error();
    if (*part) {
      out += (*part)->bytes.text();
      if ((*part)->last)
        return out;
      continue;
    }
    if (text.empty())
      return body.finish().error();
    auto n = std::min(step, text.size());
    feed(in, text.substr(0, n));
    text.remove_prefix(n);
  }
}

} // namespace

CAF_TEST(absolute form names the origin) {
  auto head = parse_request_head(
      "GET http://a.example:81/x?y=1 HTTP/1.1\r\nHost: other\r\nA: b\r\n\r\n");
  CAF_REQUIRE(head.has_value());
  CAF_CHECK_EQUAL(head->method, "GET");
  CAF_CHECK_EQUAL(head->target.host, "a.example");
  CAF_CHECK_EQUAL(head->target.port, 81);
  CAF_CHECK_EQUAL(head->target.target, "/x?y=1");
  CAF_CHECK(head->fields.find("A") == "b");
  CAF_CHECK(head->framing == body_framing::none);
}

CAF_TEST(origin form is for the proxy itself) {
  auto head =
      parse_request_head("GET /x HTTP/1.1\r\nHost: b.example:8080\r\n\r\n");
  CAF_REQUIRE(head.has_value());
  CAF_CHECK(head->to_proxy);
  CAF_CHECK_EQUAL(head->target.text(), "http://b.example:8080/x");
}

CAF_TEST(authority form names the end of a tunnel) {
  auto head = parse_request_head(
      "CONNECT c.example:443 HTTP/1.1\r\nHost: c.example:443\r\n\r\n");
  CAF_REQUIRE(head.has_value());
  CAF_CHECK_EQUAL(head->target.host, "c.example");
  CAF_CHECK_EQUAL(head->target.port, 443);
}

CAF_TEST(a tunnel may be asked for with a length of 0 and no more) {
  auto ask = [](const std::string& field) {
    return parse_request_head("CONNECT c.example:443 HTTP/1.1\r\n"
                              "Host: c.example:443\r\n"
                              + field + "\r\n\r\n");
  };
  auto head = ask("Content-Length: 0");
  CAF_REQUIRE(head.has_value());
  CAF_CHECK(head->framing == body_framing::none);
  CAF_CHECK(!ask("Content-Length: 1").has_value());
  CAF_CHECK(!ask("Transfer-Encoding: chunked").has_value());
}

CAF_TEST(framing fields are taken out of the head) {
  auto length = parse_request_head(get("Content-Length: 12\r\n"));
  CAF_REQUIRE(length.has_value());
  CAF_CHECK(length->framing == body_framing::length);
  CAF_CHECK_EQUAL(length->content_length, 12u);
  CAF_CHECK_EQUAL(length->fields.count("Content-Length"), 0u);
  auto chunked = parse_request_head(get("Transfer-Encoding: chunked\r\n"));
  CAF_REQUIRE(chunked.has_value());
  CAF_CHECK(chunked->framing == body_framing::chunked);
  CAF_CHECK_EQUAL(chunked->fields.count("Transfer-Encoding"), 0u);
}

CAF_TEST(ambiguous requests are refused) {
  CAF_CHECK_EQUAL(verdict(get("")), "accepted");
  CAF_CHECK_EQUAL(verdict(get("Content-Length: 1\r\n"
                              "Transfer-Encoding: chunked\r\n")),
                  "400");
  CAF_CHECK_EQUAL(verdict(get("Transfer-Encoding: chunked\r\n"
                              "Content-Length: 1\r\n")),
                  "400");
  CAF_CHECK_EQUAL(verdict(get("Content-Length: 1\r\nContent-Length: 2\r\n")),
                  "400");
  CAF_CHECK_EQUAL(verdict(get("Content-Length: -1\r\n")), "400");
  CAF_CHECK_EQUAL(verdict(get("Transfer-Encoding: gzip, chunked\r\n")), "501");
  CAF_CHECK_EQUAL(verdict(get("Transfer-Encoding: chunked, gzip\r\n")), "400");
  CAF_CHECK_EQUAL(verdict(get("Content-Length: 1\r\nContent-Length: 1\r\n")),
                  "400");
  CAF_CHECK_EQUAL(verdict(get("Transfer-Encoding: xchunked\r\n")), "400");
  CAF_CHECK_EQUAL(verdict(get("A: b\r\n c\r\n")), "400");
  CAF_CHECK_EQUAL(verdict(get("A : b\r\n")), "400");
  CAF_CHECK_EQUAL(verdict(get("A: b\n")), "400");
  CAF_CHECK_EQUAL(verdict(get("Host: b.example\r\n")), "400");
  CAF_CHECK_EQUAL(verdict("GET http://a.example/ HTTP/1.1\r\n\r\n"), "400");
}

CAF_TEST(what the proxy does not speak has a status of its own) {
  auto line = [](const std::string& x) {
    return verdict(x + "\r\nHost: a.example\r\n\r\n");
  };
  CAF_CHECK_EQUAL(line("GET ftp://a.example/x HTTP/1.1"), "501");
  CAF_CHECK_EQUAL(line("GET http://a.example/x HTTP/2.0"), "505");
  CAF_CHECK_EQUAL(line("GET http://a.example/x FOO/1.1"), "400");
  CAF_CHECK_EQUAL(line("GET http://a.example/x"), "400");
  CAF_CHECK_EQUAL(line("CONNECT a.example HTTP/1.1"), "400");
  CAF_CHECK_EQUAL(verdict(get("A: " + std::string(70000, 'x') + "\r\n")),
                  "431");
  CAF_CHECK_EQUAL(verdict(std::string(70000, 'x')), "414");
}

CAF_TEST(a large header below the limit is accepted) {
  CAF_CHECK_EQUAL(verdict(get("A: " + std::string(60000, 'x') + "\r\n")),
                  "accepted");
}

CAF_TEST(the end of a response is known from its head) {
  auto framing = [](const std::string& text, bool to_head = false) {
    return parse_response_head(text + "\r\n", to_head).value().framing;
  };
  CAF_CHECK(framing("HTTP/1.1 200 OK\r\n") == body_framing::until_close);
  CAF_CHECK(framing("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n")
            == body_framing::length);
  CAF_CHECK(framing("HTTP/1.1 204 No Content\r\n") == body_framing::none);
  CAF_CHECK(framing("HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n")
            == body_framing::none);
  CAF_CHECK(framing("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n", true)
            == body_framing::none);
  CAF_CHECK(framing("HTTP/1.1 101 Switching Protocols\r\n")
            == body_framing::until_close);
}

CAF_TEST(a status may stand alone in its line) {
  for (std::string end : {"\r\n", " \r\n", " Fine\r\n"}) {
    auto head = parse_response_head(
        "HTTP/1.1 200" + end + "Content-Length: 3\r\n\r\n", false);
    CAF_REQUIRE(head.has_value());
    CAF_CHECK_EQUAL(head->status, 200u);
    CAF_CHECK_EQUAL(head->content_length.value_or(0), 3u);
  }
  for (std::string line : {"HTTP/1.1 20", "HTTP/1.1 2000", "HTTP/1.1  20",
                           "HTTP/1.1 20x", "HTTP/2.0 200", "HTTP/1.1 099"})
    CAF_CHECK(!parse_response_head(line + "\r\n\r\n", false).has_value());
}

CAF_TEST(white space before a colon is removed from responses) {
  auto parse = [](const std::string& fields) {
    return parse_response_head("HTTP/1.1 200 OK: \t:\r\n" + fields + "\r\n",
                               false);
  };
  auto head = parse("A \t: b : c\r\nContent-Length : 5\r\nD:e\r\n");
  CAF_REQUIRE(head.has_value());
  CAF_CHECK_EQUAL(head->reason, "OK: \t:");
  CAF_CHECK(head->fields == (http_fields{{"A", "b : c"}, {"D", "e"}}));
  CAF_CHECK_EQUAL(head->content_length.value_or(0), 5u);
  CAF_CHECK(!parse("Content-Length : 5\r\nContent-Length: 5\r\n").has_value());
  CAF_CHECK(!parse("A B : c\r\n").has_value());
  CAF_CHECK(!parse(" : c\r\n").has_value());
  CAF_CHECK(!parse(" A : c\r\n").has_value());
  CAF_CHECK(!parse("A \r\n").has_value());
}

CAF_TEST(a stream of Shoutcast is a response of an old server) {
  for (std::string line : {"ICY 200 OK", "ICY 200 ", "ICY 200"}) {
    auto head =
        parse_response_head(line + "\r\nicy-name: Radio\r\n\r\n", false);
    CAF_REQUIRE(head.has_value());
    CAF_CHECK_EQUAL(head->status, 200u);
    CAF_CHECK_EQUAL(head->version, 10u);
    CAF_CHECK(head->framing == body_framing::until_close);
    CAF_CHECK(head->fields == (http_fields{{"icy-name", "Radio"}}));
    CAF_CHECK(!persists(head->version, head->fields));
  }
  auto full = parse_response_head("ICY 400 Server Full\r\n\r\n", false);
  CAF_REQUIRE(full.has_value());
  CAF_CHECK_EQUAL(full->status, 400u);
  CAF_CHECK_EQUAL(full->reason, "Server Full");
  for (std::string line :
       {"ICY 20 OK", "ICY 2000 OK", "ICY  200 OK", "ICY 20x OK", "icy 200 OK",
        "ICY/1.0 200 OK", "ICY", "ICY ", "ICY 099 OK", "ICYX200 OK"})
    CAF_CHECK(!parse_response_head(line + "\r\n\r\n", false).has_value());
}

CAF_TEST(what may begin a stream is told from anything else at once) {
  constexpr std::string_view whole = "ICY 200 OK\r\nicy-name: Radio\r\n\r\n";
  for (size_t i = 0; i <= whole.size(); ++i)
    CAF_CHECK(may_begin_stream(whole.substr(0, i)));
  CAF_CHECK(may_begin_stream("ICY 404\r\n"));
  for (auto text : {"i", "IC ", "ICY\t", "ICY x", "ICY 2x", "ICY 2000", "HTTP",
                    "ICY 200\t", "ICY 20 "})
    CAF_CHECK(!may_begin_stream(text));
}

CAF_TEST(ambiguous responses are refused) {
  auto code = [](const std::string& fields) {
    auto x =
        parse_response_head("HTTP/1.1 200 OK\r\n" + fields + "\r\n", false);
    return x ? errc::cancelled : x.error().code;
  };
  CAF_CHECK(code("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n")
            == errc::bad_http);
  CAF_CHECK(code("Content-Length: 1\r\nContent-Length: 2\r\n")
            == errc::bad_http);
  CAF_CHECK(code("Transfer-Encoding: gzip\r\n") == errc::bad_http);
}

CAF_TEST(chunks are joined whatever pieces they arrive in) {
  auto text = "5\r\nhello\r\n1;name=value\r\n,\r\n6\r\n world\r\n"
              "0\r\nTrailer: x\r\n\r\n"s;
  for (size_t step = 1; step <= text.size(); ++step) {
    CAF_CHECK_EQUAL(dechunk(text, step).value(), "hello, world");
    CAF_CHECK_EQUAL(dechunk(text, step, 2).value(), "hello, world");
  }
}

CAF_TEST(sizes of chunks may be padded) {
  auto text = "5  \r\nhello\r\n2\t\r\n, \r\n5 ;name=value\r\nworld\r\n"
              "0     \r\nTrailer: x\r\n\r\n"s;
  for (size_t step = 1; step <= text.size(); ++step)
    CAF_CHECK_EQUAL(dechunk(text, step).value(), "hello, world");
  for (auto wrong : {"5 5\r\nhello\r\n0\r\n\r\n", " 5\r\nhello\r\n0\r\n\r\n",
                     " \r\nhello\r\n0\r\n\r\n"})
    CAF_CHECK(!dechunk(wrong, 100).has_value());
}

CAF_TEST(white space before a colon in trailers is treated as in heads) {
  auto text = "5\r\nhello\r\n0\r\nA: b : c\r\nD \t: e\r\nF :\r\n\r\n"s;
  for (size_t step = 1; step <= text.size(); ++step) {
    CAF_CHECK(dechunk(text, step).error().code == errc::bad_http);
    CAF_CHECK_EQUAL(dechunk(text, step, 4096, padding::removed).value(),
                    "hello");
  }
  for (auto wrong : {"0\r\nA B : c\r\n\r\n", "0\r\n : c\r\n\r\n",
                     "0\r\n A : c\r\n\r\n", "0\r\nA \r\n\r\n"})
    CAF_CHECK(!dechunk(wrong, 100, 4096, padding::removed).has_value());
}

CAF_TEST(broken chunks are errors) {
  auto code = [](std::string_view text) {
    auto x = dechunk(text, text.size());
    return x ? errc::cancelled : x.error().code;
  };
  CAF_CHECK(code("x\r\nhello\r\n0\r\n\r\n") == errc::bad_http);
  CAF_CHECK(code("5\r\nhelloworld\r\n0\r\n\r\n") == errc::bad_http);
  CAF_CHECK(code("fffffffffffffffff\r\nx") == errc::bad_http);
  CAF_CHECK(code("5\r\nhello\r\n") == errc::connection_closed);
  CAF_CHECK(code("5\r\nhello\r\n0\r\n") == errc::connection_closed);
}

CAF_TEST(slices of one body share a block and survive the buffer) {
  slice first;
  {
    input_buffer in;
    body_decoder body{body_framing::length, 10};
    feed(in, "0123456789next");
    first = body.next(in, 4).value().value().bytes;
    auto second = body.next(in, 100).value().value();
    CAF_CHECK_EQUAL(second.bytes.text(), "456789");
    CAF_CHECK(second.last);
    CAF_CHECK(second.bytes.data() == first.data() + 4);
    CAF_CHECK_EQUAL(in.unread(), "next");
  }
  CAF_CHECK_EQUAL(first.text(), "0123");
}

CAF_TEST(a head cannot be broken open by a field) {
  request_head head;
  head.method = "GET";
  head.target = url{"http", "a.example", 80, "/", false};
  head.fields.add("If-Range", "\"x\"\r\nEvil: yes");
  CAF_CHECK(!format_request(head));
  head.fields.erase("If-Range");
  head.target.target = "/ HTTP/1.1\r\nEvil: yes";
  CAF_CHECK(!format_request(head));
  head.target.target = "/x";
  CAF_CHECK_EQUAL(format_request(head).value(),
                  "GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n");
}
