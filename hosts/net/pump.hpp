#pragma once

#include "hosts/net/http_transport.hpp"
#include "hosts/net/splice.hpp"

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace peapod::net {

/// What all pumps of one thread share.
struct pump_tools {
  pipe_pool pipes;
  std::vector<uint8_t> scratch = std::vector<uint8_t>(64 * 1024);
};

/// Moves bytes from one plain connection to another, in one direction. Few
/// bytes are copied; many go through a pipe of the kernel, which is held only
/// while bytes are in it. What the destination does not take yet is not
/// replaced by more from the source: back-pressure is the sockets' own.
class pump {
public:
  /// How a pump ended well.
  enum class ending { source_ended, limit_reached };

  /// Whom a pump works for.
  class owner {
  public:
    virtual ~owner() = default;

    /// Keeps the owner, its pumps and their connections.
    virtual std::shared_ptr<void> keep_alive() = 0;

    /// Bytes have been taken from the source or given to the destination.
    virtual void on_moved(pump& who) = 0;

    /// From here on the pump waits for the destination, not for the source.
    virtual void on_blocked(pump& who) = 0;

    /// The last call. Errors: `connection_closed` when a side was reset,
    /// `cancelled` when it was closed by us, `io_failed`.
    virtual void on_end(pump& who, result<ending> how) = 0;
  };

  /// What is particular to one run.
  struct options {
    /// Bytes to take at most; what follows them stays in the source.
    uint64_t limit = std::numeric_limits<uint64_t>::max();
    /// Frame what is moved as a chunked body (RFC 9112, 7.1) that ends where
    /// the source does.
    bool chunked = false;
    /// Notice a reset of the source also while the destination takes nothing.
    /// The source must be closed after the run.
    bool watch_resets = false;
  };

  pump(owner& whose, transport& from, transport& to, pump_tools& tools,
       options how);
  pump(const pump&) = delete;
  ~pump();

  /// Begins, not from within this call. `first` goes to the destination before
  /// anything else; it does not count for the limit.
  void start(std::string first = {});

  /// Bytes taken from the source.
  uint64_t taken() const {
    return taken_;
  }

private:
  enum class verdict { go_on, wait_for_source, wait_for_room, over };

  void later();
  void go();
  verdict step();
  verdict drain();
  verdict drain_text();
  verdict drain_pipe();
  verdict fill();
  verdict fill_pipe(size_t most);
  verdict fill_text(size_t most);
  verdict pass_on(const uint8_t* bytes, size_t n);
  verdict took(size_t n);
  verdict fail(const boost::system::error_code& ec, const transport& who);
  verdict source_ended();
  void begin_chunk(size_t n);
  void release_pipe();
  void wait_for_source();
  void wait_for_room();
  void watch_for_reset();
  void end(result<ending> how);

  owner& owner_;
  transport& from_;
  transport& to_;
  pump_tools& tools_;
  options options_;
  std::optional<kernel_pipe> pipe_;
  std::string text_; // goes out before what is in the pipe
  size_t text_sent_ = 0;
  uint64_t taken_ = 0;
  uint64_t given_ = 0;
  std::unique_ptr<error> failure_; // seldom there
  uint8_t seen_ = 0;               // of what the source has, unused
  bool bulk_ = false;              // the source gives much at a time
  bool spliceable_ = true;         // these sockets can be
  bool in_chunk_ = false; // a chunk's data was not followed by CRLF yet
  bool source_ended_ = false;
  bool watching_ = false;
  bool over_ = false;
};

} // namespace peapod::net
