#include "hosts/net/http_parse.hpp"

#include "core/http_semantics.hpp"
#include "hosts/net/http_lines.hpp"

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

/// No method is nearly as long (RFC 9110, 9.1).
constexpr size_t max_method_size = 64;

// -- heads --------------------------------------------------------------------

/// Whether the request line has three words and ends in a well-formed version
/// (`HTTP/2.0`).
bool has_http_version(std::string_view head) {
  auto line = head.substr(0, head.find("\r\n"));
  if (std::ranges::count(line, ' ') != 2)
    return false;
  auto word = line.substr(line.rfind(' ') + 1);
  return word.size() == 8 && word.starts_with("HTTP/") && word[6] == '.'
         && std::isdigit(static_cast<unsigned char>(word[5]))
         && std::isdigit(static_cast<unsigned char>(word[7]));
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

/// One length in digits (RFC 9110, 8.6): neither a sign nor a list, which
/// others may read in another way.
bool is_length(std::string_view text) {
  return !text.empty() && text.size() <= 19
         && std::ranges::all_of(text,
                                [](char c) { return c >= '0' && c <= '9'; });
}

/// What the codings of a body come to. Only the end of a chunked body is known
/// (RFC 9112, 6.1), and no other coding is undone here.
result<body_framing> framing_of_codings(const http_fields& fields) {
  auto codings = fields.joined("Transfer-Encoding");
  if (equal_ignoring_case(codings, "chunked"))
    return body_framing::chunked;
  auto members = list_members(codings);
  auto is_chunked = [](std::string_view x) {
    return equal_ignoring_case(x, "chunked");
  };
  auto detail = "the transfer coding \"" + codings + "\" ";
  if (members.empty() || !is_chunked(members.back())
      || std::ranges::count_if(members, is_chunked) > 1)
    return bad_http("400 " + detail + "does not say where the body ends");
  return bad_http("501 " + detail + "is not supported, only \"chunked\" is");
}

/// Takes the framing fields out of a head (RFC 9112, 6.3). Errors begin with
/// the status for a client.
result<body_framing> take_framing(http_fields& fields, unsigned version,
                                  std::optional<uint64_t>& length) {
  auto lengths = fields.count("Content-Length");
  auto codings = fields.count("Transfer-Encoding");
  if (lengths == 0 && codings == 0)
    return body_framing::none;
  if (lengths > 0 && codings > 0)
    return bad_http("400 both Content-Length and Transfer-Encoding");
  if (lengths > 1)
    return bad_http("400 more than one Content-Length");
  if (lengths == 1) {
    std::string text{*fields.find("Content-Length")};
    if (!is_length(text))
      return bad_http("400 the Content-Length is not a number of bytes");
    length = std::stoull(text);
    fields.erase("Content-Length");
    return body_framing::length;
  }
  if (version == 10)
    return bad_http("400 HTTP/1.0 has no transfer codings");
  auto out = framing_of_codings(fields);
  fields.erase("Transfer-Encoding");
  return out;
}

// -- targets ------------------------------------------------------------------

/// The target of `CONNECT`: authority-form (RFC 9112, 3.2.3).
result<url> connect_target(std::string_view target) {
  auto authority = parse_host_port(target);
  if (!authority)
    return bad_http("400 CONNECT needs host:port");
  return url{"https", authority->host, authority->port, "/", false};
}

/// What is asked of the proxy itself, at the address that the client used.
result<url> own_target(std::string_view target,
                       std::optional<std::string_view> host) {
  auto authority = host ? parse_host_port(*host, 80) : host_port{"", 80};
  return url{"http", authority ? authority->host : "",
             authority ? authority->port : uint16_t{80}, std::string{target},
             false};
}

/// Whether `target` is `host:port`, the form that `CONNECT` alone has.
bool is_authority(std::string_view target) {
  return parse_host_port(target).has_value();
}

/// The path and query that a URL has are empty (RFC 9112, 3.2.4).
bool has_empty_path(std::string_view target) {
  auto rest = target.substr(target.find("://") + 3);
  return rest.find_first_of("/?") == std::string_view::npos;
}

result<url> absolute_target(std::string_view target, bool for_options) {
  auto scheme = target.substr(0, target.find(':'));
  if (scheme.size() == target.size() || is_authority(target))
    return bad_http(
        "400 malformed request target: a proxy needs the whole URL");
  if (!equal_ignoring_case(scheme, "http")
      && !equal_ignoring_case(scheme, "https"))
    return bad_http("501 only http and https URLs are supported");
  auto out = parse_url(target);
  if (!out)
    return bad_http("400 " + out.error().detail);
  if (for_options && has_empty_path(target))
    out->target = "*";
  return out;
}

/// RFC 9112, 3.2: one `Host`, and a good one, whatever the target's form. It
/// may be empty where the target names the host.
result<void> check_host(const head_parser<true>& parser, bool may_be_empty) {
  auto hosts = parser.fields.count("Host");
  if (hosts > 1)
    return bad_http("400 more than one Host field");
  if (hosts == 0)
    return parser.version == 11 ? bad_http("400 the Host field is missing")
                                : result<void>{};
  auto host = *parser.fields.find("Host");
  if (!(host.empty() && may_be_empty) && !parse_host_port(host, 80))
    return bad_http("400 malformed Host field");
  return {};
}

result<url> parse_target(const head_parser<true>& parser, bool own) {
  if (auto ok = check_host(parser, !own); !ok)
    return ok.error();
  if (parser.method == "CONNECT")
    return connect_target(parser.target);
  if (parser.target == "*" && parser.method != "OPTIONS")
    return bad_http("400 only OPTIONS has the target *");
  if (own)
    return own_target(parser.target, parser.fields.find("Host"));
  return absolute_target(parser.target, parser.method == "OPTIONS");
}

error request_error(error_code ec, std::string_view head) {
  if (ec == http::error::bad_version && has_http_version(head))
    return bad_http("505 only HTTP/1.0 and HTTP/1.1 are supported");
  return bad_http("400 malformed request: " + ec.message());
}

/// Where the status ends in its line.
constexpr auto status_end = std::string_view{"HTTP/1.1 200"}.size();

/// Whether a response's body is absent whatever its fields say (RFC 9112, 6.3).
bool has_no_body(unsigned status, bool to_head) {
  return to_head || status == 204 || status == 304 || status / 100 == 1;
}

/// Whether the space behind the status is missing, as small servers leave it
/// out together with the words behind it, and every client takes that (RFC
/// 9112, 4, wants the space).
bool misses_space(std::string_view head) {
  return head.starts_with("HTTP/1.") && head.find("\r\n") == status_end;
}

/// What every client takes for HTTP, as HTTP; nothing if it is that already.
std::optional<std::string> mended(std::string_view head) {
  std::string out;
  if (may_begin_stream(head))
    out = "HTTP/1.0 " + std::string{head.substr(stream_name.size())};
  if (misses_space(out.empty() ? head : out))
    out = (out.empty() ? std::string{head} : out).insert(status_end, 1, ' ');
  return out.empty() ? std::nullopt : std::optional{std::move(out)};
}

/// An error of a request in the words for a response.
error response_error(const error& why) {
  return bad_http("malformed response: " + why.detail.substr(4));
}

bool is_stray_line_feed(std::string_view bytes, size_t i) {
  return bytes[i] == '\n' && (i == 0 || bytes[i - 1] != '\r');
}

} // namespace

result<std::optional<size_t>> find_head_end(std::string_view bytes) {
  auto end = bytes.find("\r\n\r\n");
  auto size = end == std::string_view::npos ? bytes.size() : end + 4;
  if (std::min(bytes.find("\r\n"), size) > max_start_line)
    return bad_http("414 the request line is longer than 32 KiB");
  if (size > max_head_size)
    return bad_http("431 the header is larger than 64 KiB");
  for (auto i = bytes.find('\n'); i < size; i = bytes.find('\n', i + 1))
    if (is_stray_line_feed(bytes, i))
      return bad_http("400 a line does not end in CRLF");
  if (end == std::string_view::npos)
    return std::optional<size_t>{};
  return std::optional<size_t>{size};
}

result<request_head> parse_request_head(std::string_view head) {
  if (auto ok = check_lines(head); !ok)
    return ok.error();
  head_parser<true> parser;
  if (auto ec = parse(parser, head))
    return request_error(ec, head);
  if (parser.method.size() > max_method_size)
    return bad_http("501 no method has such a long name");
  request_head out;
  out.to_proxy = parser.method != "CONNECT"
                 && (parser.target.starts_with('/') || parser.target == "*");
  auto target = parse_target(parser, out.to_proxy);
  if (!target)
    return target.error();
  std::optional<uint64_t> length;
  auto framing = take_framing(parser.fields, parser.version, length);
  if (!framing)
    return framing.error();
  if (parser.method == "CONNECT") {
    if (*framing == body_framing::chunked || length.value_or(0) > 0)
      return bad_http("400 CONNECT has no body");
    // A length of 0 announces none (RFC 9110, 9.3.6).
    framing = body_framing::none;
  }
  out.method = std::move(parser.method);
  out.target = std::move(*target);
  out.version = parser.version;
  out.fields = std::move(parser.fields);
  out.framing = *framing;
  out.content_length = length.value_or(0);
  return out;
}

result<response_head> parse_response_head(std::string_view head, bool to_head) {
  std::string closed_up;
  if (!check_lines(head))
    head = closed_up = without_padding(head);
  if (auto ok = check_lines(head); !ok)
    return response_error(ok.error());
  head_parser<false> parser;
  auto better = mended(head);
  if (auto ec = parse(parser, better ? *better : head))
    return bad_http("malformed response: " + ec.message());
  response_head out;
  auto framing =
      take_framing(parser.fields, parser.version, out.content_length);
  if (!framing)
    return response_error(framing.error());
  if (parser.status < 100)
    return bad_http("malformed response: a status below 100");
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

namespace {

/// Some servers pad the sizes of chunks with white space, which belongs before
/// extensions only (RFC 9112, 7.1.1). Turns it into zeros in front of the
/// digits of the size that stands at the beginning; false when it is not
/// padded.
bool move_padding(std::span<char> bytes) {
  std::string_view text{bytes.data(), bytes.size()};
  auto begin = text.starts_with("\r\n") ? size_t{2} : size_t{0};
  auto end = text.find("\r\n", begin);
  auto size = text.substr(0, end).find_first_of(" \t", begin);
  if (end == std::string_view::npos || size == std::string_view::npos
      || text.substr(0, end).find_first_not_of(" \t", size)
             != std::string_view::npos)
    return false;
  auto line = bytes.subspan(begin, end - begin);
  auto padding = line.begin() + static_cast<std::ptrdiff_t>(size - begin);
  std::fill(padding, line.end(), '0');
  std::rotate(line.begin(), padding, line.end());
  return true;
}

/// Moves the colons of the trailer fields that follow the last chunk's size to
/// their names, in front of white space that stands between them.
void close_up_trailers(std::span<char> bytes) {
  std::string_view text{bytes.data(), bytes.size()};
  auto line_end = [&](size_t begin) {
    return std::min(text.find("\r\n", begin), text.size());
  };
  auto end = line_end(text.starts_with("\r\n") ? 2 : 0);
  while (end < text.size()) {
    auto begin = end + 2;
    end = line_end(begin);
    auto colon = text.substr(0, end).find(':', begin);
    if (colon == std::string_view::npos)
      continue;
    auto name_end = text.substr(0, colon).find_last_not_of(" \t") + 1;
    if (name_end > begin)
      std::swap(bytes[name_end], bytes[colon]);
  }
}

} // namespace

/// Beast's parser, led to believe that it has just read a chunked head.
class chunk_decoder::parser final : public http::basic_parser<false> {
public:
  explicit parser(padding in_trailers) : in_trailers_(in_trailers) {
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
    auto ec = put_on(bytes);
    while (ec == http::error::bad_chunk_extension
           && move_padding(bytes.subspan(step_.consumed)))
      ec = put_on(bytes);
    if (ec == http::error::bad_field && in_trailers_ == padding::removed) {
      close_up_trailers(bytes.subspan(step_.consumed));
      ec = put_on(bytes);
    }
    if (ec && ec != http::error::need_more)
      return bad_http("malformed chunk: " + ec.message());
    if (bytes.size() - step_.consumed > max_head_size)
      return bad_http("chunk header or trailer too large");
    step_.last = is_done();
    return step_;
  }

private:
  /// Goes on with what was not consumed.
  error_code put_on(std::span<char> bytes) {
    error_code ec;
    auto rest = bytes.subspan(step_.consumed);
    if (!rest.empty())
      step_.consumed += put(boost::asio::buffer(rest.data(), rest.size()), ec);
    return ec;
  }

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

  padding in_trailers_;
  std::span<char> input_;
  step step_;
};

chunk_decoder::chunk_decoder(padding in_trailers)
  : parser_(std::make_unique<parser>(in_trailers)) {}

chunk_decoder::~chunk_decoder() = default;
chunk_decoder::chunk_decoder(chunk_decoder&&) noexcept = default;
chunk_decoder& chunk_decoder::operator=(chunk_decoder&&) noexcept = default;

result<chunk_decoder::step> chunk_decoder::decode(std::span<char> bytes) {
  return parser_->decode(bytes);
}

} // namespace peapod::net
