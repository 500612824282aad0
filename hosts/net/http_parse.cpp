#include "hosts/net/http_parse.hpp"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <string>
#include <utility>

namespace peapod::net {

namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using text = boost::beast::string_view;

std::string copy(text x) {
  return {x.data(), x.size()};
}

/// Collects the head of a message; its body is not this parser's business.
template <bool IsRequest>
class head_parser final : public http::basic_parser<IsRequest> {
public:
  head_parser() {
    this->header_limit(max_head_size);
    this->body_limit(boost::none);
    this->skip(true);
  }

  std::string method;
  std::string target;
  std::string reason;
  unsigned status = 0;
  unsigned version = 11;
  http_fields fields;

private:
  void on_request_impl(http::verb, text method_text, text target_text, int v,
                       error_code&) override {
    method = copy(method_text);
    target = copy(target_text);
    version = static_cast<unsigned>(v);
  }
  void on_response_impl(int code, text reason_text, int v,
                        error_code&) override {
    status = static_cast<unsigned>(code);
    reason = copy(reason_text);
    version = static_cast<unsigned>(v);
  }
  void on_field_impl(http::field, text name, text value, error_code&) override {
    fields.add(copy(name), copy(value));
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&,
                         error_code&) override {}
  size_t on_body_impl(text body, error_code&) override {
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, text, error_code&) override {}
  size_t on_chunk_body_impl(std::uint64_t, text body, error_code&) override {
    return body.size();
  }
  void on_finish_impl(error_code&) override {}
};

error bad(std::string detail) {
  return make_error(errc::bad_http, std::move(detail));
}

// -- heads --------------------------------------------------------------------

/// Whether the request line ends in a well-formed version (`HTTP/2.0`).
bool has_http_version(std::string_view head) {
  auto line = head.substr(0, head.find("\r\n"));
  auto word = line.substr(line.rfind(' ') + 1);
  return word.size() == 8 && word.starts_with("HTTP/") && word[6] == '.'
         && std::isdigit(static_cast<unsigned char>(word[5]))
         && std::isdigit(static_cast<unsigned char>(word[7]));
}

bool has_folded_line(std::string_view head) {
  return head.find("\r\n ") != std::string_view::npos
         || head.find("\r\n\t") != std::string_view::npos;
}

/// Runs Beast over a complete head.
template <bool IsRequest>
error_code parse(head_parser<IsRequest>& parser, std::string_view head) {
  error_code ec;
  parser.put(boost::asio::buffer(head.data(), head.size()), ec);
  if (!ec && !parser.is_header_done())
    ec = http::error::partial_message;
  return ec;
}

/// Takes the framing fields out of a head. Beast has already refused both of
/// them together, differing lengths and malformed numbers.
template <bool IsRequest>
result<body_framing> take_framing(head_parser<IsRequest>& parser,
                                  std::optional<uint64_t>& length) {
  auto codings = parser.fields.count("Transfer-Encoding");
  auto coding = parser.fields.joined("Transfer-Encoding");
  if (auto n = parser.content_length())
    length = *n;
  parser.fields.erase("Transfer-Encoding");
  parser.fields.erase("Content-Length");
  if (codings > 0 && !equal_ignoring_case(coding, "chunked"))
    return bad("transfer coding \"" + coding + "\" is not supported");
  if (codings > 0)
    return body_framing::chunked;
  return length ? body_framing::length : body_framing::none;
}

/// `http` or `https` in any case, before `://`.
bool has_web_scheme(std::string_view target) {
  auto scheme = target.substr(0, target.find("://"));
  return equal_ignoring_case(scheme, "http")
         || equal_ignoring_case(scheme, "https");
}

/// The target of `CONNECT`: authority-form (RFC 9112, 3.2.3).
result<url> connect_target(std::string_view target) {
  auto authority = parse_host_port(target);
  if (!authority)
    return bad("400 CONNECT needs host:port");
  return url{"https", authority->host, authority->port, "/", false};
}

/// Origin-form or asterisk-form, completed by the `Host` field.
result<url> origin_target(std::string_view target, const http_fields& fields) {
  auto host = fields.find("Host");
  if (!host)
    return bad("400 a request without a host");
  auto authority = parse_host_port(*host, 80);
  if (!authority)
    return bad("400 malformed Host field");
  return url{"http", authority->host, authority->port, std::string{target},
             false};
}

result<url> absolute_target(std::string_view target) {
  if (target.find("://") == std::string_view::npos)
    return bad("400 malformed request target");
  if (!has_web_scheme(target))
    return bad("501 only http and https URLs are supported");
  auto out = parse_url(target);
  if (!out)
    return bad("400 " + out.error().detail);
  return out;
}

result<url> parse_target(const head_parser<true>& parser) {
  if (parser.fields.count("Host") > 1)
    return bad("400 more than one Host field");
  if (parser.version == 11 && parser.fields.count("Host") == 0)
    return bad("400 the Host field is missing");
  if (parser.method == "CONNECT")
    return connect_target(parser.target);
  if (parser.target.starts_with('/') || parser.target == "*")
    return origin_target(parser.target, parser.fields);
  return absolute_target(parser.target);
}

error request_error(error_code ec, std::string_view head) {
  if (ec == http::error::bad_version && has_http_version(head))
    return bad("505 only HTTP/1.0 and HTTP/1.1 are supported");
  return bad("400 malformed request: " + ec.message());
}

/// Whether a response's body is absent whatever its fields say (RFC 9112, 6.3).
bool has_no_body(unsigned status, bool to_head) {
  return to_head || status == 204 || status == 304 || status / 100 == 1;
}

bool is_stray_line_feed(std::string_view bytes, size_t i) {
  return bytes[i] == '\n' && (i == 0 || bytes[i - 1] != '\r');
}

} // namespace

result<std::optional<size_t>> find_head_end(std::string_view bytes) {
  auto end = bytes.find("\r\n\r\n");
  auto size = end == std::string_view::npos ? bytes.size() : end + 4;
  if (size > max_head_size)
    return bad("431 header too large");
  for (auto i = bytes.find('\n'); i < size; i = bytes.find('\n', i + 1))
    if (is_stray_line_feed(bytes, i))
      return bad("400 a line does not end in CRLF");
  if (end == std::string_view::npos)
    return std::optional<size_t>{};
  return std::optional<size_t>{size};
}

result<request_head> parse_request_head(std::string_view head) {
  if (has_folded_line(head))
    return bad("400 folded header field");
  head_parser<true> parser;
  if (auto ec = parse(parser, head))
    return request_error(ec, head);
  request_head out;
  std::optional<uint64_t> length;
  auto framing = take_framing(parser, length);
  if (!framing)
    return bad("400 " + framing.error().detail);
  if (*framing == body_framing::chunked && parser.version == 10)
    return bad("400 HTTP/1.0 has no transfer codings");
  auto target = parse_target(parser);
  if (!target)
    return target.error();
  out.method = std::move(parser.method);
  out.target = std::move(*target);
  out.version = parser.version;
  out.fields = std::move(parser.fields);
  out.framing = *framing;
  out.content_length = length.value_or(0);
  return out;
}

result<response_head> parse_response_head(std::string_view head, bool to_head) {
  head_parser<false> parser;
  if (auto ec = parse(parser, head))
    return bad("malformed response: " + ec.message());
  response_head out;
  auto framing = take_framing(parser, out.content_length);
  if (!framing)
    return framing.error();
  out.framing = *framing;
  if (parser.status == 101 || out.framing == body_framing::none)
    out.framing = body_framing::until_close;
  if (parser.status != 101 && has_no_body(parser.status, to_head))
    out.framing = body_framing::none;
  out.status = parser.status;
  out.reason = std::move(parser.reason);
  out.version = parser.version;
  out.fields = std::move(parser.fields);
  return out;
}

bool persists(unsigned version, const http_fields& fields) {
  auto has = [&](std::string_view token) {
    return fields.has_token("Connection", token)
           || fields.has_token("Proxy-Connection", token);
  };
  if (has("close"))
    return false;
  return version >= 11 || has("keep-alive");
}

// -- chunks -------------------------------------------------------------------

/// Beast's parser, led to believe that it has just read a chunked head.
class chunk_decoder::parser final : public http::basic_parser<false> {
public:
  parser() {
    static constexpr std::string_view head =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    error_code ec;
    body_limit(boost::none);
    put(boost::asio::buffer(head.data(), head.size()), ec);
    eager(true);
  }

  result<step> decode(std::span<char> bytes) {
    input_ = bytes;
    step_ = {};
    error_code ec;
    if (!bytes.empty())
      step_.consumed = put(boost::asio::buffer(bytes.data(), bytes.size()), ec);
    if (ec && ec != http::error::need_more)
      return bad("malformed chunk: " + ec.message());
    if (bytes.size() - step_.consumed > max_head_size)
      return bad("chunk header or trailer too large");
    step_.last = is_done();
    return step_;
  }

private:
  void on_request_impl(http::verb, text, text, int, error_code&) override {}
  void on_response_impl(int, text, int, error_code&) override {}
  void on_field_impl(http::field, text, text, error_code&) override {}
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&,
                         error_code&) override {}
  size_t on_body_impl(text body, error_code&) override {
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, text, error_code&) override {}
  size_t on_chunk_body_impl(std::uint64_t, text body, error_code&) override {
    auto offset = static_cast<size_t>(body.data() - input_.data());
    if (step_.body_size == 0)
      step_.body_offset = offset;
    auto end = step_.body_offset + step_.body_size;
    if (end != offset)
      std::memmove(input_.data() + end, body.data(), body.size());
    step_.body_size += body.size();
    return body.size();
  }
  void on_finish_impl(error_code&) override {}

  std::span<char> input_;
  step step_;
};

chunk_decoder::chunk_decoder() : parser_(std::make_unique<parser>()) {}

chunk_decoder::~chunk_decoder() = default;
chunk_decoder::chunk_decoder(chunk_decoder&&) noexcept = default;
chunk_decoder& chunk_decoder::operator=(chunk_decoder&&) noexcept = default;

result<chunk_decoder::step> chunk_decoder::decode(std::span<char> bytes) {
  return parser_->decode(bytes);
}

} // namespace peapod::net
