#pragma once

#include "core/http_semantics.hpp"
#include "tests/actors/fake_loop.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// The internet in memory: an origin and the devices' lines to it.
namespace peapod::fakes {

using namespace std::chrono_literals;

// -- origin -------------------------------------------------------------------

/// The bytes of every resource: they follow from their offset.
inline slice content(byte_range range) {
  byte_buffer out(static_cast<size_t>(range.size()));
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<uint8_t>((range.begin + i) % 251);
  return slice{std::move(out)};
}

/// A server with one resource, the same for all who ask.
struct origin {
  uint64_t size = 0;
  std::string etag = "\"v1\"";
  unsigned status = 0; ///< answers every request with this one, if set
  std::vector<request_head> requests;
  /// May change an answer: the head and the range of content that follows.
  std::function<void(const request_head&, response_head&, byte_range&)> twist;

  std::pair<response_head, byte_range> respond(const request_head& ask) {
    requests.push_back(ask);
    response_head out;
    byte_range range{0, size};
    out.status = status ? status : 200;
    out.fields.add("ETag", etag);
    out.fields.add("Accept-Ranges", "bytes");
    if (auto text = ask.fields.find("Range"); text && !status) {
      range = resolve(*parse_range(*text), size).value_or(byte_range{});
      out.status = 206;
      out.fields.add("Content-Range", range_value(range).replace(5, 1, " ")
                                          + "/" + std::to_string(size));
    }
    if (status)
      range = {};
    if (twist)
      twist(ask, out, range);
    out.framing = body_framing::length;
    out.content_length = range.size();
    return {out, range};
  }
};

// -- http client --------------------------------------------------------------

class line;

/// One request to the origin over a line.
class exchange : public http_exchange {
public:
  exchange(std::shared_ptr<line> on, request_head ask, exchange_options options,
           std::function<void(response_head)> on_interim);
  ~exchange() override;

  void write_body(body_part part, handler<void> done) override;
  void read_head(handler<response_head> done) override;
  void read_body(size_t limit, handler<body_part> done) override;
  uint64_t received() const override;
  void cancel() override;

  /// Gives up to `bytes` of the body to whoever reads.
  void flow(uint64_t bytes);
  bool wants() const {
    return static_cast<bool>(on_body_);
  }
  /// The connection is reset while its body is read.
  void break_body();
  /// Lets the origin answer, if it waited for the request's body.
  void respond();

  request_head ask;
  exchange_options options;
  std::string sent; ///< the request's body
  bool cancelled = false;

private:
  std::shared_ptr<line> line_;
  std::function<void(response_head)> on_interim_;
  handler<response_head> on_head_;
  handler<body_part> on_body_;
  size_t limit_ = 0;
  byte_range rest_;
  uint64_t received_ = 0;
};

/// A device's internet connection to one origin.
class line : public http_client, public std::enable_shared_from_this<line> {
public:
  line(loop_ptr on, std::shared_ptr<origin> to)
    : work(std::move(on)), server(std::move(to)) {}

  std::shared_ptr<http_exchange>
  open(request_head head, exchange_options options,
       std::function<void(response_head)> on_interim) override {
    auto out = std::make_shared<exchange>(shared_from_this(), std::move(head),
                                          options, std::move(on_interim));
    exchanges.push_back(out.get());
    ++opened;
    return out;
  }

  /// Every body that is being read fails.
  void break_bodies() {
    for (auto* x : std::list<exchange*>{exchanges})
      x->break_body();
  }

  /// Carries as much as fits into `time`.
  void step(duration time) {
    if (rate == 0 || frozen)
      return;
    auto busy = std::count_if(exchanges.begin(), exchanges.end(),
                              [](auto* x) { return x->wants(); });
    auto share = rate * static_cast<uint64_t>(time / 1us) / 1'000'000
                 / static_cast<uint64_t>(std::max<ptrdiff_t>(busy, 1));
    for (auto* x : std::list<exchange*>{exchanges})
      x->flow(share);
  }

  loop_ptr work;
  std::shared_ptr<origin> server;
  uint64_t rate = 0; ///< bytes a second; 0: at once
  bool frozen = false;
  std::optional<error> fails; ///< instead of every answer
  bool sends_continue = true; ///< when a request expects it
  bool waits_for_body = false;
  uint64_t held = 0; ///< bytes that have come of each body, beyond what is read
  std::list<exchange*> exchanges;
  unsigned opened = 0;
};

inline exchange::exchange(std::shared_ptr<line> on, request_head head,
                          exchange_options opts,
                          std::function<void(response_head)> on_interim)
  : ask(std::move(head)),
    options(opts),
    line_(std::move(on)),
    on_interim_(std::move(on_interim)) {
  if (on_interim_ && ask.fields.find("Expect") && line_->sends_continue) {
    response_head interim;
    interim.status = 100;
    line_->work->post([f = on_interim_, interim] { f(interim); });
  }
}

inline exchange::~exchange() {
  cancel();
  line_->exchanges.remove(this);
}

inline void exchange::write_body(body_part part, handler<void> done) {
  sent += part.bytes.text();
  bool last = part.last;
  answer(*line_->work, done, result<void>{});
  if (last)
    respond();
}

inline void exchange::read_head(handler<response_head> done) {
  on_head_ = std::move(done);
  if (!line_->waits_for_body || ask.framing == body_framing::none)
    respond();
}

inline void exchange::respond() {
  if (line_->frozen || !on_head_)
    return;
  if (line_->fails) {
    answer(*line_->work, on_head_, result<response_head>{*line_->fails});
    return;
  }
  auto [head, range] = line_->server->respond(ask);
  rest_ = range;
  answer(*line_->work, on_head_, result<response_head>{head});
}

inline void exchange::read_body(size_t limit, handler<body_part> done) {
  limit_ = limit;
  on_body_ = std::move(done);
  if (line_->rate == 0 && !line_->frozen)
    flow(UINT64_MAX);
}

inline void exchange::flow(uint64_t bytes) {
  if (!on_body_)
    return;
  auto size = std::min({bytes, uint64_t{limit_}, rest_.size()});
  byte_range part{rest_.begin, rest_.begin + size};
  rest_.begin = part.end;
  received_ += size;
  answer(*line_->work, on_body_,
         result<body_part>{body_part{content(part), rest_.empty()}});
}

inline uint64_t exchange::received() const {
  return received_ + std::min(line_->held, rest_.size());
}

inline void exchange::break_body() {
  answer(*line_->work, on_body_,
         result<body_part>{make_error(errc::connection_closed, "reset")});
}

inline void exchange::cancel() {
  cancelled = true;
  auto why = make_error(errc::cancelled, "closed");
  answer(*line_->work, on_head_, result<response_head>{why});
  answer(*line_->work, on_body_, result<body_part>{why});
}

} // namespace peapod::fakes
