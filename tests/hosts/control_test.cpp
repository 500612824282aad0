#include "hosts/common/control_client.hpp"
#include "tests/hosts/control_fixture.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <thread>

#define CAF_SUITE control_socket
#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace std::chrono_literals;

namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using asio::local::stream_protocol;
using net::control_reply;
using net::control_request;
using net::control_response;
using net::control_server;

using control_socket_fixture = net::test::control_fixture;
using net::test::contains;

} // namespace

CAF_TEST_FIXTURE_SCOPE(control_tests, control_socket_fixture)

CAF_TEST(a request gets its answer) {
  start(echo);
  auto got = ask_daemon(path, {"POST", "/v1/x?y=1", "hello"});
  CAF_REQUIRE(got);
  CAF_CHECK_EQUAL(got->status, 200u);
  CAF_CHECK_EQUAL(got->content_type, "text/plain");
  CAF_CHECK_EQUAL(got->body, "POST /v1/x?y=1 hello");
}

CAF_TEST(an answer may come later and from another thread) {
  std::thread other;
  start([&](control_request, control_reply reply) {
    other = std::thread{[reply] {
      reply({404, "application/json", "{}"});
      reply({200, "application/json", "second"});
    }};
  });
  auto got = ask_daemon(path, {"GET", "/", ""});
  other.join();
  CAF_REQUIRE(got);
  CAF_CHECK_EQUAL(got->status, 404u);
  CAF_CHECK_EQUAL(got->body, "{}");
}

CAF_TEST(an answer that is never given closes the connection) {
  start([](control_request, control_reply) {});
  auto got = ask_daemon(path, {"GET", "/", ""});
  CAF_REQUIRE(!got);
  CAF_CHECK(got.error().code == errc::connection_closed);
}

CAF_TEST(a daemon that does not answer in time is told) {
  std::vector<control_reply> kept;
  start([&](control_request, control_reply reply) {
    kept.push_back(std::move(reply));
  });
  auto got = ask_daemon(path, {"GET", "/", ""}, 50ms);
  stop();
  CAF_REQUIRE(!got);
  CAF_CHECK(got.error().code == errc::timed_out);
}

CAF_TEST(one connection carries several requests) {
  start(echo);
  auto got = raw("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"
                 "GET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CAF_CHECK(contains(got, "GET /1"));
  CAF_CHECK(contains(got, "GET /2"));
}

CAF_TEST(what is too large or not HTTP is refused) {
  start(echo);
  auto large = std::string(20000, 'x');
  CAF_CHECK(contains(raw("GET / HTTP/1.1\r\nA: " + large + "\r\n\r\n"), "431"));
  CAF_CHECK(
      contains(raw("POST / HTTP/1.1\r\nContent-Length: 70000\r\n\r\n"), "413"));
  CAF_CHECK(contains(raw("nonsense\r\n\r\n"), "400"));
  CAF_CHECK(ask_daemon(path, {"GET", "/", ""}));
}

CAF_TEST(only the owner may use the socket) {
  start(echo);
  struct stat info {};
  CAF_REQUIRE_EQUAL(::stat(path.c_str(), &info), 0);
  CAF_CHECK_EQUAL(info.st_mode & 0777, 0600u);
  CAF_REQUIRE_EQUAL(::stat(path.parent_path().c_str(), &info), 0);
  CAF_CHECK_EQUAL(info.st_mode & 0777, 0700u);
}

CAF_TEST(a second daemon is told that the socket is taken) {
  start(echo);
  asio::io_context other;
  auto second = control_server::open(other.get_executor(), path, echo);
  CAF_REQUIRE(!second);
  CAF_CHECK(second.error().code == errc::address_in_use);
  CAF_CHECK(contains(second.error().detail, "set [console] socket"));
  CAF_CHECK(ask_daemon(path, {"GET", "/", ""}));
}

CAF_TEST(the socket of a dead daemon is replaced) {
  fs::create_directories(path.parent_path());
  {
    asio::io_context dead;
    stream_protocol::acceptor left{dead,
                                   stream_protocol::endpoint{path.string()}};
  }
  CAF_REQUIRE(fs::exists(path));
  auto got = ask_daemon(path, {"GET", "/", ""});
  CAF_REQUIRE(!got);
  CAF_CHECK(got.error().code == errc::connection_refused);
  start(echo);
  CAF_CHECK(ask_daemon(path, {"GET", "/", ""}));
}

CAF_TEST(a file that is not a socket is left alone) {
  fs::create_directories(path.parent_path());
  std::ofstream{path} << "precious";
  auto opened = control_server::open(io.get_executor(), path, echo);
  CAF_REQUIRE(!opened);
  CAF_CHECK(opened.error().code == errc::bad_config);
  CAF_CHECK_EQUAL(fs::file_size(path), 8u);
}

CAF_TEST(a path that is too long is refused) {
  auto opened = control_server::open(io.get_executor(),
                                     folder / std::string(120, 'x'), echo);
  CAF_REQUIRE(!opened);
  CAF_CHECK(opened.error().code == errc::bad_config);
}

CAF_TEST(the socket goes away with the server) {
  start(echo);
  CAF_CHECK(fs::exists(path));
  stop();
  CAF_CHECK(!fs::exists(path));
}

CAF_TEST(connections beyond the limit are closed) {
  start(echo);
  asio::io_context own;
  std::vector<stream_protocol::socket> idle;
  for (int i = 0; i < 32; ++i) {
    idle.emplace_back(own);
    idle.back().connect(stream_protocol::endpoint{path.string()});
  }
  CAF_CHECK(!ask_daemon(path, {"GET", "/", ""}));
  idle.clear();
  // The server notices closed connections one by one.
  auto deadline = std::chrono::steady_clock::now() + 5s;
  auto got = ask_daemon(path, {"GET", "/", ""});
  while (!got && std::chrono::steady_clock::now() < deadline)
    got = ask_daemon(path, {"GET", "/", ""});
  CAF_CHECK(got);
}

CAF_TEST_FIXTURE_SCOPE_END()
