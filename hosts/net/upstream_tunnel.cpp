#include "hosts/net/upstream_tunnel.hpp"

#include "core/proxy_status.hpp"
#include "hosts/net/http_lines.hpp"
#include "hosts/net/http_parse.hpp"
#include "hosts/net/http_transport.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

namespace peapod::net {

namespace {

std::string connect_request(const host_port& target,
                            const upstream_proxy& upstream) {
  auto to = to_string(target);
  auto out = "CONNECT " + to + " HTTP/1.1\r\nHost: " + to + "\r\n";
  if (!upstream.authorization.empty())
    out += "Proxy-Authorization: " + upstream.authorization + "\r\n";
  for (auto& x : upstream.connect_fields)
    out += x.name + ": " + x.value + "\r\n";
  return out + "\r\n";
}

/// Takes the bytes of a head out of the socket and leaves those behind it, for
/// they are the tunnel's already: bytes are looked at before they are taken.
/// Nothing when the head needs more.
task<bool> take_head_bytes(asio::ip::tcp::socket& socket, std::string& head) {
  std::array<char, 2048> seen;
  auto [ec, n] = co_await socket.async_receive(
      asio::buffer(seen), asio::socket_base::message_peek, as_value);
  if (ec)
    co_return transport_error(ec, "upstream proxy");
  auto before = head.size();
  head.append(seen.data(), n);
  auto end = find_head_end(head);
  if (!end || !may_begin_response(head))
    co_return make_error(errc::bad_http, "what the upstream proxy sent is not "
                                         "HTTP/1");
  if (*end)
    head.resize(**end);
  auto take = head.size() - before;
  auto [failed, taken] = co_await socket.async_receive(
      asio::buffer(seen.data(), take), 0, as_value);
  if (failed || taken != take)
    co_return make_error(errc::connection_closed, "upstream proxy: gone");
  co_return end->has_value();
}

/// The answer to `CONNECT`, behind interim ones. It has no body when it
/// succeeds, whatever its fields say (RFC 9112, 6.3).
task<response_head> read_answer(asio::ip::tcp::socket& socket) {
  for (int interim = 0; interim < 8; ++interim) {
    std::string text;
    for (bool whole = false; !whole;) {
      auto more = co_await take_head_bytes(socket, text);
      if (!more)
        co_return more.error();
      whole = *more;
    }
    auto head = parse_response_head(text, true);
    if (head && head->status >= 300)
      head = parse_response_head(text, false); // a refusal has a body
    if (!head || head->status >= 200 || head->status == 101)
      co_return head;
  }
  co_return make_error(errc::bad_http, "no end of 1xx heads");
}

/// A gateway's own failures say that it has not reached the site, not that it
/// would not (RFC 9110, 15.6.3 to 15.6.5; squid answers 503 then).
errc code_of_refusal(unsigned status) {
  switch (status) {
    case 502:
    case 503:
      return errc::unreachable;
    case 504:
      return errc::connect_timed_out;
    default:
      return errc::upstream_refused;
  }
}

/// What the proxy says about a refusal, if it does so in a few plain words.
task<std::string> read_words(asio::ip::tcp::socket& socket,
                             const response_head& head) {
  constexpr uint64_t most = 300;
  auto type = head.fields.find("Content-Type").value_or("");
  if (head.framing != body_framing::length || *head.content_length > most
      || !type.starts_with("text/plain"))
    co_return std::string{};
  std::string out(*head.content_length, '\0');
  auto [ec, n] = co_await asio::async_read(socket, asio::buffer(out), as_value);
  out.resize(n);
  auto line = out.substr(0, out.find_first_of("\r\n"));
  bool plain =
      std::ranges::all_of(line, [](char c) { return c >= ' ' && c <= '~'; });
  co_return plain ? line : std::string{};
}

} // namespace

task<void> open_through(asio::ip::tcp::socket& socket, host_port target,
                        const upstream_proxy& upstream) {
  auto text = connect_request(target, upstream);
  auto [ec, n] =
      co_await asio::async_write(socket, asio::buffer(text), as_value);
  if (ec)
    co_return transport_error(ec, upstream_name(upstream));
  auto answer = co_await read_answer(socket);
  if (!answer)
    co_return make_error(answer.error().code, upstream_name(upstream) + ": "
                                                  + answer.error().detail);
  if (answer->status / 100 != 2) {
    if (auto told = failure_told_by_proxy(*answer))
      co_return as_tunnel_failure(std::move(*told));
    auto why = upstream_refusal(upstream, answer->status);
    if (auto words = co_await read_words(socket, *answer);
        words && !words->empty())
      why.detail += " (" + *words + ")";
    co_return why;
  }
  co_return result<void>{};
}

error upstream_refusal(const upstream_proxy& upstream, unsigned status) {
  auto who = upstream_name(upstream);
  if (status == 407)
    return make_error(errc::upstream_refused,
                      who
                          + (upstream.authorization.empty()
                                 ? ": wants a user name and a password (407)"
                                 : ": does not take this user name and "
                                   "password (407)"));
  return make_error(code_of_refusal(status),
                    who + ": answered with " + std::to_string(status));
}

std::string upstream_name(const upstream_proxy& upstream) {
  return "upstream proxy " + to_string(host_port{upstream.host, upstream.port});
}

} // namespace peapod::net
