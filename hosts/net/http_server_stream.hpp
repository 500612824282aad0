#pragma once

#include "actors/ports.hpp"
#include "core/http_date.hpp"
#include "hosts/net/http_client_watch.hpp"
#include "hosts/net/http_exchange.hpp"
#include "hosts/net/http_format.hpp"
#include "hosts/net/http_input.hpp"
#include "hosts/net/http_transport.hpp"
#include "hosts/net/http_watchdog.hpp"
#include "hosts/net/lost_addresses.hpp"
#include "hosts/net/origin_dialer.hpp"
#include "hosts/net/tunnel.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace peapod::net {

/// What all connections of one listener share.
struct server_context {
  origin_dialer dialer;
  tunnel_tools tools;
  tunnel_limits limits;
  std::shared_ptr<own_use> own; ///< counts what tunnels bring
  /// Whether accepted sockets have the options of a plain transport already.
  bool has_options = false;
  /// Empty blocks of connections that need none now, for those to come.
  std::vector<input_buffer> spare_blocks;
  http_date_text date{};                  ///< of answers that bring none
  std::unique_ptr<lost_addresses> lost{}; ///< tells the tunnels

  /// That of now.
  std::string_view date_now();
};

/// A client's connection to the proxy: what `http_server_stream` promises. The
/// coroutines here keep themselves alive.
class server_connection
  : public client_watch::owner,
    public std::enable_shared_from_this<server_connection> {
public:
  server_connection(asio::ip::tcp::socket socket,
                    asio::ip::tcp::endpoint remote,
                    std::shared_ptr<server_context> shared);
  ~server_connection() override;

  void read_request(handler<request_head> done);
  task<body_part> read_body(size_t limit);
  task<void> write_head(response_head head);
  task<void> write_body(body_parts parts);
  task<relay_totals> relay_response(std::shared_ptr<http_exchange> origin);
  void pass_response(response_head head, std::shared_ptr<http_exchange> origin,
                     handler<relay_totals> done);
  task<relay_totals> relay_request(std::shared_ptr<http_exchange> origin);
  void tunnel(host_port target, line_wish over, std::function<void()> opened,
              handler<relay_totals> done);
  void accept_tunnel(handler<std::shared_ptr<tunnel_stream>> done);
  void resume_tunnel(host_port target, line_wish over, slice first,
                     handler<relay_totals> done);
  bool keep_alive() const;
  bool lost_request() const {
    return client_failed_;
  }
  asio::ip::tcp::socket& socket() const {
    return link_->socket();
  }
  void close(bool abort);
  void close_idle();
  void watch_client(client_patience how, std::function<void()> gone);
  const asio::any_io_executor& executor() const {
    return ex_;
  }

private:
  // -- requests ---------------------------------------------------------------
  void begin_request();
  void receive_head(bool begun, handler<request_head> done);
  void on_head_bytes(result<size_t> n, bool begun, handler<request_head> done);
  std::optional<result<request_head>> take_head(bool& begun);
  result<request_head> accept_request(std::string_view text);
  error explain_head(error why) const;
  task<void> invite_body();
  task<size_t> receive(size_t min, size_t block);
  // -- responses --------------------------------------------------------------
  result<std::string> begin_response(const response_head& head);
  task<void> flush_head();
  response_layout layout_for(const response_head& head) const;
  task<void> write_raw(const body_parts& parts);
  task<void> write_framed(const body_parts& parts);
  // -- relays -----------------------------------------------------------------
  bool pass_now(const http_exchange& port, uint64_t& passed);
  void pump_request(const std::shared_ptr<http_exchange>& origin);
  task<relay_totals> pump_response(std::shared_ptr<exchange_state> origin);
  bool may_move(const exchange_state& origin) const;
  task<uint64_t> move_response(exchange_state& origin);
  task<relay_totals> relay_upgraded(std::shared_ptr<exchange_state> origin);
  // -- tunnels ----------------------------------------------------------------
  struct opening;
  void dial_tunnel(const host_port& target, const line_wish& over,
                   opening what);
  void on_dialled(result<socket_ptr> socket, opening what);
  void on_opened(result<void> written, opening what);
  void end_both();
  void on_overdue();
  std::string take_unread();
  void take_block();
  void give_block_back();
  std::shared_ptr<tunnel_tools> tools() const {
    return {shared_, &shared_->tools};
  }
  // -- clients that go away ---------------------------------------------------
  /// How far answers are, and who waits for them. Tunnels have none.
  struct answer {
    client_patience patience;
    std::function<void()> gone;
    std::shared_ptr<client_watch> watch;     // once a request has come
    std::shared_ptr<exchange_state> relayed; // while its body is passed on
    uint64_t writes = 0; // of heads and pieces of bodies, since the connection
    bool writing = false;
  };
  void count_write(bool begins);
  void begin_watch();
  void end_watch();
  bool reads_client() const override {
    return reading_client_;
  }
  bool will_read_client() const override {
    return body_unread();
  }
  std::optional<uint64_t> progress() const override;
  void on_gone() override;
  // -- ends -------------------------------------------------------------------
  task<void> linger();
  error explain(error why) const;

  /// Of the request.
  bool body_unread() const {
    return body_ && !body_->done() && body_->rest() > 0;
  }

  /// Whether the origin has all of it; it may never get the rest.
  bool body_passed() const {
    return !body_unread() && !relaying_request_ && !request_cut_off_;
  }

  asio::any_io_executor ex_;
  bool from_elsewhere_; // its client is another machine
  std::shared_ptr<transport> link_;
  std::shared_ptr<server_context> shared_;
  watchdog watch_;
  input_buffer in_;
  std::shared_ptr<dial_job> dial_;
  std::unique_ptr<error> overdue_; // why the dial was called off
  // The present request.
  std::optional<body_decoder> body_;
  unsigned version_ = 11;
  bool to_head_ = false;
  uint64_t login_ = 0; // of its requests, once it has logged in somewhere
  bool client_persists_ = false;
  bool expects_continue_ = false;
  bool relaying_request_ = false;
  bool client_failed_ = false;   // to send its body
  bool request_cut_off_ = false; // the origin did not take all of the body
  bool reading_client_ = false;  // a read of its body is pending
  uint64_t sent_to_origin_ = 0;
  // Its response.
  response_layout layout_;
  uint64_t unwritten_ = 0; // of a body with a length
  std::string held_head_;  // goes out with the first bytes of the body
  bool head_written_ = false;
  bool response_done_ = false;
  bool upgraded_ = false;
  // The connection.
  std::unique_ptr<answer> answer_; // null: nobody wants to know
  bool broken_ = false;
  bool closed_ = false;
  bool both_ended_ = false; // nothing is to come from the client
};

} // namespace peapod::net
