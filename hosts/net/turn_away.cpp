#include "hosts/net/turn_away.hpp"

#include "hosts/net/http_format.hpp"
#include "hosts/net/http_server_stream.hpp"

#include <array>
#include <chrono>
#include <utility>

namespace peapod::net {

namespace {

/// How long a client may take for the request that is not served.
constexpr auto patience = std::chrono::seconds(3);

struct refusal {
  response_head head;
  std::string text;
};

refusal refuse(const std::string& why) {
  refusal out;
  out.text = "503 Service Unavailable\n\nPeaPod has too much to do: " + why
             + ". Try again in a moment.\n";
  out.head.status = 503;
  out.head.reason = "Service Unavailable";
  out.head.fields.add("Content-Type", "text/plain; charset=utf-8");
  out.head.fields.add("Cache-Control", "no-store");
  out.head.fields.add("Retry-After", "1");
  out.head.fields.add("Proxy-Status",
                      "PeaPod; error=connection_limit_reached; details=\"" + why
                          + '"');
  out.head.framing = body_framing::length;
  out.head.content_length = out.text.size();
  return out;
}

/// Until the socket is empty, but not for ever.
void read_what_is_there(asio::ip::tcp::socket& from) {
  std::array<char, 16 * 1024> block{};
  boost::system::error_code ec;
  for (int i = 0; i < 8 && !ec; ++i)
    from.read_some(asio::buffer(block), ec);
}

} // namespace

task<void> turn_away(std::shared_ptr<server_connection> client,
                     std::string why) {
  watchdog deadline{client->executor(), [client] { client->close(true); }};
  deadline.arm(patience);
  auto read = [&client](handler<request_head> done) {
    client->read_request(std::move(done));
  };
  auto request = co_await await_handler<request_head>(read);
  if (!request && request.error().code != errc::bad_http) {
    client->close(true);
    co_return request.error();
  }
  auto answer = refuse(why);
  // There is no room for a further request of this client either.
  answer.head.fields.add("Connection", "close");
  auto written = co_await client->write_head(std::move(answer.head));
  // A variable, because GCC 12 destroys temporaries of this expression twice.
  body_parts body{slice{std::string_view{answer.text}}, true};
  if (written)
    written = co_await client->write_body(std::move(body));
  deadline.disarm();
  client->close(false);
  co_return written;
}

void turn_away_now(asio::ip::tcp::socket& client, const std::string& why,
                   std::string_view date) {
  auto answer = refuse(why);
  response_layout layout{body_framing::length, true};
  auto head = format_response(answer.head, layout, 11, date);
  boost::system::error_code ec;
  client.non_blocking(true, ec);
  read_what_is_there(client);
  if (head)
    client.send(asio::buffer(*head + answer.text), 0, ec);
  client.shutdown(asio::socket_base::shutdown_send, ec);
  client.close(ec);
}

} // namespace peapod::net
