#define CAF_SUITE proxy_connection

#include "tests/actors/pod_fixture.hpp"

#include <algorithm>

#include <caf/test/dsl.hpp>

using namespace peapod;
using namespace peapod::fakes;

namespace {

struct proxy_connection_fixture : pod_fixture {
  device_ptr x = add_device();
  std::shared_ptr<browser> client = connect(*x);

  void ask(request_head head, std::string body = {}) {
    client->ask(std::move(head), std::move(body));
    settle();
  }

  unsigned last_status() const {
    return client->heads.empty() ? 0 : client->heads.back().status;
  }

  request_head post() {
    auto out = get_file();
    out.method = "POST";
    return out;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(proxy_connection_tests, proxy_connection_fixture)

// -- pass-through -------------------------------------------------------------

CAF_TEST(a small body passes through and the connection stays) {
  server->size = 1000;
  ask(get_file());
  CAF_CHECK_EQUAL(last_status(), 200u);
  CAF_CHECK(client->complete);
  CAF_CHECK(is_content(client->body, {0, 1000}));
  CAF_CHECK(!client->closed);
  CAF_CHECK_EQUAL(x->env->counters.passed_through.load(), 1u);
  client->body.clear();
  ask(get_file());
  CAF_CHECK(is_content(client->body, {0, 1000}));
  CAF_CHECK_EQUAL(x->env->counters.requests.load(), 2u);
  CAF_CHECK_EQUAL(x->env->counters.busy.load(), 0u);
}

CAF_TEST(what the log does not want of each request is not made up) {
  auto told = [&] {
    return std::ranges::any_of(
        x->log, [](auto& line) { return line.find("GET ") != line.npos; });
  };
  x->env->ports.log_from = log_level::info;
  ask(get_file());
  CAF_CHECK(!told());
  x->env->ports.log_from = log_level::debug;
  ask(get_file());
  CAF_CHECK(told());
}

CAF_TEST(the proxy names itself to both sides and drops hop by hop fields) {
  server->size = 10;
  server->twist = [](const request_head&, response_head& head, byte_range&) {
    head.fields.add("Keep-Alive", "timeout=5");
  };
  auto head = get_file();
  head.fields.add("Connection", "X-Hop");
  head.fields.add("X-Hop", "1");
  ask(head);
  CAF_REQUIRE_EQUAL(server->requests.size(), 1u);
  auto& seen = server->requests[0].fields;
  CAF_CHECK(!seen.find("X-Hop"));
  CAF_CHECK(via_names(seen, x->env->via_name));
  CAF_CHECK(via_names(client->heads[0].fields, x->env->via_name));
  CAF_CHECK(!client->heads[0].fields.find("Keep-Alive"));
}

CAF_TEST(a client that wants no other request is closed after the answer) {
  server->size = 10;
  client->keeps_alive = false;
  ask(get_file());
  CAF_CHECK(client->complete);
  CAF_CHECK(client->closed);
  CAF_CHECK(!client->aborted);
}

CAF_TEST(a client that hangs up between requests ends its connection) {
  CAF_CHECK_EQUAL(x->env->counters.active.load(), 1u);
  client->hang_up();
  settle();
  CAF_CHECK(client->closed);
  x->actors.pop_back();
  settle();
  CAF_CHECK_EQUAL(x->env->counters.active.load(), 0u);
}

CAF_TEST(a request with a body is relayed to the origin) {
  server->size = 10;
  x->wan->waits_for_body = true;
  ask(post(), "hello origin");
  CAF_CHECK_EQUAL(last_status(), 200u);
  CAF_CHECK_EQUAL(client->relayed_requests, 1u);
  CAF_CHECK(!client->closed);
}

CAF_TEST(a body waits until the origin says continue) {
  server->size = 10;
  x->wan->waits_for_body = true;
  auto head = post();
  head.fields.add("Expect", "100-continue");
  ask(head, "hello");
  CAF_CHECK_EQUAL(client->relayed_requests, 1u);
  CAF_CHECK_EQUAL(last_status(), 200u);
}

CAF_TEST(a body goes to an origin that never says continue after a second) {
  server->size = 10;
  x->wan->waits_for_body = true;
  x->wan->sends_continue = false;
  auto head = post();
  head.fields.add("Expect", "100-continue");
  ask(head, "hello");
  CAF_CHECK_EQUAL(client->relayed_requests, 0u);
  pass(900ms);
  CAF_CHECK_EQUAL(client->relayed_requests, 0u);
  pass(200ms);
  CAF_CHECK_EQUAL(client->relayed_requests, 1u);
  CAF_CHECK_EQUAL(last_status(), 200u);
}

CAF_TEST(an answer before the request body was sent ends the connection) {
  server->size = 10;
  server->status = 413;
  x->wan->sends_continue = false;
  auto head = post();
  head.fields.add("Expect", "100-continue");
  ask(head, "hello");
  CAF_CHECK_EQUAL(last_status(), 413u);
  CAF_CHECK_EQUAL(client->relayed_requests, 0u);
  CAF_CHECK(client->closed);
}

CAF_TEST(an upload that the client breaks off ends at the origin at once) {
  x->wan->waits_for_body = true;
  client->upload_fails = make_error(errc::connection_closed, "reset");
  client->vanishes = true;
  ask(post(), "hello");
  CAF_CHECK_EQUAL(last_status(), 400u);
  auto status = client->heads.back().fields.find("Proxy-Status");
  CAF_REQUIRE(status);
  CAF_CHECK(status->find("http_request_error") != std::string_view::npos);
  CAF_CHECK(client->closed);
  CAF_CHECK(x->wan->exchanges.empty());
}

CAF_TEST(an upload whose client is silent for too long ends as its fault) {
  x->wan->waits_for_body = true;
  client->upload_fails = make_error(errc::timed_out, "quiet");
  client->vanishes = true;
  ask(post(), "hello");
  CAF_CHECK_EQUAL(last_status(), 408u);
  CAF_CHECK(x->wan->exchanges.empty());
}

CAF_TEST(an origin that takes no more of an upload has time to answer) {
  x->wan->waits_for_body = true;
  client->upload_fails = make_error(errc::connection_closed, "reset");
  ask(post(), "hello");
  pass(4900ms);
  CAF_CHECK(client->heads.empty());
  pass(200ms);
  CAF_CHECK_EQUAL(last_status(), 502u);
}

// -- pages of our own ---------------------------------------------------------

CAF_TEST(an origin that cannot be reached gives a page) {
  x->wan->fails = make_error(errc::connection_refused, "nobody listens");
  ask(get_file());
  CAF_CHECK_EQUAL(last_status(), 502u);
  CAF_CHECK(client->body.find("nobody listens") != std::string::npos);
  CAF_CHECK(client->complete);
  CAF_CHECK(client->closed);
}

CAF_TEST(an origin that does not answer in time gives a page) {
  x->wan->fails = make_error(errc::timed_out, "no answer");
  ask(get_file());
  CAF_CHECK_EQUAL(last_status(), 504u);
}

CAF_TEST(a browser gets the script of the proxy it asks) {
  auto head = get_file();
  head.target = {"http", "127.0.0.1", 3128, "/proxy.pac", false};
  ask(head);
  CAF_CHECK_EQUAL(last_status(), 200u);
  CAF_CHECK(client->body.find("PROXY 127.0.0.1:3128; DIRECT")
            != std::string::npos);
  CAF_CHECK_EQUAL(client->heads.back().fields.find("Content-Type").value_or(""),
                  "application/x-ns-proxy-autoconfig");
}

CAF_TEST(the script of another server is fetched from there) {
  server->size = 10;
  auto head = get_file();
  head.target.target = "/proxy.pac";
  ask(head);
  CAF_CHECK(is_content(client->body, {0, 10}));
}

CAF_TEST(a tunnel too many gets a page and the time to come back) {
  x->env->config.max_tunnels = 0;
  auto head = get_file();
  head.method = "CONNECT";
  ask(head);
  CAF_CHECK_EQUAL(last_status(), 503u);
  CAF_CHECK_EQUAL(client->heads.back().fields.find("Retry-After").value_or(""),
                  "1");
  CAF_CHECK(!client->tunnel_target);
  CAF_CHECK_EQUAL(x->env->counters.open_tunnels.load(), 0u);
}

CAF_TEST(a tunnel counts as open until its end) {
  auto head = get_file();
  head.method = "CONNECT";
  ask(head);
  CAF_CHECK(client->tunnel_target);
  CAF_CHECK_EQUAL(x->env->counters.open_tunnels.load(), 0u);
  CAF_CHECK_EQUAL(x->env->counters.tunnels.load(), 1u);
}

CAF_TEST(a malformed request is answered with the status it deserves) {
  client->send_garbage(make_error(errc::bad_http, "431 header too large"));
  settle();
  CAF_CHECK_EQUAL(last_status(), 431u);
  CAF_CHECK(client->closed);
}

CAF_TEST(a request that has been here is a loop) {
  auto head = get_file();
  add_via(head.fields, 11, x->env->via_name);
  ask(head);
  CAF_CHECK_EQUAL(last_status(), 508u);
  CAF_CHECK(server->requests.empty());
}

CAF_TEST(a request for the proxy itself is answered and keeps the connection) {
  auto head = get("http://127.0.0.1:3128/");
  head.to_proxy = true;
  ask(head);
  CAF_CHECK_EQUAL(last_status(), 400u);
  CAF_CHECK(client->body.find("a proxy, not a web site") != std::string::npos);
  CAF_CHECK(!client->closed);
  head.method = "OPTIONS";
  head.target.target = "*";
  ask(head);
  CAF_CHECK_EQUAL(last_status(), 200u);
  CAF_CHECK(client->heads.back().fields.find("Allow").has_value());
  CAF_CHECK(server->requests.empty());
}

CAF_TEST(a body for the proxy itself ends the connection) {
  auto head = post();
  head.to_proxy = true;
  ask(head, "hello");
  CAF_CHECK_EQUAL(last_status(), 400u);
  CAF_CHECK(client->closed);
  CAF_CHECK_EQUAL(client->relayed_requests, 0u);
}

CAF_TEST(forwards are counted and end here) {
  server->size = 10;
  auto head = get_file();
  head.method = "OPTIONS";
  head.fields.add("Max-Forwards", "2");
  ask(head);
  CAF_REQUIRE_EQUAL(server->requests.size(), 1u);
  CAF_CHECK(server->requests[0].fields.find("Max-Forwards") == "1");
  head.fields.set("Max-Forwards", "0");
  ask(head);
  CAF_CHECK_EQUAL(last_status(), 200u);
  CAF_CHECK_EQUAL(server->requests.size(), 1u);
}

CAF_TEST(a trace may have a length of 0 and no body) {
  auto head = get_file();
  head.method = "TRACE";
  head.fields.add("Max-Forwards", "0");
  head.framing = body_framing::length;
  ask(head);
  CAF_CHECK_EQUAL(last_status(), 200u);
  CAF_CHECK(!client->closed);
  ask(head, "x");
  CAF_CHECK_EQUAL(last_status(), 400u);
  CAF_CHECK(client->closed);
}

CAF_TEST(each failure has a status and a type for programs) {
  auto check = [&](errc code, unsigned status, const std::string& type) {
    auto again = connect(*x);
    x->wan->fails = make_error(code, "words");
    again->ask(get_file());
    settle();
    CAF_REQUIRE(!again->heads.empty());
    auto& head = again->heads.back();
    CAF_CHECK_EQUAL(head.status, status);
    CAF_CHECK(head.fields.find("Proxy-Status")
              == "PeaPod; error=" + type + "; details=\"words\"");
    CAF_CHECK(again->closed);
  };
  check(errc::dns_failed, 502, "dns_error");
  check(errc::dns_unanswered, 504, "dns_timeout");
  check(errc::connection_refused, 502, "connection_refused");
  check(errc::unreachable, 502, "destination_ip_unroutable");
  check(errc::connect_timed_out, 504, "connection_timeout");
  check(errc::timed_out, 504, "http_response_timeout");
  check(errc::connection_closed, 502, "connection_terminated");
  check(errc::certificate_refused, 502, "tls_certificate_error");
  check(errc::tls_failed, 502, "tls_protocol_error");
  check(errc::bad_http, 502, "http_protocol_error");
  check(errc::upstream_refused, 502, "proxy_configuration_error");
  check(errc::loop_detected, 508, "proxy_loop_detected");
  check(errc::limit_reached, 503, "connection_limit_reached");
}

CAF_TEST(a tunnel is opened and counted) {
  auto head = get("https://origin.example:8443/");
  head.method = "CONNECT";
  ask(head);
  CAF_REQUIRE(client->tunnel_target.has_value());
  CAF_CHECK_EQUAL(client->tunnel_target->host, "origin.example");
  CAF_CHECK_EQUAL(client->tunnel_target->port, 8443u);
  CAF_CHECK_EQUAL(x->env->counters.tunnels.load(), 1u);
  CAF_CHECK(client->heads.empty());
  CAF_CHECK(client->closed);
}

CAF_TEST(a tunnel that cannot be opened gives a page) {
  client->tunnel_fails = make_error(errc::dns_failed, "no such host");
  auto head = get("https://nowhere.example/");
  head.method = "CONNECT";
  ask(head);
  CAF_CHECK_EQUAL(last_status(), 502u);
  CAF_CHECK(client->closed);
}

// -- pooled bodies ------------------------------------------------------------

CAF_TEST(a large body is pooled and the connection stays) {
  server->size = 3'000'000;
  ask(get_file());
  CAF_CHECK_EQUAL(last_status(), 200u);
  CAF_CHECK(client->complete);
  CAF_CHECK(is_content(client->body, {0, 3'000'000}));
  CAF_CHECK_EQUAL(x->env->counters.pooled.load(), 1u);
  CAF_CHECK_EQUAL(server->requests.size(), 1u);
  CAF_CHECK_EQUAL(children(x->env->transfers.get()), 0u);
  client->body.clear();
  client->complete = false;
  ask(get_file());
  CAF_CHECK(client->complete);
  CAF_CHECK(is_content(client->body, {0, 3'000'000}));
  CAF_CHECK(!client->closed);
}

CAF_TEST(a pooled body is held back for a client that does not read) {
  server->size = 8'000'000;
  client->stalled = true;
  ask(get_file());
  pass(5s, 50ms);
  CAF_CHECK(x->wan->exchanges.front()->received() <= 2_MiB);
  CAF_CHECK(client->body.size() <= 1_MiB);
  client->stalled = false;
  client->read_on();
  settle();
  CAF_CHECK(client->complete);
  CAF_CHECK(is_content(client->body, {0, 8'000'000}));
}

CAF_TEST(a client that vanishes takes its transfer with it) {
  server->size = 8'000'000;
  client->stalled = true;
  ask(get_file());
  CAF_CHECK_EQUAL(children(x->env->transfers.get()), 1u);
  client->vanish();
  settle();
  CAF_CHECK(client->closed);
  CAF_CHECK_EQUAL(children(x->env->transfers.get()), 0u);
  CAF_CHECK(x->wan->exchanges.empty());
  auto ended = status(*x).transfers;
  CAF_REQUIRE_EQUAL(ended.size(), 1u);
  CAF_CHECK(ended[0].state.starts_with("failed"));
}

CAF_TEST(a client that goes away does not hold a silent origin) {
  x->wan->frozen = true;
  ask(get_file());
  CAF_CHECK_EQUAL(x->env->counters.busy.load(), 1u);
  client->go_away();
  settle();
  CAF_CHECK(client->closed);
  CAF_CHECK(x->wan->exchanges.empty());
  CAF_CHECK_EQUAL(x->env->counters.busy.load(), 0u);
}

CAF_TEST(a spine that breaks is replaced on the own line) {
  server->size = 3'000'000;
  x->wan->rate = 1'000'000;
  ask(get_file());
  pass(500ms);
  x->wan->break_bodies();
  CAF_CHECK(pass_until([&] { return client->complete; }, 4s));
  CAF_CHECK(is_content(client->body, {0, 3'000'000}));
  CAF_CHECK(server->requests.size() > 1);
}

CAF_TEST(two versions of a resource are never spliced) {
  server->size = 3'000'000;
  x->wan->rate = 1'000'000;
  ask(get_file());
  pass(500ms);
  server->etag = "\"v2\"";
  x->wan->break_bodies();
  pass(1s);
  CAF_CHECK(client->aborted);
  CAF_CHECK(!client->complete);
  CAF_CHECK(is_content(client->body, {0, client->body.size()}));
}

CAF_TEST(a body that nobody can complete ends with a reset) {
  server->size = 3'000'000;
  x->wan->rate = 1'000'000;
  ask(get_file());
  pass(500ms);
  x->wan->fails = make_error(errc::connection_refused, "gone");
  x->wan->break_bodies();
  CAF_CHECK(pass_until([&] { return client->closed; }, 20s));
  CAF_CHECK(client->aborted);
  CAF_CHECK(!client->complete);
  CAF_CHECK_EQUAL(children(x->env->transfers.get()), 0u);
}

CAF_TEST(a transfer that crashes ends its client with a reset) {
  server->size = 3'000'000;
  x->wan->rate = 1'000'000;
  ask(get_file());
  pass(300ms);
  caf::anon_send_exit(x->env->transfers.get(), caf::exit_reason::user_shutdown);
  x->env->transfers.clear();
  settle();
  CAF_CHECK(client->aborted);
  CAF_CHECK(!client->complete);
}

CAF_TEST_FIXTURE_SCOPE_END()
