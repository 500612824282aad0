#include "hosts/net/tls.hpp"

#include "core/host_pattern.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

#include <utility>

namespace peapod::net {

namespace {

namespace ssl = asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;

/// Protocols that we offer (RFC 7301): HTTP/1.1 only.
constexpr unsigned char alpn[] = "\x08http/1.1";

bool is_address(const std::string& host) {
  error_code ec;
  asio::ip::make_address(host, ec);
  return !ec;
}

class openssl_transport final : public tls_transport {
public:
  openssl_transport(tcp::socket socket, tls_context context, std::string host)
    : context_(std::move(context)),
      stream_(std::move(socket), *context_),
      host_(std::move(host)) {
    error_code ec;
    stream_.next_layer().set_option(tcp::no_delay{true}, ec);
    stream_.next_layer().set_option(asio::socket_base::keep_alive{true}, ec);
    stream_.next_layer().non_blocking(true, ec);
    stream_.set_verify_mode(ssl::verify_peer);
    // Neither certificates nor servers know the dot at the end of an absolute
    // name (RFC 6066, 3).
    std::string name{without_final_dots(host_)};
    stream_.set_verify_callback(ssl::host_name_verification{name});
    if (!is_address(name))
      SSL_set_tlsext_host_name(stream_.native_handle(), name.c_str());
    SSL_set_alpn_protos(stream_.native_handle(), alpn, sizeof(alpn) - 1);
  }

  task<void> handshake() override {
    auto [ec] =
        co_await stream_.async_handshake(ssl::stream_base::client, as_value);
    if (!ec)
      co_return result<void>{};
    if (ec.category() == asio::error::get_ssl_category())
      co_return handshake_error(ec);
    co_return transport_error(ec, host_);
  }

  task<size_t> read_some(std::span<uint8_t> into) override {
    auto room = asio::buffer(into.data(), into.size());
    auto [ec, n] = co_await stream_.async_read_some(room, as_value);
    if (ec && ec != asio::error::eof)
      co_return failure(ec);
    co_return n;
  }

  void receive(std::span<uint8_t> into, handler<size_t> done) override {
    auto received = [this, done = std::move(done)](const error_code& ec,
                                                   size_t n) {
      if (ec && ec != asio::error::eof)
        done(failure(ec));
      else
        done(n);
    };
    stream_.async_read_some(asio::buffer(into.data(), into.size()),
                            std::move(received));
  }

  task<void> write(std::span<const asio::const_buffer> bytes) override {
    auto [ec, n] = co_await asio::async_write(stream_, bytes, as_value);
    if (ec)
      co_return failure(ec);
    co_return result<void>{};
  }

  task<void> finish_writing() override {
    auto [ec] = co_await stream_.async_shutdown(as_value);
    if (ec && ec != asio::error::eof)
      co_return failure(ec);
    co_return result<void>{};
  }

  /// What came with the last record is no longer in the socket.
  bool is_stale() override {
    auto* ssl = stream_.native_handle();
    return SSL_pending(ssl) > 0 || BIO_ctrl_pending(SSL_get_rbio(ssl)) > 0
           || tls_transport::is_stale();
  }

  tcp::socket& socket() override {
    return stream_.next_layer();
  }

  bool is_plain() const override {
    return false;
  }

  std::string name() const override {
    return host_;
  }

private:
  /// An end without close_notify may be an attacker's (RFC 8446, 6.1): it
  /// never counts as the clean end of a body.
  error failure(error_code ec) const {
    if (ec == ssl::error::stream_truncated)
      return make_error(errc::connection_closed,
                        host_ + ": the TLS connection was cut off");
    if (ec.category() == asio::error::get_ssl_category())
      return make_error(errc::tls_failed, host_ + ": " + ec.message());
    return transport_error(ec, host_);
  }

  /// A certificate's fault in OpenSSL's words, else the handshake's.
  error handshake_error(error_code ec) {
    auto verdict = SSL_get_verify_result(stream_.native_handle());
    if (verdict == X509_V_OK)
      return make_error(errc::tls_failed, host_ + ": " + ec.message());
    // The check of the name has no words of its own.
    std::string why = verdict == X509_V_ERR_UNSPECIFIED
                          ? "hostname mismatch: the certificate is for others"
                          : X509_verify_cert_error_string(verdict);
    return make_error(errc::certificate_refused, host_ + ": " + why);
  }

  tls_context context_;
  ssl::stream<tcp::socket> stream_;
  std::string host_;
};

} // namespace

result<tls_context> make_tls_context(const std::string& ca_file) {
  auto out = std::make_shared<ssl::context>(ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(out->native_handle(), TLS1_2_VERSION);
  error_code ec;
  out->set_default_verify_paths(ec);
  if (!ca_file.empty())
    out->load_verify_file(ca_file, ec);
  if (ec && !ca_file.empty())
    return make_error(errc::bad_config, ca_file + ": " + ec.message());
  return out;
}

std::shared_ptr<tls_transport>
make_tls_transport(tcp::socket socket, tls_context context, std::string host) {
  return std::make_shared<openssl_transport>(
      std::move(socket), std::move(context), std::move(host));
}

} // namespace peapod::net
