#pragma once

#include "actors/ports.hpp"
#include "hosts/net/http_transport.hpp"
#include "hosts/net/http_watchdog.hpp"

#include <boost/asio/cancellation_signal.hpp>

#include <cstdint>
#include <memory>
#include <optional>

namespace peapod::net {

/// Notices that a client goes away while its request is being answered and
/// nobody reads what it sends. Most answers come so soon that nobody looks at
/// its socket: until then it costs no call of the system.
class client_watch : public std::enable_shared_from_this<client_watch> {
public:
  /// Whom it works for; must outlive everything between `begin` and `end`.
  class owner {
  public:
    virtual ~owner() = default;

    /// Whether a read from the client is pending, which notices it, too.
    virtual bool reads_client() const = 0;

    /// Whether more of its request is to be read, later.
    virtual bool will_read_client() const = 0;

    /// A number that changes with each part of the answer that comes; nothing
    /// while the client is waited for and not the origin.
    virtual std::optional<uint64_t> progress() const = 0;

    /// The client has gone, or has ended what it sends and was left without
    /// an answer for too long.
    virtual void on_gone() = 0;
  };

  client_watch(owner& whose, std::shared_ptr<transport> client,
               client_patience how);

  /// A request is being answered.
  void begin();

  /// It is no more, or the client's next request is about to be read.
  void end();

  /// The request is read on: a look would cost each read a call of the system.
  void read_on();

private:
  enum class stage { idle, waiting, looking, half_closed };

  template <class Seen>
  auto once(Seen seen);
  void on_deadline();
  void look();
  void on_seen(const boost::system::error_code& ec);
  void wait_for_reset();
  void count_silence();
  void lose();

  owner& owner_;
  std::shared_ptr<transport> client_;
  client_patience how_;
  watchdog watch_;
  asio::cancellation_signal stop_;
  stage stage_ = stage::idle;
  uint64_t round_ = 0; // what was begun before is over
  std::optional<uint64_t> progress_;
  unsigned silent_ = 0; // looks in a row that found no progress
  uint8_t seen_ = 0;    // of what the client has sent, unused
};

} // namespace peapod::net
