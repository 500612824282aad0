#pragma once

#include "tests/actors/fake_tunnel.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// Clients of the proxy in memory.
namespace peapod::fakes {

/// A browser's connection, and what it got.
class browser : public http_server_stream,
                public std::enable_shared_from_this<browser> {
public:
  explicit browser(loop_ptr on) : work(std::move(on)) {}

  /// Sends a request.
  void ask(request_head head, std::string body = {}) {
    if (!body.empty()) {
      head.framing = body_framing::length;
      head.content_length = body.size();
    }
    requests_.emplace_back(std::move(head), std::move(body));
    next();
  }

  /// Ends the connection between two requests.
  void hang_up() {
    gone_ = true;
    next();
  }

  /// Sends something that is no request.
  void send_garbage(error why) {
    answer(*work, on_request_, result<request_head>{std::move(why)});
  }

  /// The connection breaks while it is written to.
  void vanish() {
    answer(*work, on_written_,
           result<void>{make_error(errc::connection_closed, "reset")});
  }

  /// It goes away while it is being answered.
  void go_away() {
    work->post(on_gone_);
  }

  void watch_client(client_patience, std::function<void()> gone) override {
    on_gone_ = std::move(gone);
  }

  void read_request(handler<request_head> done) override {
    on_request_ = std::move(done);
    next();
  }

  void read_body(size_t, handler<body_part> done) override {
    slice bytes{std::string_view{request_body_}};
    answer(*work, done, result<body_part>{body_part{bytes, true}});
  }

  void write_head(response_head head, handler<void> done) override {
    heads.push_back(std::move(head));
    answer(*work, done, result<void>{});
  }

  void write_body(body_parts parts, handler<void> done) override {
    on_written_ = std::move(done);
    for (auto& piece : parts.bytes)
      body += piece.text();
    complete = complete || parts.last;
    if (!stalled)
      read_on();
  }

  /// Takes what was written while it was `stalled`.
  void read_on() {
    answer(*work, on_written_, result<void>{});
  }

  void relay_response(std::shared_ptr<http_exchange> origin,
                      handler<relay_totals> done) override {
    auto self = shared_from_this();
    origin->read_body(64_KiB, [=, this](result<body_part> part) {
      (void)self;
      if (!part) {
        done(part.error());
        return;
      }
      body += part->bytes.text();
      complete = complete || part->last;
      part->last ? done(relay_totals{0, body.size()})
                 : relay_response(origin, done);
    });
  }

  void relay_request(std::shared_ptr<http_exchange> origin,
                     handler<relay_totals> done) override {
    ++relayed_requests;
    if (upload_fails)
      return answer(*work, done, result<relay_totals>{*upload_fails});
    origin->write_body(
        {slice{std::string_view{request_body_}}, true},
        [done](result<void> x) { x ? done(relay_totals{}) : done(x.error()); });
  }

  void tunnel(host_port target, line_wish, std::function<void()> opened,
              handler<relay_totals> done) override {
    tunnel_target = target;
    if (tunnel_fails) {
      answer(*work, done, result<relay_totals>{*tunnel_fails});
    } else {
      opened();
      answer(*work, done, result<relay_totals>{relay_totals{10, 20}});
    }
  }

  void accept_tunnel(handler<std::shared_ptr<tunnel_stream>> done) override {
    ++accepted_tunnels;
    auto [ours, theirs] = tunnel_pipe::make(work);
    talk = ours;
    actors_end = theirs;
    answer(*work, done,
           result<std::shared_ptr<tunnel_stream>>{std::move(theirs)});
  }

  void resume_tunnel(host_port target, line_wish, slice first,
                     handler<relay_totals> done) override {
    tunnel_target = target;
    resumed_with = std::string{first.text()};
    answer(*work, done, result<relay_totals>{relay_totals{10, 20}});
  }

  bool lost_request() const override {
    return vanishes;
  }
  bool keep_alive() const override {
    return keeps_alive;
  }
  endpoint remote() const override {
    return {"127.0.0.1", 50000};
  }
  endpoint local() const override {
    return {"127.0.0.1", 3128};
  }
  bool is_one_too_many() const override {
    return one_too_many;
  }
  bool can_be_served() const override {
    return servable;
  }
  void turn_away(const std::string& why) override {
    turned_away = why;
    closed = true;
  }
  void close(bool abort) override {
    closed = true;
    aborted = aborted || abort;
    auto why = make_error(errc::cancelled, "closed");
    answer(*work, on_request_, result<request_head>{why});
    answer(*work, on_written_, result<void>{why});
  }

  loop_ptr work;
  std::vector<response_head> heads;
  std::string body;
  bool complete = false;
  bool stalled = false;
  bool keeps_alive = true;
  bool closed = false;
  bool aborted = false;
  bool one_too_many = false;
  bool servable = true;
  std::string turned_away; ///< why, if it was
  unsigned relayed_requests = 0;
  std::optional<host_port> tunnel_target;
  std::optional<error> tunnel_fails;
  std::optional<error> upload_fails;
  bool vanishes = false; ///< that is why
  unsigned accepted_tunnels = 0;
  std::shared_ptr<tunnel_pipe> talk; ///< the client's end of an accepted tunnel
  std::weak_ptr<tunnel_pipe> actors_end; ///< the other end of it
  std::optional<std::string> resumed_with;

private:
  void next() {
    if (!on_request_)
      return;
    if (!requests_.empty()) {
      auto [head, text] = std::move(requests_.front());
      requests_.pop_front();
      request_body_ = std::move(text);
      answer(*work, on_request_, result<request_head>{std::move(head)});
    } else if (gone_) {
      answer(
          *work, on_request_,
          result<request_head>{make_error(errc::connection_closed, "hung up")});
    }
  }

  std::deque<std::pair<request_head, std::string>> requests_;
  std::string request_body_;
  handler<request_head> on_request_;
  handler<void> on_written_;
  std::function<void()> on_gone_;
  bool gone_ = false;
};

} // namespace peapod::fakes
