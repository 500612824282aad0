#include "hosts/net/http_ports.hpp"
#include "tests/hosts/scripted_origin.hpp"

#include <boost/asio/ssl.hpp>

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define CAF_SUITE http_tls
#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace peapod::net;
using namespace peapod::net::test;

namespace {

namespace ssl = boost::asio::ssl;

std::string text_of(BIO* bio) {
  char* data = nullptr;
  auto size = BIO_get_mem_data(bio, &data);
  std::string out{data, static_cast<size_t>(size)};
  BIO_free(bio);
  return out;
}

/// A key and a certificate that it signs itself.
struct self_signed {
  std::string key;
  std::string certificate;

  /// `subject`: a subjectAltName, as in `IP:127.0.0.1`.
  explicit self_signed(const char* subject) {
    auto pkey = EVP_EC_gen("P-256");
    auto x = X509_new();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, pkey);
    auto name = X509_get_subject_name(x);
    X509_NAME_add_entry_by_txt(
        name, "CN", MBSTRING_ASC,
        reinterpret_cast<const unsigned char*>("PeaPod test"), -1, -1, 0);
    X509_set_issuer_name(x, name);
    auto san =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, subject);
    X509_add_ext(x, san, -1);
    X509_EXTENSION_free(san);
    X509_sign(x, pkey, EVP_sha256());
    auto bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, x);
    certificate = text_of(bio);
    bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, pkey, nullptr, nullptr, 0, nullptr, nullptr);
    key = text_of(bio);
    X509_free(x);
    EVP_PKEY_free(pkey);
  }
};

/// A file that goes away with the test.
class scratch_file {
public:
  explicit scratch_file(const std::string& text) {
    auto fd = mkstemp(name_.data());
    CAF_REQUIRE(fd >= 0);
    auto written = write(fd, text.data(), text.size());
    close(fd);
    CAF_REQUIRE_EQUAL(static_cast<size_t>(written), text.size());
  }
  ~scratch_file() {
    unlink(name_.c_str());
  }
  const std::string& name() const {
    return name_;
  }

private:
  std::string name_ = "/tmp/peapod-test-XXXXXX";
};

/// Lets what is written go out together, or go out now.
void cork(tcp::socket& socket, int on) {
  setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_CORK, &on, sizeof(on));
}

/// Answers one request on each connection over TLS.
class tls_origin {
public:
  tls_origin(loop& l, const self_signed& identity, std::string response,
             bool say_goodbye = true)
    : acceptor_(l.io, {asio::ip::address_v4::loopback(), 0}),
      response_(std::move(response)),
      say_goodbye_(say_goodbye) {
    context_.use_certificate(asio::buffer(identity.certificate),
                             ssl::context::pem);
    context_.use_private_key(asio::buffer(identity.key), ssl::context::pem);
    accept();
  }

  int connections = 0;
  std::string server_name; ///< what the last client announced

  uint16_t port() const {
    return acceptor_.local_endpoint().port();
  }

private:
  using stream = ssl::stream<tcp::socket>;

  void accept() {
    acceptor_.async_accept([this](auto ec, tcp::socket socket) {
      if (ec)
        return;
      ++connections;
      auto peer = std::make_shared<stream>(std::move(socket), context_);
      peer->async_handshake(stream::server, [this, peer](auto failed) {
        if (failed)
          return;
        auto name = SSL_get_servername(peer->native_handle(),
                                       TLSEXT_NAMETYPE_host_name);
        server_name = name != nullptr ? name : "";
        serve(peer);
      });
      accept();
    });
  }

  void serve(const std::shared_ptr<stream>& peer) {
    auto buffer = std::make_shared<std::array<char, 4096>>();
    peer->async_read_some(
        asio::buffer(*buffer), [this, peer, buffer](auto ec, size_t) {
          if (ec)
            return;
          cork(peer->next_layer(), 1);
          asio::async_write(*peer, asio::buffer(response_),
                            [this, peer](auto failed, size_t) {
                              cork(peer->next_layer(), 0);
                              if (!failed)
                                after(peer);
                            });
        });
  }

  void after(const std::shared_ptr<stream>& peer) {
    if (response_.find("Content-Length") != std::string::npos)
      serve(peer);
    else if (say_goodbye_)
      peer->async_shutdown([peer](auto) {});
    else
      peer->next_layer().close();
  }

  ssl::context context_{ssl::context::tls_server};
  tcp::acceptor acceptor_;
  std::string response_;
  bool say_goodbye_;
};

const std::string sized = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const std::string open_ended = "HTTP/1.1 200 OK\r\n\r\nhello";

struct http_tls_fixture {
  loop l;
  self_signed identity{"IP:127.0.0.1"};
  scratch_file authorities{identity.certificate};

  std::unique_ptr<http_client> make_client(bool trusting) {
    client_config config;
    if (trusting)
      config.ca_file = authorities.name();
    return make_http_client(l.io.get_executor(), config);
  }

  /// The body of a GET, or the error's code in words.
  std::string fetch(http_client& client, uint16_t port,
                    std::string host = "127.0.0.1") {
    auto head = request_to(port);
    head.target.scheme = "https";
    head.target.host = std::move(host);
    auto x = client.open(head, {});
    auto response = read_head(l, *x);
    if (!response)
      return std::string{to_string(response.error().code)};
    auto body = read_all(l, *x);
    return body ? *body : std::string{to_string(body.error().code)};
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(http_tls_tests, http_tls_fixture)

CAF_TEST(the final dot of a name is no part of the certificates name) {
  self_signed named{"DNS:origin.test"};
  scratch_file trusted{named.certificate};
  tls_origin origin{l, named, sized};
  client_config config;
  config.ca_file = trusted.name();
  config.wan.resolver = [](auto&, auto family) -> result<addresses> {
    if (family == address_family::v6)
      return addresses{};
    return addresses{asio::ip::address_v4::loopback()};
  };
  auto client = make_http_client(l.io.get_executor(), config);
  CAF_CHECK_EQUAL(fetch(*client, origin.port(), "origin.test."), "hello");
  CAF_CHECK_EQUAL(origin.server_name, "origin.test");
}

CAF_TEST(a trusted origin is used and its connection kept) {
  tls_origin origin{l, identity, sized};
  auto client = make_client(true);
  CAF_CHECK_EQUAL(fetch(*client, origin.port()), "hello");
  CAF_CHECK_EQUAL(fetch(*client, origin.port()), "hello");
  CAF_CHECK_EQUAL(origin.connections, 1);
}

CAF_TEST(what comes behind a response over TLS ends the connection) {
  constexpr size_t record = 16 * 1024; // what stands behind has its own
  std::string head = "HTTP/1.1 200 OK\r\nContent-Length: ";
  auto size = record - head.size() - std::string{"16xxx\r\n\r\n"}.size();
  auto response = head + std::to_string(size) + "\r\n\r\n";
  response.append(size, 'x').append("\r\n");
  CAF_REQUIRE_EQUAL(response.size(), record + 2);
  tls_origin origin{l, identity, response};
  auto client = make_client(true);
  CAF_CHECK_EQUAL(fetch(*client, origin.port()).size(), size);
  CAF_CHECK_EQUAL(fetch(*client, origin.port()).size(), size);
  CAF_CHECK_EQUAL(origin.connections, 2);
}

CAF_TEST(an unknown authority is refused) {
  tls_origin origin{l, identity, sized};
  auto client = make_client(false);
  CAF_CHECK_EQUAL(fetch(*client, origin.port()),
                  to_string(errc::certificate_refused));
}

CAF_TEST(a certificate for another host is refused) {
  tls_origin origin{l, identity, sized};
  auto client = make_client(true);
  CAF_CHECK_EQUAL(fetch(*client, origin.port(), "localhost"),
                  to_string(errc::certificate_refused));
}

CAF_TEST(the name of the host is announced) {
  self_signed named{"DNS:localhost"};
  scratch_file trusted{named.certificate};
  tls_origin origin{l, named, sized};
  client_config config;
  config.ca_file = trusted.name();
  auto client = make_http_client(l.io.get_executor(), config);
  CAF_CHECK_EQUAL(fetch(*client, origin.port(), "localhost"), "hello");
  CAF_CHECK_EQUAL(origin.server_name, "localhost");
}

CAF_TEST(a body without a length needs the origin to say goodbye) {
  auto client = make_client(true);
  tls_origin polite{l, identity, open_ended};
  CAF_CHECK_EQUAL(fetch(*client, polite.port()), "hello");
  tls_origin rude{l, identity, open_ended, false};
  CAF_CHECK_EQUAL(fetch(*client, rude.port()),
                  to_string(errc::connection_closed));
}

CAF_TEST(an origin that does not speak TLS is reported) {
  scripted_origin origin{
      l, [](raw_peer& peer) { peer.send("HTTP/1.1 400 Bad Request\r\n\r\n"); }};
  auto client = make_client(true);
  CAF_CHECK_EQUAL(fetch(*client, origin.port()), to_string(errc::tls_failed));
}

CAF_TEST_FIXTURE_SCOPE_END()
