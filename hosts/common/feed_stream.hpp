#pragma once

#include "actors/feed.hpp"
#include "actors/observation.hpp"
#include "hosts/net/control_server.hpp"

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>

/// Feeds as server-sent events (HTML Living Standard, 9.2).
namespace peapod {

/// One event of such a stream; `id` and `data` hold no line breaks.
std::string sse_event(std::string_view kind, std::string_view data,
                      std::string_view id = {});

/// The event that tells how many were lost.
std::string sse_dropped(uint64_t count);

/// Counts what slow clients have missed.
using loss_counter = std::shared_ptr<std::atomic<uint64_t>>;

/// Sends a feed: each item as `render` says, `dropped` where items were lost,
/// and at last `farewell`.
template <class T>
class feed_stream : public net::control_stream {
public:
  feed_stream(feed_ptr<T> source, std::string (*render)(const T&),
              std::string farewell, loss_counter lost)
    : source_(std::move(source)),
      render_(render),
      farewell_(std::move(farewell)),
      lost_(std::move(lost)) {}

  piece pull(std::function<void()> ready) override {
    if (waiting_.empty() && dropped_ == 0 && !ended_)
      refill(std::move(ready));
    piece out;
    for (; !waiting_.empty() && out.text.size() < enough; waiting_.pop_front())
      out.text += render_(waiting_.front());
    if (!waiting_.empty())
      return out;
    // Behind the items: a full feed drops what comes, not what is there.
    if (dropped_ > 0)
      out.text += sse_dropped(std::exchange(dropped_, 0));
    if (ended_)
      out.text += farewell_;
    out.last = ended_;
    return out;
  }

  std::string heartbeat() const override {
    return ":\n\n";
  }

private:
  /// Bytes made at a time: the thread of the sockets has more to do.
  static constexpr size_t enough = 16 << 10;

  void refill(std::function<void()> ready) {
    auto batch = source_->take(std::move(ready));
    waiting_.assign(std::make_move_iterator(batch.items.begin()),
                    std::make_move_iterator(batch.items.end()));
    dropped_ = batch.dropped;
    *lost_ += batch.dropped;
    ended_ = batch.ended;
  }

  feed_ptr<T> source_;
  std::string (*render_)(const T&);
  std::string farewell_;
  loss_counter lost_;
  std::deque<T> waiting_;
  uint64_t dropped_ = 0;
  bool ended_ = false;
};

/// What happens, as `GET /v1/events` gives it.
std::unique_ptr<net::control_stream> events_of(feed_ptr<pod_event> source,
                                               loss_counter lost);

/// The messages of one actor, as `GET /v1/trace` gives them.
std::unique_ptr<net::control_stream>
messages_of(actor_number actor, feed_ptr<message_record> source,
            loss_counter lost);

} // namespace peapod
