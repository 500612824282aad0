#include "hosts/common/doctor_network.hpp"

#include "core/http_message.hpp"
#include "core/wire_codec.hpp"
#include "hosts/net/discovery_choice.hpp"
#include "hosts/net/socket_address.hpp"
#include "hosts/net/tcp_stream.hpp"
#include "hosts/net/udp_port.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <map>
#include <memory>

namespace peapod {

namespace {

namespace asio = boost::asio;
using asio::ip::address;
using asio::ip::tcp;
using asio::ip::udp;
using boost::system::error_code;

/// Where everybody can be sent to; nothing is.
constexpr auto far_v4 = "198.41.0.4";
constexpr auto far_v6 = "2001:503:ba3e::2:30";

/// As many as a neighbourhood has.
constexpr size_t max_dialled = 64;
constexpr size_t max_heard = 256;

net::discovery_config discovery_of(const settings& x) {
  net::discovery_config out;
  out.group = x.discovery.group;
  out.port = x.discovery.port;
  out.interfaces = x.discovery.interfaces;
  out.exclude = x.discovery.exclude;
  out.listen = x.transport.listen;
  return out;
}

// -- ports --------------------------------------------------------------------

std::optional<error> try_tcp(asio::io_context& io, const endpoint& at) {
  auto to = net::to_asio<tcp::endpoint>(at);
  if (!to || to->port() == 0)
    return std::nullopt;
  tcp::acceptor acceptor{io};
  error_code ec;
  acceptor.open(to->protocol(), ec);
  if (ec == asio::error::address_family_not_supported)
    return std::nullopt;
  if (!ec && to->protocol() == tcp::v6())
    acceptor.set_option(
        asio::ip::v6_only(to->address() != asio::ip::address_v6::any()), ec);
  if (!ec)
    acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
  if (!ec)
    acceptor.bind(*to, ec);
  if (!ec)
    acceptor.listen(1, ec);
  return ec ? std::optional{net::error_of(ec, "cannot listen at TCP "
                                                  + to_string(at))}
            : std::nullopt;
}

void try_ports(asio::io_context& io, doctor_facts& out) {
  auto& x = out.options;
  auto add = [&](const char* purpose, bool udp, const endpoint& at,
                 std::optional<error> why) {
    if (why)
      out.taken.push_back({purpose, udp, at, std::move(*why), ""});
  };
  // A daemon that answers has them.
  if (!out.status) {
    add("[proxy] listen", false, x.proxy.listen, try_tcp(io, x.proxy.listen));
    auto& listen = x.transport.listen;
    auto why = try_tcp(io, listen);
    // A daemon listens elsewhere if only a connection has the port.
    if (!x.discovery.enabled || net::is_listened_at(listen))
      add("[transport] listen", false, listen, std::move(why));
  }
  endpoint group{x.discovery.group, x.discovery.port};
  auto to = net::to_asio<udp::endpoint>(group);
  if (!x.discovery.enabled || !to)
    return;
  // This one is shared with the daemon.
  auto port = net::udp_port::open(io.get_executor(),
                                  net::group_bind_address(*to), nullptr);
  if (port)
    (**port).close();
  else
    add("[discovery] port", true, group, port.error());
}

// -- the discovery group ------------------------------------------------------

/// A datagram that no daemon takes for one of its own.
std::string test_datagram(const std::string& interface, const address& from) {
  auto random = std::chrono::steady_clock::now().time_since_epoch().count();
  return "PeaPod doctor " + interface + " " + from.to_string() + " "
         + std::to_string(random);
}

/// The group on all interfaces, for a while.
class group_test {
public:
  group_test(asio::io_context& io, doctor_facts& out) : io_(io), out_(out) {
    auto config = discovery_of(out.options);
    if (!out.options.discovery.enabled)
      return;
    for (auto& one : out.interfaces)
      if (auto source = net::discovery_source(one, config))
        begin(one, *source, config);
  }

  ~group_test() {
    for (auto& one : sockets_)
      one.close();
  }

  group_test(const group_test&) = delete;
  group_test& operator=(const group_test&) = delete;

  /// Sends once more what was not heard yet.
  void send() {
    for (size_t i = 0; i < sockets_.size(); ++i)
      if (!out_.multicast[tests_[i].fact].heard)
        send(i);
  }

private:
  struct test {
    size_t fact; ///< its place in the facts
    std::string text;
    udp::endpoint group;
  };

  void begin(const net::network_interface& one, const std::string& source,
             const net::discovery_config& config) {
    error_code ec;
    auto from = asio::ip::make_address(source, ec);
    bool known = std::ranges::any_of(out_.multicast, [&](auto& x) {
      return x.interface == one.name && x.is_v4() == from.is_v4();
    });
    if (ec || known)
      return;
    auto fact = out_.multicast.size();
    out_.multicast.push_back({one.name, source, false, ""});
    address group = asio::ip::make_address(
        from.is_v6() ? config.group_v6 : config.group, ec);
    if (from.is_v6()) {
      auto scoped = group.to_v6();
      scoped.scope_id(one.index);
      group = scoped;
    }
    udp::endpoint at{group, config.port};
    auto text = test_datagram(one.name, from);
    // A port of its own sends: the daemon's gets the answers to the daemon.
    auto opened = net::group_sockets::open(
        io_.get_executor(), {from, 0}, at, one.index,
        asio::ip::make_address(one.address, ec),
        [this, fact, text, around = net::link{one.index, out_.interfaces}](
            const datagram& x) { hear(fact, text, around, x); });
    if (!opened) {
      out_.multicast[fact].failure = opened.error().detail;
      return;
    }
    sockets_.push_back(std::move(*opened));
    tests_.push_back({fact, text, at});
    send(sockets_.size() - 1);
  }

  void send(size_t i) {
    error_code ec;
    auto& socket = sockets_[i].own->socket();
    socket.send_to(asio::buffer(tests_[i].text), tests_[i].group, 0, ec);
    auto& failure = out_.multicast[tests_[i].fact].failure;
    failure = ec ? "sending to the discovery group fails: " + ec.message() : "";
  }

  void hear(size_t fact, const std::string& text, const net::link& around,
            const datagram& x) {
    std::string_view bytes{reinterpret_cast<const char*>(x.bytes.data()),
                           x.bytes.size()};
    if (bytes == text)
      out_.multicast[fact].heard = true;
    else if (around.has(x.from.address))
      hear_beacon(x);
  }

  void hear_beacon(const datagram& x) {
    auto frame = decode_frame(x.bytes);
    if (!frame || !*frame)
      return;
    auto* said = std::get_if<beacon>(&(**frame).message);
    if (said == nullptr || said->listen_port == 0)
      return;
    heard_fact fact{said->device,
                    {x.from.address, said->listen_port},
                    said->hello ? said->hello->highest_protocol
                                : said->protocol_version};
    bool own = out_.status && to_string(fact.id) == out_.status->daemon.id;
    bool known = std::ranges::any_of(out_.heard, [&](auto& y) {
      return y.id == fact.id && y.at == fact.at;
    });
    if (!own && !known && out_.heard.size() < max_heard)
      out_.heard.push_back(std::move(fact));
  }

  asio::io_context& io_;
  doctor_facts& out_;
  std::vector<net::group_sockets> sockets_;
  std::vector<test> tests_;
};

// -- devices ------------------------------------------------------------------

/// Connections to devices, all at the same time. They are closed as soon as
/// they stand.
class dialling {
public:
  dialling(asio::io_context& io, doctor_facts& out) : io_(io), out_(out) {}

  void add(const endpoint& at, const std::string& id, const std::string& name) {
    auto to = net::to_asio<tcp::endpoint>(at);
    bool known =
        std::ranges::any_of(out_.dialled, [&](auto& x) { return x.at == at; });
    if (!to || known || out_.dialled.size() >= max_dialled)
      return;
    auto i = out_.dialled.size();
    out_.dialled.push_back({at, id, name,
                            make_error(errc::connect_timed_out,
                                       "no answer from " + to_string(at))});
    sockets_.push_back(std::make_unique<tcp::socket>(io_));
    sockets_.back()->async_connect(*to, [this, i](error_code ec) {
      if (ec == asio::error::operation_aborted)
        return;
      out_.dialled[i].failed.reset();
      if (ec)
        out_.dialled[i].failed = net::error_of(
            ec, "no connection to " + to_string(out_.dialled[i].at));
      error_code ignored;
      sockets_[i]->close(ignored);
    });
  }

  void close() {
    for (auto& socket : sockets_) {
      error_code ignored;
      socket->close(ignored);
    }
  }

private:
  asio::io_context& io_;
  doctor_facts& out_;
  std::vector<std::unique_ptr<tcp::socket>> sockets_;
};

bool is_connected(const doctor_facts& x, const std::string& id) {
  return x.status && std::ranges::any_of(x.status->peers, [&](auto& peer) {
           return peer.id == id
                  && (peer.state == "connected" || peer.state == "set aside"
                      || peer.state == "waiting");
         });
}

/// Whether a peer with a session is at that address.
bool is_connected(const doctor_facts& x, const endpoint& at) {
  return x.status && std::ranges::any_of(x.status->peers, [&](auto& peer) {
           return is_connected(x, peer.id) && peer.address == to_string(at);
         });
}

void dial_known(const doctor_facts& x, dialling& out) {
  for (auto& one : x.options.discovery.static_peers)
    if (!is_connected(x, one.at))
      out.add(one.at, one.id ? to_string(*one.id) : "", "");
  if (!x.status)
    return;
  for (auto& peer : x.status->peers) {
    auto at = parse_host_port(peer.address);
    bool tried = peer.state == "dialling" || peer.state == "backing off";
    if (tried && at && at->port != 0)
      out.add({at->host, at->port}, peer.id, peer.name);
  }
}

void dial_heard(const doctor_facts& x, dialling& out) {
  auto own = [&](auto& at) {
    return std::ranges::any_of(
        x.interfaces, [&](auto& one) { return one.address == at.address; });
  };
  for (auto& one : x.heard)
    if (!is_connected(x, to_string(one.id)) && !own(one.at))
      out.add(one.at, to_string(one.id), "");
}

// -- the way out --------------------------------------------------------------

/// The interface by which the operating system would send to an address.
std::string interface_towards(asio::io_context& io, const char* to,
                              const doctor_facts& x) {
  udp::socket socket{io};
  error_code ec;
  udp::endpoint at{asio::ip::make_address(to), 53};
  socket.open(at.protocol(), ec);
  if (!ec)
    socket.connect(at, ec);
  auto from = ec ? udp::endpoint{} : socket.local_endpoint(ec);
  if (ec)
    return {};
  auto text = net::text_of(from.address());
  for (auto& one : x.interfaces)
    if (one.address == text)
      return one.name;
  return {};
}

} // namespace

void probe_network(const doctor_request& what, doctor_facts& out) {
  asio::io_context io;
  try_ports(io, out);
  out.way_out = interface_towards(io, far_v4, out);
  if (out.way_out.empty())
    out.way_out = interface_towards(io, far_v6, out);
  dialling calls{io, out};
  dial_known(out, calls);
  {
    group_test group{io, out};
    // One datagram may be lost.
    io.run_for(what.patience.listen / 4);
    io.restart();
    group.send();
    io.run_for(what.patience.listen - what.patience.listen / 4);
    out.listened = what.patience.listen;
  }
  dial_heard(out, calls);
  io.restart();
  auto waits = std::ranges::any_of(out.dialled, [](auto& x) {
    return x.failed && x.failed->code == errc::connect_timed_out;
  });
  if (waits)
    io.run_for(what.patience.dial);
  calls.close();
  io.restart();
  io.poll();
}

} // namespace peapod
