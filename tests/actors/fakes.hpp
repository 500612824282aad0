#pragma once

#include "actors/environment.hpp"
#include "actors/ports.hpp"
#include "core/http_semantics.hpp"

#include <algorithm>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// Ports made of memory, for a pod without sockets under a virtual clock.
namespace peapod::fakes {

using namespace std::chrono_literals;

/// Runs what a port has to call back: never from within the port's call.
class loop {
public:
  void post(std::function<void()> f) {
    queue_.push_back(std::move(f));
  }

  /// Runs what is there now; returns whether there was something.
  bool run() {
    auto now = std::exchange(queue_, {});
    for (auto& f : now)
      f();
    return !now.empty();
  }

private:
  std::deque<std::function<void()>> queue_;
};

using loop_ptr = std::shared_ptr<loop>;

/// Calls a handler later, once.
template <class T, class U>
void answer(loop& on, handler<T>& to, U outcome) {
  if (auto f = std::exchange(to, nullptr))
    on.post([f, outcome = std::move(outcome)] { f(outcome); });
}

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
  uint64_t received() const override {
    return received_;
  }
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

// -- clients of the proxy -----------------------------------------------------

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

  void write_body(body_part part, handler<void> done) override {
    on_written_ = std::move(done);
    body += part.bytes.text();
    complete = complete || part.last;
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
    origin->write_body(
        {slice{std::string_view{request_body_}}, true},
        [done](result<void> x) { x ? done(relay_totals{}) : done(x.error()); });
  }

  void tunnel(host_port target, std::function<void()> opened,
              handler<relay_totals> done) override {
    tunnel_target = target;
    if (tunnel_fails) {
      answer(*work, done, result<relay_totals>{*tunnel_fails});
    } else {
      opened();
      answer(*work, done, result<relay_totals>{relay_totals{10, 20}});
    }
  }

  bool keep_alive() const override {
    return keeps_alive;
  }
  endpoint remote() const override {
    return {"127.0.0.1", 50000};
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
  unsigned relayed_requests = 0;
  std::optional<host_port> tunnel_target;
  std::optional<error> tunnel_fails;

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
  bool gone_ = false;
};

// -- peers --------------------------------------------------------------------

/// One end of a connection in memory.
class wire : public byte_stream {
public:
  wire(loop_ptr on, endpoint local, endpoint remote)
    : work(std::move(on)),
      local_(std::move(local)),
      remote_(std::move(remote)) {}
  ~wire() override {
    close();
  }

  static std::pair<std::shared_ptr<wire>, std::shared_ptr<wire>>
  make(const loop_ptr& on, const endpoint& x, const endpoint& y) {
    auto first = std::make_shared<wire>(on, x, y);
    auto second = std::make_shared<wire>(on, y, x);
    first->other = second;
    second->other = first;
    return {first, second};
  }

  void read_some(handler<slice> done) override {
    on_read_ = std::move(done);
    deliver();
  }

  void write(std::vector<slice> bytes, handler<void> done) override {
    auto to = other.lock();
    if (closed_ || !to) {
      answer(*work, done,
             result<void>{make_error(errc::connection_closed, "closed")});
      return;
    }
    for (auto& x : bytes)
      if (!x.empty() && !cut)
        to->inbox_.push_back(tamper ? tamper(x) : x);
    answer(*work, done, result<void>{});
    to->deliver();
  }

  endpoint remote() const override {
    return remote_;
  }
  endpoint local() const override {
    return local_;
  }

  void close() override {
    if (std::exchange(closed_, true))
      return;
    deliver();
    if (auto to = other.lock())
      to->deliver();
  }

  bool is_closed() const {
    return closed_;
  }

  loop_ptr work;
  std::weak_ptr<wire> other;
  std::function<slice(slice)> tamper; ///< changes what is written here
  bool cut = false;                   ///< what is written here gets lost

private:
  void deliver() {
    auto from = other.lock();
    if (closed_)
      answer(*work, on_read_,
             result<slice>{make_error(errc::cancelled, "closed")});
    else if (!inbox_.empty() && on_read_) {
      auto next = std::move(inbox_.front());
      inbox_.pop_front();
      answer(*work, on_read_, result<slice>{std::move(next)});
    } else if (!from || from->closed_)
      answer(*work, on_read_,
             result<slice>{make_error(errc::connection_closed, "ended")});
  }

  endpoint local_;
  endpoint remote_;
  std::deque<slice> inbox_;
  handler<slice> on_read_;
  bool closed_ = false;
};

/// A listening port.
template <class Stream>
class listener : public acceptor_port<Stream> {
public:
  listener(loop_ptr on, endpoint at)
    : work(std::move(on)), at_(std::move(at)) {}

  void arrive(std::shared_ptr<Stream> x) {
    waiting_.push_back(std::move(x));
    next();
  }

  void accept(handler<std::shared_ptr<Stream>> done) override {
    on_accept_ = std::move(done);
    next();
  }
  endpoint local() const override {
    return at_;
  }
  void close() override {
    answer(
        *work, on_accept_,
        result<std::shared_ptr<Stream>>{make_error(errc::cancelled, "closed")});
  }

  loop_ptr work;

private:
  void next() {
    if (waiting_.empty() || !on_accept_)
      return;
    auto x = std::move(waiting_.front());
    waiting_.pop_front();
    answer(*work, on_accept_, result<std::shared_ptr<Stream>>{std::move(x)});
  }

  endpoint at_;
  std::deque<std::shared_ptr<Stream>> waiting_;
  handler<std::shared_ptr<Stream>> on_accept_;
};

class radio;

/// The local network: who listens where, and who hears the group.
struct network {
  loop_ptr work = std::make_shared<loop>();
  std::map<endpoint, std::shared_ptr<listener<byte_stream>>> listeners;
  std::vector<radio*> radios;
  std::vector<std::shared_ptr<wire>> wires; ///< the diallers' ends
};

/// Dials within a network.
class dialer : public stream_dialer {
public:
  dialer(network& in, std::string from) : in_(in), from_(std::move(from)) {}

  void dial(endpoint to, duration,
            handler<std::shared_ptr<byte_stream>> done) override {
    auto i = in_.listeners.find(to);
    if (i == in_.listeners.end()) {
      answer(*in_.work, done,
             result<std::shared_ptr<byte_stream>>{
                 make_error(errc::connection_refused, "nobody there")});
      return;
    }
    auto [ours, theirs] = wire::make(in_.work, {from_, 40000}, to);
    in_.wires.push_back(ours);
    i->second->arrive(theirs);
    answer(*in_.work, done, result<std::shared_ptr<byte_stream>>{ours});
  }

private:
  network& in_;
  std::string from_;
};

/// A device's place in the discovery group.
class radio : public discovery_port {
public:
  radio(network& in, std::string address)
    : in_(in), address_(std::move(address)) {
    in_.radios.push_back(this);
  }
  ~radio() override {
    std::erase(in_.radios, this);
  }

  void receive(handler<datagram> done) override {
    on_datagram_ = std::move(done);
    next();
  }

  result<size_t> announce(const slice& bytes) override {
    ++announced;
    if (deaf)
      return make_error(errc::io_failed, "no network");
    for (auto* x : in_.radios)
      x->hear({{address_, 45678}, bytes});
    return size_t{1};
  }

  void reply(const endpoint& to, const slice& bytes) override {
    replies.push_back(to);
    for (auto* x : in_.radios)
      if (x->address_ == to.address)
        x->hear({{address_, 45678}, bytes});
  }

  void close() override {
    answer(*in_.work, on_datagram_,
           result<datagram>{make_error(errc::cancelled, "closed")});
  }

  /// A datagram reaches this device.
  void hear(datagram x) {
    heard_.push_back(std::move(x));
    next();
  }

  unsigned announced = 0;
  bool deaf = false;
  std::vector<endpoint> replies;

private:
  void next() {
    if (heard_.empty() || !on_datagram_)
      return;
    auto x = std::move(heard_.front());
    heard_.pop_front();
    answer(*in_.work, on_datagram_, result<datagram>{std::move(x)});
  }

  network& in_;
  std::string address_;
  std::deque<datagram> heard_;
  handler<datagram> on_datagram_;
};

} // namespace peapod::fakes
