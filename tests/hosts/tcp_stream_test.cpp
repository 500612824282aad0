#include "hosts/net/tcp_stream.hpp"

#include "hosts/net/tcp_connection.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <deque>

#define CAF_SUITE tcp_stream
#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace std::chrono_literals;

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using stream_result = result<std::shared_ptr<byte_stream>>;

/// What a handler was called with, and how often.
template <class T>
struct outcome {
  std::optional<result<T>> value;
  int calls = 0;

  handler<T> take() {
    return [this](result<T> x) {
      value = std::move(x);
      ++calls;
    };
  }
  errc code() const {
    return value && !*value ? value->error().code : errc{-1};
  }
};

struct tcp_stream_fixture {
  asio::io_context io;
  std::unique_ptr<stream_acceptor> acceptor;
  std::unique_ptr<stream_dialer> dialer = net::make_dialer(io.get_executor());

  tcp_stream_fixture() {
    auto opened = net::listen_stream(io.get_executor(), {"127.0.0.1", 0});
    CAF_REQUIRE(opened);
    acceptor = std::move(*opened);
  }

  /// Runs handlers until `done` holds, or fails.
  template <class Predicate>
  void run_until(Predicate done) {
    auto deadline = std::chrono::steady_clock::now() + 10s;
    io.restart();
    while (!done() && std::chrono::steady_clock::now() < deadline) {
      if (io.run_one_for(100ms) == 0)
        io.restart();
    }
    CAF_REQUIRE(done());
  }

  /// A connected pair: the dialled and the accepted end.
  std::pair<std::shared_ptr<byte_stream>, std::shared_ptr<byte_stream>>
  connect() {
    outcome<std::shared_ptr<byte_stream>> dialled;
    outcome<std::shared_ptr<byte_stream>> accepted;
    acceptor->accept(accepted.take());
    dialer->dial(acceptor->local(), 5s, dialled.take());
    CAF_CHECK_EQUAL(dialled.calls + accepted.calls, 0);
    run_until([&] { return dialled.calls + accepted.calls == 2; });
    CAF_REQUIRE(*dialled.value && *accepted.value);
    return {**dialled.value, **accepted.value};
  }

  /// Reads until `size` bytes are there.
  std::string read(byte_stream& from, size_t size) {
    std::string out;
    while (out.size() < size) {
      outcome<slice> got;
      from.read_some(got.take());
      run_until([&] { return got.calls == 1; });
      CAF_REQUIRE(*got.value);
      CAF_REQUIRE(!(*got.value)->empty());
      out += (*got.value)->text();
    }
    return out;
  }
};

std::string pattern(size_t size) {
  std::string out(size, '\0');
  for (size_t i = 0; i < size; ++i)
    out[i] = static_cast<char>(i * 31 + i / 251);
  return out;
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(tcp_stream_tests, tcp_stream_fixture)

CAF_TEST(both ends of a connection know each other) {
  auto [a, b] = connect();
  CAF_CHECK(a->remote() == acceptor->local());
  CAF_CHECK(a->local() == b->remote());
}

CAF_TEST(every address of IPv6 takes connections of IPv4 and calls them so) {
  auto opened = net::listen_stream(io.get_executor(), {"::", 0});
  CAF_REQUIRE(opened);
  acceptor = std::move(*opened);
  auto port = acceptor->local().port;
  outcome<std::shared_ptr<byte_stream>> dialled;
  outcome<std::shared_ptr<byte_stream>> accepted;
  acceptor->accept(accepted.take());
  dialer->dial({"127.0.0.1", port}, 5s, dialled.take());
  run_until([&] { return dialled.calls + accepted.calls == 2; });
  CAF_REQUIRE(*dialled.value && *accepted.value);
  CAF_CHECK((**accepted.value)->local() == (endpoint{"127.0.0.1", port}));
  CAF_CHECK((**accepted.value)->remote() == (**dialled.value)->local());
}

CAF_TEST(a port that a connection has for its own end is not listened at) {
  auto at = acceptor->local();
  CAF_CHECK(net::is_listened_at(at));
  CAF_CHECK(net::is_listened_at({"0.0.0.0", at.port}));
  CAF_CHECK(net::is_listened_at({"::", at.port}));
  tcp::socket other{io};
  other.connect({asio::ip::address_v4::loopback(), at.port});
  endpoint own{"127.0.0.1", other.local_endpoint().port()};
  auto refused = net::listen_stream(io.get_executor(), own);
  CAF_REQUIRE(!refused);
  CAF_CHECK(refused.error().code == errc::address_in_use);
  for (auto every : {"127.0.0.1", "0.0.0.0", "::"})
    CAF_CHECK(!net::is_listened_at({every, own.port}));
}

CAF_TEST(connections from addresses that are not taken are closed) {
  std::vector<std::string> asked;
  auto opened = net::listen_stream(io.get_executor(), {"127.0.0.1", 0},
                                   [&](const std::string& address) {
                                     asked.push_back(address);
                                     return asked.size() > 1;
                                   });
  CAF_REQUIRE(opened);
  acceptor = std::move(*opened);
  outcome<std::shared_ptr<byte_stream>> refused;
  outcome<std::shared_ptr<byte_stream>> accepted;
  acceptor->accept(accepted.take());
  dialer->dial(acceptor->local(), 5s, refused.take());
  run_until([&] { return refused.calls == 1 && asked.size() == 1; });
  CAF_REQUIRE(*refused.value);
  outcome<slice> end;
  (**refused.value)->read_some(end.take());
  run_until([&] { return end.calls == 1; });
  CAF_CHECK(end.code() == errc::connection_closed);
  CAF_CHECK_EQUAL(accepted.calls, 0);
  auto [a, b] = [&] {
    outcome<std::shared_ptr<byte_stream>> dialled;
    dialer->dial(acceptor->local(), 5s, dialled.take());
    run_until([&] { return dialled.calls + accepted.calls == 2; });
    return std::pair{**dialled.value, **accepted.value};
  }();
  CAF_CHECK(b->remote() == a->local());
  CAF_CHECK_EQUAL(asked.back(), "127.0.0.1");
}

CAF_TEST(slices of several writes arrive in order) {
  auto [a, b] = connect();
  outcome<void> first;
  outcome<void> second;
  a->write({slice{"he"}, slice{}, slice{"llo "}}, first.take());
  a->write({slice{"world"}}, second.take());
  CAF_CHECK_EQUAL(first.calls + second.calls, 0);
  CAF_CHECK_EQUAL(read(*b, 11), "hello world");
  run_until([&] { return second.calls == 1; });
  CAF_CHECK_EQUAL(first.calls, 1);
  CAF_CHECK(*first.value && *second.value);
}

CAF_TEST(more than the buffers of the kernel hold passes unchanged) {
  auto [a, b] = connect();
  auto sent = pattern(5'000'000);
  std::vector<outcome<void>> writes(50);
  for (size_t i = 0; i < writes.size(); ++i)
    a->write({slice{std::string_view{sent}.substr(i * 100'000, 100'000)}},
             writes[i].take());
  CAF_CHECK(read(*b, sent.size()) == sent);
  run_until([&] { return writes.back().calls == 1; });
  for (auto& write : writes)
    CAF_CHECK(write.calls == 1 && *write.value);
}

CAF_TEST(slices stay what they were while reading goes on) {
  auto [a, b] = connect();
  std::vector<slice> kept;
  for (auto text : {"one", "two", "three"}) {
    outcome<void> written;
    outcome<slice> got;
    a->write({slice{std::string_view{text}}}, written.take());
    b->read_some(got.take());
    run_until([&] { return got.calls == 1 && written.calls == 1; });
    kept.push_back(**got.value);
  }
  CAF_CHECK_EQUAL(kept[0].text(), "one");
  CAF_CHECK_EQUAL(kept[1].text(), "two");
  CAF_CHECK_EQUAL(kept[2].text(), "three");
}

CAF_TEST(the end of a stream is an error of the other side) {
  auto [a, b] = connect();
  a.reset();
  outcome<slice> got;
  b->read_some(got.take());
  run_until([&] { return got.calls == 1; });
  CAF_CHECK(got.code() == errc::connection_closed);
}

CAF_TEST(closing cancels every operation exactly once) {
  auto [a, b] = connect();
  auto big = slice{pattern(20'000'000)};
  outcome<slice> read;
  std::array<outcome<void>, 3> writes;
  a->read_some(read.take());
  for (auto& write : writes)
    a->write({big}, write.take());
  a->close();
  CAF_CHECK_EQUAL(read.calls + writes[0].calls, 0);
  run_until([&] { return read.calls == 1 && writes[2].calls == 1; });
  io.poll();
  CAF_CHECK(read.code() == errc::cancelled);
  for (auto& write : writes)
    CAF_CHECK(write.calls == 1 && write.code() == errc::cancelled);
  outcome<slice> late;
  outcome<void> late_write;
  a->read_some(late.take());
  a->write({big}, late_write.take());
  CAF_CHECK_EQUAL(late.calls + late_write.calls, 0);
  run_until([&] { return late.calls == 1 && late_write.calls == 1; });
  CAF_CHECK(late.code() == errc::cancelled);
  CAF_CHECK(late_write.code() == errc::cancelled);
}

CAF_TEST(letting go of a stream closes it) {
  auto [a, b] = connect();
  outcome<slice> read;
  a->read_some(read.take());
  a.reset();
  run_until([&] { return read.calls == 1; });
  CAF_CHECK(read.code() == errc::cancelled);
}

CAF_TEST(nobody at an address is connection refused) {
  auto free = acceptor->local();
  acceptor->close();
  outcome<std::shared_ptr<byte_stream>> dialled;
  dialer->dial(free, 5s, dialled.take());
  run_until([&] { return dialled.calls == 1; });
  CAF_CHECK(dialled.code() == errc::connection_refused);
  CAF_CHECK(dialled.value->error().detail.find(std::to_string(free.port))
            != std::string::npos);
}

CAF_TEST(a dial that is not answered ends at its deadline) {
  // A listener with a full backlog drops further connections.
  tcp::acceptor full{io};
  full.open(tcp::v4());
  full.bind({asio::ip::make_address("127.0.0.1"), 0});
  full.listen(0);
  endpoint at{"127.0.0.1", full.local_endpoint().port()};
  std::deque<outcome<std::shared_ptr<byte_stream>>> dials(4);
  for (auto& one : dials)
    dialer->dial(at, 200ms, one.take());
  run_until([&] {
    return std::all_of(dials.begin(), dials.end(),
                       [](auto& one) { return one.calls == 1; });
  });
  CAF_CHECK(dials.back().code() == errc::timed_out);
}

CAF_TEST(destroying the dialer cancels its dials) {
  outcome<std::shared_ptr<byte_stream>> dialled;
  dialer->dial(acceptor->local(), 5s, dialled.take());
  dialer.reset();
  CAF_CHECK_EQUAL(dialled.calls, 0);
  run_until([&] { return dialled.calls == 1; });
  CAF_CHECK(dialled.code() == errc::cancelled);
}

CAF_TEST(an address that is a name is refused) {
  outcome<std::shared_ptr<byte_stream>> dialled;
  dialer->dial({"localhost", 1}, 5s, dialled.take());
  CAF_CHECK_EQUAL(dialled.calls, 0);
  run_until([&] { return dialled.calls == 1; });
  CAF_CHECK(dialled.code() == errc::bad_config);
}

CAF_TEST(closing the acceptor cancels accepting) {
  outcome<std::shared_ptr<byte_stream>> accepted;
  acceptor->accept(accepted.take());
  acceptor->close();
  CAF_CHECK_EQUAL(accepted.calls, 0);
  run_until([&] { return accepted.calls == 1; });
  CAF_CHECK(accepted.code() == errc::cancelled);
  outcome<std::shared_ptr<byte_stream>> late;
  acceptor->accept(late.take());
  run_until([&] { return late.calls == 1; });
  CAF_CHECK(late.code() == errc::cancelled);
}

CAF_TEST(a taken port says what to do about it) {
  auto again = net::listen_stream(io.get_executor(), acceptor->local());
  CAF_REQUIRE(!again);
  CAF_CHECK(again.error().code == errc::address_in_use);
  CAF_CHECK(again.error().detail.find("set [transport] listen")
            != std::string::npos);
}

CAF_TEST_FIXTURE_SCOPE_END()
