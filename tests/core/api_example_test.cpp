#define CAF_SUITE api_example

#include "core/error.hpp"

#include <fstream>
#include <sstream>

// The code between the two rulers is the example of docs/API.md, word for
// word; a test below holds them against each other.

// -- example ------------------------------------------------------------------

#include "core/identity.hpp"
#include "core/integrity.hpp"
#include "core/pea_core.hpp"
#include "core/wire_codec.hpp"

#include <map>
#include <random>
#include <string>

namespace api_example {

using namespace peapod;

/// A host without sockets: its internet is a string, its network a map.
class mock_host {
public:
  mock_host(std::string origin, random_source random)
    : self_(identity::generate(random)),
      core_(self_.device(), random),
      origin_(std::move(origin)) {}

  /// A session with `other` is established, on both sides.
  void connect(mock_host& other) {
    network_[other.self_.device()] = &other;
    core_.on_peer_joined(other.self_.device());
  }

  /// A client asks for bytes `first` to `last`.
  std::string get(const std::string& url, uint64_t first, uint64_t last) {
    client_.clear();
    auto action = core_.on_incoming_request(url, inclusive_range{first, last});
    if (auto* x = std::get_if<accelerate>(&action))
      perform(std::move(x->actions));
    else
      client_ = origin_.substr(first, last - first + 1);
    return client_;
  }

  size_t bytes_fetched() const {
    return bytes_fetched_;
  }

private:
  void perform(std::vector<core_action> actions) {
    for (auto& action : actions)
      std::visit([this](auto& x) { perform_one(x); }, action);
  }

  void perform_one(const send_message& x) {
    network_.at(x.to)->receive(self_.device(), encode_frame(x.message).value());
  }

  void perform_one(const fetch_range& x) {
    slice payload{
        std::string_view{origin_}.substr(x.range.begin, x.range.size())};
    bytes_fetched_ += payload.size();
    if (!x.for_peer)
      return perform(core_.on_chunk_received(x.transfer, x.range, payload));
    auto hash = sha256(payload.bytes());
    perform_one(send_message{
        *x.for_peer, chunk_data{x.transfer, x.range, hash, payload, {}}});
  }

  void perform_one(const body_complete& x) {
    for (const auto& piece : x.body)
      client_ += piece.text();
  }

  void perform_one(const transfer_failed& x) {
    client_ = "502 " + to_string(x.reason);
  }

  void receive(const device_id& from, byte_buffer bytes) {
    auto frame = decode_frame(slice{std::move(bytes)});
    if (frame && *frame)
      perform(core_.on_message_received(from, (*frame)->message));
  }

  identity self_;
  pea_core core_;
  std::string origin_;
  std::map<device_id, mock_host*> network_;
  std::string client_;
  size_t bytes_fetched_ = 0;
};

/// Alice downloads a file of 1 MiB; Bob fetches half of it.
bool download_together() {
  std::mt19937 engine{7};
  auto random = [&engine](std::span<uint8_t> out) {
    for (auto& x : out)
      x = static_cast<uint8_t>(engine());
  };
  std::string file(1_MiB, ' ');
  for (auto& x : file)
    x = static_cast<char>('a' + engine() % 26);
  mock_host alice{file, random};
  mock_host bob{file, random};
  alice.connect(bob);
  bob.connect(alice);
  auto body = alice.get("http://example.org/file", 0, file.size() - 1);
  return body == file && alice.bytes_fetched() == file.size() / 2
         && bob.bytes_fetched() == file.size() / 2;
}

} // namespace api_example

// -- end of example -----------------------------------------------------------

#include <caf/test/unit_test.hpp>

namespace {

std::string read(const std::string& path) {
  std::ifstream in{path};
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

} // namespace

CAF_TEST(two mock hosts download a file together) {
  CAF_CHECK(api_example::download_together());
}

CAF_TEST(the documentation shows this very example) {
  auto root = std::string{PEAPOD_TEST_DATA} + "/../..";
  auto source = read(root + "/tests/core/api_example_test.cpp");
  auto begin = source.find("#include \"core/identity.hpp\"");
  auto end = source.find("\n// -- end of example");
  CAF_REQUIRE(begin != std::string::npos && end != std::string::npos);
  auto example = source.substr(begin, end - begin);
  auto doc = read(root + "/docs/API.md");
  CAF_CHECK(doc.find("```cpp\n" + example + "```") != std::string::npos);
}
