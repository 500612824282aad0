#pragma once

#include "hosts/net/http_input.hpp"
#include "hosts/net/http_ports.hpp"
#include "hosts/net/http_transport.hpp"
#include "hosts/net/http_watchdog.hpp"
#include "hosts/net/lost_addresses.hpp"
#include "hosts/net/origin_dialer.hpp"
#include "hosts/net/origin_pool.hpp"
#include "hosts/net/pump.hpp"
#include "hosts/net/tls.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peapod::net {

/// An exchange in the list of those of a client, which it leaves by itself when
/// it is destroyed.
struct live_exchange
  : boost::intrusive::list_base_hook<
        boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {};

/// What all exchanges of one client share.
class client_core {
public:
  client_core(const asio::any_io_executor& executor, client_config config);

  const asio::any_io_executor ex;
  origin_dialer dialer;
  const std::shared_ptr<origin_pool> pool;
  const std::shared_ptr<own_use> own;
  const std::shared_ptr<origin_dates> dates;

  /// Empty blocks of exchanges that have ended, for those to come.
  std::vector<input_buffer> spare_blocks;

  /// Each is an `exchange_state`.
  boost::intrusive::list<live_exchange,
                         boost::intrusive::constant_time_size<false>>
      exchanges;

  /// Made at the first need: reading the system's authorities takes a while.
  const result<tls_context>& tls();

private:
  void drop_lost(const std::vector<std::string>& own);

  std::string ca_file_;
  std::optional<result<tls_context>> tls_;
  lost_addresses lost_;
};

/// Called with each 1xx head but 101.
using interim_handler = std::function<void(response_head)>;

/// The life of one request on one connection. Reads, writes and cancels as
/// `http_exchange` says; the coroutines here keep themselves alive.
class exchange_state : public live_exchange,
                       public std::enable_shared_from_this<exchange_state> {
public:
  exchange_state(std::shared_ptr<client_core> core, request_head head,
                 exchange_options options, interim_handler on_interim);
  ~exchange_state();

  /// Connects and sends the head, in the background.
  void begin();

  task<void> write_body(body_part part);
  void read_head(handler<response_head> done);
  task<body_part> read_body(size_t limit);
  void cancel();

  /// Whether `read_body` has something to give without waiting.
  bool has_part() const {
    return body_ && (body_->rest() == 0 || !in_.unread().empty());
  }

  /// The rest of the response's body when all of it has been received and
  /// stands there as it is, until the next call of any other function.
  std::optional<std::string_view> whole_body() const;

  /// Drops the first `n` bytes of that.
  void take_body(size_t n);

  /// How many bytes the rest of the response's body has, when all of them are
  /// still in the socket and stand there as they are: not chunked, not under
  /// TLS. Nothing otherwise; the maximum when the connection's end tells.
  std::optional<uint64_t> movable_body() const;

  /// Moves the rest of such a body to `to`, from socket to socket; `chunked`:
  /// framed anew; `first`: what goes before it. The result is how many bytes it
  /// had. Errors as in `read_body`, and those of writing.
  task<uint64_t> move_body(std::shared_ptr<transport> to,
                           std::shared_ptr<pump_tools> tools, bool chunked,
                           std::string first);

  /// After a 101: the connection, and what was received on it. `cancel` still
  /// closes it. Null when the exchange has ended.
  std::pair<std::shared_ptr<transport>, std::string> take_upgraded();

  /// Ends it if its connection leaves from none of these addresses, which are
  /// all that this device has: no answer can come back.
  void lose_unless_from(const std::vector<std::string>& addresses);

  uint64_t received() const;

  /// Whether something is awaited from the origin.
  bool awaits_origin() const {
    return reading_;
  }

  const asio::any_io_executor& executor() const {
    return core_->ex;
  }

private:
  class mover;

  // -- connecting -------------------------------------------------------------
  task<void> establish(bool fresh);
  bool begin_at_once();
  task<void> finish_head(std::string rest);
  task<void> connect();
  task<socket_ptr> dial();
  task<void> ready();
  bool take_idle();
  bool can_repeat() const;
  bool may_repeat(const error& why) const;
  // -- sending ----------------------------------------------------------------
  task<void> send(const body_part& part);
  task<void> send_raw(const body_part& part);
  result<void> count_sent(const body_part& part);
  // -- receiving --------------------------------------------------------------
  task<response_head> await_head(std::optional<error> failure);
  task<response_head> receive_head();
  void on_head_bytes(result<size_t> n, handler<response_head> done);
  result<std::optional<response_head>> take_head();
  result<response_head> conclude_head(result<response_head> head);
  error no_response() const;
  task<size_t> receive(size_t block);
  void count_own(uint64_t bytes);
  void accept_head(const response_head& head);
  size_t block_size(size_t limit) const;
  // -- ending -----------------------------------------------------------------
  void finish_if_done();
  void keep(std::shared_ptr<transport> link);
  void update_watch();
  void give_up();
  void on_overdue();
  error explain(error why) const;

  std::shared_ptr<client_core> core_;
  request_head head_;
  exchange_options options_;
  interim_handler on_interim_;
  origin_key key_;
  const upstream_proxy* via_; // takes the request; of `core_`
  watchdog watch_;
  std::optional<error> overdue_;   // what a deadline that passed was for
  std::optional<error> lost_;      // why the connection cannot work any more
  asio::steady_timer established_; // never expires: cancelled when it happens
  std::optional<result<void>> connected_;
  std::shared_ptr<dial_job> dial_;
  std::shared_ptr<transport> link_;
  input_buffer in_;
  std::optional<body_decoder> body_;
  uint64_t received_ = 0; // of the body, without what the socket holds
  int interim_heads_ = 0; // that were passed on
  std::optional<duration> promised_; // how long the origin keeps the connection
  uint64_t unsent_ = 0;              // of a request body with a length
  bool reused_ = false;              // the connection had a request before
  bool logged_in_;                   // the connection is its client's alone
  bool answered_ = false;            // a byte of the response was received
  bool sent_ = false;                // the whole request is
  bool persists_ = false;
  bool upgraded_ = false;
  bool reading_ = false;
  bool writing_ = false;
  bool connecting_ = false;
  bool cancelled_ = false;
};

/// An exchange of ours, as the port sees it.
class exchange_port : public http_exchange {
public:
  virtual const std::shared_ptr<exchange_state>& state() const = 0;
};

/// The state behind `port`; null when it is not one of ours or has gone.
std::shared_ptr<exchange_state> state_of(const http_exchange& port);

} // namespace peapod::net
