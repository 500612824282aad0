#include "hosts/net/tcp_connection.hpp"

#include "hosts/net/socket_address.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <deque>
#include <utility>

namespace peapod::net {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// -- read buffers -------------------------------------------------------------

/// Blocks to read into. Consecutive reads share a block, and its size follows
/// what the connection brings: 16 KiB for one that only heartbeats, 256 KiB
/// for one that carries chunks.
class read_blocks {
public:
  /// The free rest of the current block, or a new block.
  asio::mutable_buffer prepare() {
    if (block_ == nullptr || size_ - used_ < size_ / 2) {
      block_ = std::make_shared_for_overwrite<uint8_t[]>(next_size_);
      size_ = next_size_;
      used_ = 0;
    }
    return {block_.get() + used_, size_ - used_};
  }

  /// The first `count` bytes of what was prepared, as a slice.
  slice commit(size_t count) {
    auto room = size_ - used_;
    slice out{block_, block_.get() + used_, count};
    used_ += count;
    if (count == room)
      next_size_ = std::min(largest, next_size_ * 4);
    else if (count < smallest / 4)
      next_size_ = std::max(smallest, next_size_ / 2);
    return out;
  }

private:
  static constexpr size_t smallest = 16_KiB;
  static constexpr size_t largest = 256_KiB;

  std::shared_ptr<uint8_t[]> block_;
  size_t size_ = 0;
  size_t used_ = 0;
  size_t next_size_ = smallest;
};

// -- write queue --------------------------------------------------------------

/// One call of `write`.
struct pending_write {
  std::vector<slice> bytes;
  handler<void> done;

  size_t size() const {
    size_t sum = 0;
    for (auto& part : bytes)
      sum += part.size();
    return sum;
  }
};

/// So many bytes go to the kernel in one gathering write; more would delay the
/// handlers of the first ones.
constexpr size_t write_batch = 256_KiB;

// -- connection ---------------------------------------------------------------

/// The socket and its outstanding operations, which keep it alive.
class connection : public std::enable_shared_from_this<connection> {
public:
  /// `tells_resets`: the end of the stream and its failure are told apart.
  connection(std::shared_ptr<transport> link, slice early, bool tells_resets)
    : link_(std::move(link)),
      early_(std::move(early)),
      tells_resets_(tells_resets) {
    error_code ignored;
    auto remote = socket().remote_endpoint(ignored);
    remote_ = from_asio(remote);
    auto local = socket().local_endpoint(ignored);
    local_ = from_asio(local);
  }

  void read_some(handler<slice> done) {
    if (!socket().is_open())
      return post([done = std::move(done), e = closed()] { done(e); });
    if (!early_.empty())
      return post([done = std::move(done), bytes = std::exchange(early_, {})] {
        done(bytes);
      });
    socket().async_read_some(
        blocks_.prepare(), [self = shared_from_this(), done = std::move(done)](
                               error_code ec, size_t count) {
          if (ec)
            done(self->failure(ec));
          else
            done(self->blocks_.commit(count));
        });
  }

  void stop_reading() {
    link_->cancel();
  }

  void write(std::vector<slice> bytes, handler<void> done) {
    if (!socket().is_open())
      return post([done = std::move(done), e = closed()] { done(e); });
    queue_.push_back({std::move(bytes), std::move(done)});
    if (in_flight_.empty())
      write_batch_of_queue();
  }

  void finish() {
    finishing_ = true;
    if (in_flight_.empty())
      shut_down();
  }

  void close() {
    link_->close();
  }

  void reset() {
    link_->reset();
  }

  const endpoint& remote() const {
    return remote_;
  }

  const endpoint& local() const {
    return local_;
  }

private:
  tcp::socket& socket() const {
    return link_->socket();
  }

  void shut_down() {
    error_code gone;
    socket().shutdown(tcp::socket::shutdown_send, gone);
  }

  void write_batch_of_queue() {
    std::vector<asio::const_buffer> buffers;
    for (size_t sum = 0; !queue_.empty() && sum < write_batch;) {
      auto& next = queue_.front();
      sum += next.size();
      for (auto& part : next.bytes)
        buffers.emplace_back(part.data(), part.size());
      in_flight_.push_back(std::move(next));
      queue_.pop_front();
    }
    // Asio's default condition would cut the batch into writes of 64 KiB.
    auto rest = [](error_code ec, size_t) { return ec ? 0 : 2 * write_batch; };
    asio::async_write(socket(), std::move(buffers), rest,
                      [self = shared_from_this()](error_code ec, size_t) {
                        self->written(ec);
                      });
  }

  void written(error_code ec) {
    auto finished = std::exchange(in_flight_, {});
    // What was queued behind a failed write cannot follow it.
    if (ec)
      finished.insert(finished.end(), std::make_move_iterator(queue_.begin()),
                      std::make_move_iterator(queue_.end()));
    if (ec)
      queue_.clear();
    else if (!queue_.empty())
      write_batch_of_queue();
    else if (finishing_)
      shut_down();
    for (auto& one : finished)
      one.done(ec ? result<void>{failure(ec)} : result<void>{});
  }

  error failure(const error_code& ec) const {
    if (!socket().is_open())
      return closed();
    if (tells_resets_ && code_of(ec) == errc::connection_closed
        && ec != asio::error::eof)
      return make_error(errc::io_failed,
                        address_text(remote_) + " reset the connection");
    if (code_of(ec) == errc::connection_closed)
      return make_error(errc::connection_closed,
                        address_text(remote_) + " closed the connection");
    return error_of(ec, address_text(remote_));
  }

  error closed() const {
    return make_error(errc::cancelled,
                      address_text(remote_) + ": connection closed by us");
  }

  template <class Function>
  void post(Function f) {
    asio::post(socket().get_executor(), std::move(f));
  }

  std::shared_ptr<transport> link_;
  slice early_;
  bool tells_resets_;
  bool finishing_ = false;
  endpoint remote_;
  endpoint local_;
  read_blocks blocks_;
  std::deque<pending_write> queue_;
  std::deque<pending_write> in_flight_;
};

/// Closes the connection when the owner lets go of it.
class tcp_stream : public tunnel_stream {
public:
  /// `owned`: nobody else looks after the connection.
  tcp_stream(std::shared_ptr<connection> x, bool owned)
    : connection_(std::move(x)), owned_(owned) {}

  ~tcp_stream() override {
    if (owned_)
      connection_->close();
  }

  void stop_reading() override {
    connection_->stop_reading();
  }

  void finish() override {
    connection_->finish();
  }

  void reset() override {
    connection_->reset();
  }

  void read_some(handler<slice> done) override {
    connection_->read_some(std::move(done));
  }

  void write(std::vector<slice> bytes, handler<void> done) override {
    connection_->write(std::move(bytes), std::move(done));
  }

  endpoint remote() const override {
    return connection_->remote();
  }

  endpoint local() const override {
    return connection_->local();
  }

  void close() override {
    connection_->close();
  }

private:
  std::shared_ptr<connection> connection_;
  bool owned_;
};

} // namespace

std::shared_ptr<byte_stream> make_stream(tcp::socket socket) {
  auto link = make_plain_transport(std::move(socket));
  return std::make_shared<tcp_stream>(
      std::make_shared<connection>(std::move(link), slice{}, false), true);
}

std::shared_ptr<tunnel_stream>
make_tunnel_stream(std::shared_ptr<transport> link, slice early) {
  bool owned = link.use_count() == 1;
  return std::make_shared<tcp_stream>(
      std::make_shared<connection>(std::move(link), std::move(early), true),
      owned);
}

} // namespace peapod::net
