#include "hosts/common/cli.hpp"
#include "hosts/common/identity_file.hpp"
#include "tests/hosts/fake_desktop.hpp"
#include "tests/hosts/settings_fixture.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>

#include <filesystem>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#define CAF_SUITE proxy_commands
#include <caf/test/dsl.hpp>

using namespace peapod;

namespace {

namespace asio = boost::asio;

/// Gives whoever asks the same answer, as a daemon's proxy gives its script.
template <class Protocol>
class answering {
public:
  answering(const typename Protocol::endpoint& at, std::string body)
    : acceptor_(io_, at), body_(std::move(body)) {
    accept();
    thread_ = std::thread{[this] { io_.run(); }};
  }
  ~answering() {
    io_.stop();
    thread_.join();
  }
  auto local() const {
    return acceptor_.local_endpoint();
  }

private:
  void accept() {
    acceptor_.async_accept([this](auto ec, typename Protocol::socket peer) {
      if (ec)
        return;
      asio::streambuf asked;
      boost::system::error_code ignored;
      asio::read_until(peer, asked, "\r\n\r\n", ignored);
      auto head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: "
                  + std::to_string(body_.size()) + "\r\n\r\n";
      asio::write(peer, asio::buffer(head + body_), ignored);
      accept();
    });
  }

  asio::io_context io_;
  typename Protocol::acceptor acceptor_;
  std::string body_;
  std::thread thread_;
};

struct proxy_commands_fixture {
  /// `peapod proxy on` with more options; what it says on standard error.
  std::string on(std::vector<std::string> more = {}) {
    more.insert(more.begin(),
                {"peapod", "--proxy.listen=127.0.0.1:" + port(),
                 "--pod.state-dir=" + (folder / "state").string()});
    more.insert(more.end(), {"proxy", "on"});
    std::vector<const char*> words;
    for (auto& word : more)
      words.push_back(word.c_str());
    cli_hooks hooks;
    hooks.find_desktops = [this](const process_environment&) {
      session_desktops out;
      out.all.push_back(std::make_unique<fake_desktop>(held));
      return out;
    };
    std::ostringstream out;
    std::ostringstream err;
    auto code = run_cli(static_cast<int>(words.size()), words.data(), hooks,
                        plain_environment(), out, err);
    CAF_CHECK_EQUAL(code, 0);
    CAF_CHECK_EQUAL(held.mode, "auto");
    return err.str();
  }

  std::string on_and_ask() {
    return on({"--console.socket=" + socket.string()});
  }

  /// What stands behind the control socket.
  auto daemon(const std::string& id, const std::string& proxy_port) {
    std::filesystem::remove(socket);
    return answering<asio::local::stream_protocol>{
        socket.string(), R"({"device":{"id":")" + id
                             + R"("},"proxy":{"listen":"127.0.0.1:)"
                             + proxy_port + R"("}})"};
  }

  std::string port() const {
    return std::to_string(proxy.local().port());
  }

  scratch_folder folder;
  std::filesystem::path socket = folder / "sock";
  answering<asio::ip::tcp> proxy{{asio::ip::address_v4::loopback(), 0},
                                 "// PeaPod"};
  proxy_setting held{"none", ""};
};

const std::string other_id(32, '0');
constexpr auto not_kept = "will not put it back";

} // namespace

CAF_TEST_FIXTURE_SCOPE(proxy_commands_tests, proxy_commands_fixture)

CAF_TEST(a proxy that the daemon does not know is told when it gives way) {
  held = {"manual", ""};
  CAF_CHECK(contains(on(), "[wan] upstream"));
  CAF_CHECK(!contains(on({"--wan.upstream=http://corp.example:8080"}),
                      "[wan] upstream"));
}

CAF_TEST(nothing is told when no proxy gives way) {
  CAF_CHECK(!contains(on(), "[wan] upstream"));
}

CAF_TEST(a daemon with another state folder is told to put nothing back) {
  CAF_CHECK(contains(on_and_ask(), not_kept)); // no daemon has used the folder
  auto self = load_identity(folder / "state");
  CAF_REQUIRE(self);
  {
    auto own = daemon(to_string(self->device()), port());
    CAF_CHECK_EQUAL(on_and_ask(), "");
  }
  {
    auto other = daemon(other_id, port());
    CAF_CHECK(contains(on_and_ask(), not_kept));
  }
  auto elsewhere = daemon(to_string(self->device()), "1");
  CAF_CHECK(contains(on_and_ask(), not_kept));
}

CAF_TEST(a daemon that could not be asked is not said to put nothing back) {
  CAF_REQUIRE(load_identity(folder / "state"));
  auto check = [](const std::string& told) {
    CAF_CHECK(contains(told, "could not be found out"));
    CAF_CHECK(contains(told, "peapod proxy off"));
    CAF_CHECK(!contains(told, not_kept));
  };
  check(on_and_ask());
  {
    auto another = daemon(other_id, "1");
    check(on_and_ask());
  }
  auto refusing = daemon("", "");
  auto told = on_and_ask();
  check(told);
  CAF_CHECK(contains(told, "does not say who it is"));
}

CAF_TEST_FIXTURE_SCOPE_END()
