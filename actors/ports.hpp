#pragma once

#include "core/error.hpp"
#include "core/http_message.hpp"
#include "core/slices.hpp"
#include "core/types.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// What the actors need from the outside world, as interfaces: hosts implement
/// them with sockets, tests with scripts.
///
/// Rules that hold for every port:
/// - All calls are made on, and all handlers are called from, the one
///   execution context that the owning actor runs on.
/// - A handler is called exactly once, never from within the call that it was
///   passed to, also with `errc::cancelled` when the object is closed.
///   Destroying the object closes it.
/// - At most one operation of a kind is outstanding per object.
namespace peapod {

/// Called with the outcome of one operation.
template <class T>
using handler = std::function<void(result<T>)>;

/// A piece of a body; `last` is true for the final piece, which may be empty.
struct body_part {
  slice bytes;
  bool last = false;
};

/// Pieces of a body that follow each other; `last` as above.
struct body_parts {
  slices bytes;
  bool last = false;
};

/// An IP address and a port. IPv6 addresses may carry a `%zone`.
struct endpoint {
  std::string address;
  uint16_t port = 0;

  auto operator<=>(const endpoint&) const = default;
};

/// `address:port`, an IPv6 address in brackets.
std::string to_string(const endpoint& x);

/// A device to connect to without having heard it.
struct static_peer {
  endpoint at;
  std::optional<device_id> id; ///< the only one that is taken there

  bool operator==(const static_peer&) const = default;
};

// -- HTTP towards origins -----------------------------------------------------

/// Which of this device's own lines something leaves through, when there are
/// several.
struct line_wish {
  /// Whoever keeps one line for each site: a client's address, or a peer's id.
  /// Empty: lines are taken in turn.
  std::string user;
  /// The only line that will do, as the user calls it; empty: any.
  std::string line;

  bool operator==(const line_wish&) const = default;
};

/// How an exchange with an origin may be made.
struct exchange_options {
  /// Made for a peer: only public addresses and `share.ports`, checked after
  /// resolution against the very address that is dialled.
  bool for_peer = false;
  /// Skip kept-alive connections and make a new one.
  bool fresh_connection = false;
  /// How long to wait for a connection.
  duration connect_timeout = std::chrono::seconds(15);
  /// How long to wait for the response's head, and between two pieces of its
  /// body, before the exchange fails with `timed_out`.
  duration idle_timeout = std::chrono::seconds(60);
  /// The own line to leave through.
  line_wish over{};
};

/// One request and its response over this device's own internet connection.
/// Destroying an unfinished exchange resets its connection.
class http_exchange {
public:
  virtual ~http_exchange() = default;

  /// Sends a piece of the request's body; the head's framing says whether it
  /// has one.
  virtual void write_body(body_part part, handler<void> done) = 0;

  /// Reads the response's final head. 1xx responses are passed to
  /// `on_interim` of `http_client::open` if there is one, else dropped.
  virtual void read_head(handler<response_head> done) = 0;

  /// Reads the next piece of the response's body: at most `limit` bytes,
  /// framing removed. A body that ends early is an error, never a last part.
  virtual void read_body(size_t limit, handler<body_part> done) = 0;

  /// Bytes of body received from the network so far, read or not.
  virtual uint64_t received() const = 0;

  /// Closes the connection at once; outstanding handlers get `cancelled`.
  virtual void cancel() = 0;
};

/// Opens exchanges; keeps idle connections for reuse.
class http_client {
public:
  virtual ~http_client() = default;

  /// Sends `head` (origin form, its `Host` and framing fields made anew from
  /// `head.target` and `head.framing`). Errors of the connection come through
  /// the exchange's `read_head`.
  virtual std::shared_ptr<http_exchange>
  open(request_head head, exchange_options options,
       std::function<void(response_head)> on_interim = nullptr) = 0;
};

class tunnel_stream;

// -- HTTP towards clients of the proxy ----------------------------------------

/// Bytes that a tunnel or a relay has moved.
struct relay_totals {
  uint64_t to_origin = 0;
  uint64_t to_client = 0;
};

/// How a client that goes away while it is being answered is noticed.
struct client_patience {
  /// From which age of a request on it is looked for.
  duration look_after = std::chrono::seconds(1);
  /// How long the origin may be silent, about, once the client has ended what
  /// it sends: it may read on, or have gone.
  duration half_closed = std::chrono::seconds(60);
};

/// A client's connection to the proxy, as a sequence of requests.
class http_server_stream {
public:
  virtual ~http_server_stream() = default;

  /// Reads the next request's head. `connection_closed`: the client ended the
  /// connection between two requests. `bad_http`: malformed; the detail starts
  /// with the status to answer, as in `"431 header too large"`.
  virtual void read_request(handler<request_head> done) = 0;

  /// Reads the next piece of the request's body.
  virtual void read_body(size_t limit, handler<body_part> done) = 0;

  /// Writes a head; its framing fields are made from `head.framing` (chunked
  /// becomes until_close for an HTTP/1.0 client). Also for interim 1xx heads.
  virtual void write_head(response_head head, handler<void> done) = 0;

  /// Writes pieces of the response's body.
  virtual void write_body(body_parts parts, handler<void> done) = 0;

  /// Pumps the request's body to `origin` and the response's body to the
  /// client, without a message per piece. The response's head must have been
  /// written. Ends with the last piece, or an error when either side failed.
  virtual void relay_response(std::shared_ptr<http_exchange> origin,
                              handler<relay_totals> done) = 0;

  /// `write_head` and then `relay_response` in one operation, so that a host
  /// can write a short response at once. The stream must outlive it.
  virtual void pass_response(response_head head,
                             std::shared_ptr<http_exchange> origin,
                             handler<relay_totals> done);

  /// Pumps the request's body, if it has one, to `origin`.
  virtual void relay_request(std::shared_ptr<http_exchange> origin,
                             handler<relay_totals> done) = 0;

  /// Answers `CONNECT`: dials `target` over the own line that is wished for,
  /// writes the 200 and pumps both ways until both sides have ended. If
  /// dialling fails nothing has been written and the error is passed on.
  /// `opened` is called when the 200 is written.
  virtual void tunnel(host_port target, line_wish over,
                      std::function<void()> opened,
                      handler<relay_totals> done) = 0;

  /// Answers `CONNECT` with the 200 and gives the connection as it goes on. It
  /// is closed through `close` of this object, too.
  virtual void accept_tunnel(handler<std::shared_ptr<tunnel_stream>> done) = 0;

  /// Goes on with an accepted tunnel as `tunnel` does, over the own line: after
  /// it has sent `first`, which was read from the client. The stream that
  /// `accept_tunnel` gave is of no use any more. If dialling fails the error is
  /// passed on.
  virtual void resume_tunnel(host_port target, line_wish over, slice first,
                             handler<relay_totals> done) = 0;

  /// Whether the connection can carry another request after this one.
  virtual bool keep_alive() const = 0;

  /// The client's address.
  virtual endpoint remote() const = 0;

  /// Where the client has connected to; port 0 when that is not known.
  virtual endpoint local() const {
    return {};
  }

  /// Whether it took one of the last descriptors: serving it would leave none
  /// to dial origins and peers with.
  virtual bool is_one_too_many() const {
    return false;
  }

  /// False when it took one of the very last, which are kept for peers and the
  /// control socket: it can only be turned away.
  virtual bool can_be_served() const {
    return true;
  }

  /// Answers the first request, if one comes soon, with a 503 that says `why`
  /// and when to try again, and closes. No other call but `remote` may follow.
  /// With no descriptor to spare it does not wait for the request.
  virtual void turn_away(const std::string& why) {
    static_cast<void>(why);
    close(true);
  }

  /// Closes the connection: with `abort` by a reset, so that a client can see
  /// that the body is incomplete; else gracefully.
  virtual void close(bool abort) = 0;

  /// Whether the present request's body has failed to come from the client:
  /// `relay_request` then ends because of that, not because of the origin.
  virtual bool lost_request() const {
    return false;
  }

  /// From the next request on notices a client that goes away while it is
  /// being answered, in the head or the body, and nobody reads from it. `gone`
  /// is called then, not from within any call. Not for tunnels.
  virtual void watch_client(client_patience how, std::function<void()> gone) {
    static_cast<void>(how);
    static_cast<void>(gone);
  }
};

// -- peers --------------------------------------------------------------------

/// A TCP connection to a peer.
class byte_stream {
public:
  virtual ~byte_stream() = default;

  /// Reads at least one byte; `connection_closed` at the end of the stream.
  virtual void read_some(handler<slice> done) = 0;

  /// Writes all of `bytes`, in order of the calls; may be called while another
  /// write is outstanding, and its handler is called when all of it has gone
  /// to the kernel.
  virtual void write(std::vector<slice> bytes, handler<void> done) = 0;

  virtual endpoint remote() const = 0;
  virtual endpoint local() const = 0;
  virtual void close() = 0;
};

/// One end of a tunnel. `connection_closed` when reading is the clean end of
/// what the other side sends; any other end is another error.
class tunnel_stream : public byte_stream {
public:
  /// An outstanding `read_some` ends with `cancelled`, unless it has brought
  /// something.
  virtual void stop_reading() = 0;

  /// Tells the other side, behind what was written, that nothing follows.
  virtual void finish() = 0;

  /// Closes the connection so that the other side sees a reset.
  virtual void reset() = 0;
};

/// Connects to origins over this device's own line, for tunnels.
class tunnel_dialer {
public:
  virtual ~tunnel_dialer() = default;

  /// Connects to `to` under the exit policy: what a peer has asked for. Errors
  /// as those of `http_exchange::read_head`, and `policy_refused`.
  virtual void dial(host_port to, line_wish over, duration timeout,
                    handler<std::shared_ptr<tunnel_stream>> done) = 0;
};

/// Dials peers.
class stream_dialer {
public:
  virtual ~stream_dialer() = default;
  virtual void dial(endpoint to, duration timeout,
                    handler<std::shared_ptr<byte_stream>> done) = 0;
};

/// A listening socket, already bound.
template <class Stream>
class acceptor_port {
public:
  virtual ~acceptor_port() = default;

  /// Accepts the next connection. Errors that pass by themselves (out of
  /// descriptors) are waited out by the host.
  virtual void accept(handler<std::shared_ptr<Stream>> done) = 0;
  virtual endpoint local() const = 0;
  virtual void close() = 0;

  /// Closes the kept-alive connection that has been waiting for its next
  /// request longest, for a client that has one; false when none waits.
  virtual bool close_idle() {
    return false;
  }
};

using stream_acceptor = acceptor_port<byte_stream>;
using http_acceptor = acceptor_port<http_server_stream>;

/// A datagram and who sent it.
struct datagram {
  endpoint from;
  slice bytes;
};

/// The discovery group: one socket for each suitable interface, followed as
/// interfaces come and go.
class discovery_port {
public:
  virtual ~discovery_port() = default;

  /// Receives the next datagram of the group or sent to us.
  virtual void receive(handler<datagram> done) = 0;

  /// Sends to the group on every suitable interface. The result is how many
  /// interfaces took it; an error when none did, with the reason.
  virtual result<size_t> announce(const slice& bytes) = 0;

  /// Sends to one address.
  virtual void reply(const endpoint& to, const slice& bytes) = 0;

  virtual void close() = 0;
};

/// What has happened to this device's place in its networks.
struct network_change {
  /// All its IP addresses now, those of links that are down too; link-local
  /// IPv6 addresses carry a `%zone`.
  std::vector<std::string> addresses;
  bool gained = false; ///< there is a new address, or a link has come up
  /// How long this device slept or the process was stopped; zero: it ran.
  duration away{};
};

/// Tells when this device's networks change, and when it wakes.
class network_watch {
public:
  virtual ~network_watch() = default;

  /// Waits for the next change. What changes while nobody waits is told as one
  /// change.
  virtual void wait(handler<network_change> done) = 0;

  virtual void close() = 0;
};

} // namespace peapod
