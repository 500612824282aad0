#pragma once

#include "hosts/net/control_server.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <poll.h>
#include <sys/stat.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

namespace peapod::net::test {

/// A control server that runs on a thread of its own, as in the daemon: the
/// clients of the tests block.
struct control_fixture {
  using stream_protocol = boost::asio::local::stream_protocol;

  boost::asio::io_context io;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type>
      guard = boost::asio::make_work_guard(io);
  std::filesystem::path folder;
  std::filesystem::path path;
  std::unique_ptr<control_server> server;
  std::thread thread;

  control_fixture() {
    auto name =
        (std::filesystem::temp_directory_path() / "peapod-XXXXXX").string();
    folder = ::mkdtemp(name.data());
    path = folder / "run/control.sock";
  }

  ~control_fixture() {
    stop();
    std::filesystem::remove_all(folder);
  }

  void start(control_handler handler, control_limits limits = {},
             std::optional<group_number> group = std::nullopt) {
    auto opened = control_server::open(io.get_executor(), path,
                                       std::move(handler), limits, group);
    if (!opened)
      throw std::runtime_error(to_string(opened.error()));
    server = std::move(*opened);
    thread = std::thread{[this] { io.run(); }};
  }

  /// Stops the thread, then the server, as a daemon does.
  void stop() {
    guard.reset();
    io.stop();
    if (thread.joinable())
      thread.join();
    server.reset();
  }

  static void echo(control_request x, control_reply reply) {
    reply({200, "text/plain", x.method + " " + x.target + " " + x.body});
  }

  /// Sends raw bytes and reads until the server closes the connection.
  std::string raw(std::string_view request) {
    boost::asio::io_context own;
    stream_protocol::socket socket{own};
    socket.connect(stream_protocol::endpoint{path.string()});
    boost::asio::write(socket, boost::asio::buffer(request));
    std::string out;
    boost::system::error_code ec;
    boost::asio::read(socket, boost::asio::dynamic_buffer(out), ec);
    return out;
  }
};

/// A client that reads a stream as far as a test wants it to, for ten seconds
/// at most.
class slow_reader {
public:
  using stream_protocol = boost::asio::local::stream_protocol;

  slow_reader(const std::filesystem::path& path, std::string_view request) {
    socket_.connect(stream_protocol::endpoint{path.string()});
    boost::asio::write(socket_, boost::asio::buffer(request));
  }

  static std::string get(std::string_view target) {
    return "GET " + std::string{target} + " HTTP/1.1\r\nHost: x\r\n\r\n";
  }

  /// Reads until `mark` has come; whether it has. What is read is in `text`.
  bool read_until(std::string_view mark) {
    boost::system::error_code ec;
    while (text.find(mark) == std::string::npos && !ec)
      read_some(ec);
    return text.find(mark) != std::string::npos;
  }

  /// Reads to the end; whether there was one.
  bool read_to_end() {
    boost::system::error_code ec;
    while (!ec)
      read_some(ec);
    return ec == boost::asio::error::eof
           || ec == boost::asio::error::connection_reset;
  }

  std::string text;

private:
  void read_some(boost::system::error_code& ec) {
    constexpr int patience = 10'000; // milliseconds
    pollfd ready{socket_.native_handle(), POLLIN, 0};
    if (::poll(&ready, 1, patience) != 1) {
      ec = boost::asio::error::timed_out;
      return;
    }
    char part[4096];
    text.append(part, socket_.read_some(boost::asio::buffer(part), ec));
  }

  boost::asio::io_context io_;
  stream_protocol::socket socket_{io_};
};

inline bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

} // namespace peapod::net::test
