#include "hosts/common/control_api.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <set>

#define CAF_SUITE control_api
#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace std::chrono_literals;

namespace {

namespace json = boost::json;

/// A pod of four actors that answers at once: 1 is the root, 2 has ended, 3 is
/// a child that is in a handler, 4 one that is not.
class scripted_pod : public control_backend {
public:
  bool answers = true;
  feed_ptr<pod_event> happening = std::make_shared<feed<pod_event>>(4);
  feed_ptr<message_record> messages = std::make_shared<feed<message_record>>(4);
  std::optional<uint64_t> asked_since;
  std::vector<std::pair<actor_number, fault>> injected;
  proxy_counters counted;
  byte_budget held{1000};

  void status(std::function<void(result<pod_status>)> done) override {
    if (answers)
      done(pod_status{});
    else
      done(make_error(errc::timed_out, "the pod does not answer"));
  }

  void actors(std::function<void(std::vector<actor_row>)> done) override {
    std::vector<actor_row> rows(answers ? 3 : 0);
    for (size_t i = 0; i < rows.size(); ++i) {
      rows[i].id = i == 0 ? 1 : i + 2;
      rows[i].name = "actor";
      if (i > 0)
        rows[i].parent = 1;
    }
    done(std::move(rows));
  }

  void actor(actor_number id,
             std::function<void(result<actor_page>)> done) override {
    if (auto ok = find(id); !ok)
      return done(ok.error());
    actor_page out;
    out.row.id = id;
    out.data = "{\"n\":1}";
    done(std::move(out));
  }

  void members(std::function<void(std::vector<pod_member>)> done) override {
    std::vector<pod_member> out(2);
    out[0].self = true;
    out[1].error = "it does not allow it";
    done(std::move(out));
  }

  std::vector<crash_report> crashes() const override {
    return std::vector<crash_report>(2);
  }

  std::map<std::string, uint64_t> restarts() const override {
    return {{"transfer", 3}};
  }

  uint64_t crash_count() const override {
    return 7;
  }

  feed_ptr<pod_event> events(std::optional<uint64_t> since) override {
    asked_since = since;
    return happening;
  }

  result<feed_ptr<message_record>> trace(actor_number id) override {
    if (auto ok = find(id); !ok)
      return ok.error();
    return messages;
  }

  void kill(actor_number id, std::function<void(result<void>)> done) override {
    done(find_killable(id));
  }

  void restart(actor_number id,
               std::function<void(result<actor_number>)> done) override {
    if (auto ok = find_killable(id); !ok)
      done(ok.error());
    else
      done(starts_again ? 9 : 0);
  }

  result<void> disturb(actor_number id, const fault& what) override {
    injected.emplace_back(id, what);
    return find(id);
  }

  void change_trust(std::string who, bool trusted,
                    std::vector<std::string> code,
                    std::function<void(result<peer_status>)> done) override {
    if (who == "nobody")
      return done(make_error(errc::not_found, "there is no such device"));
    if (who == "twins")
      return done(make_error(errc::mismatch, "two are called so"));
    if (who == "careful" && code != std::vector<std::string>{"a", "b"})
      return done(make_error(errc::mismatch, "other words"));
    if (who == "full disk")
      return done(make_error(errc::io_failed, "the disk is full"));
    peer_status out;
    out.name = std::move(who);
    out.trust = trusted ? "trusted" : "stranger";
    done(std::move(out));
  }

  const proxy_counters& counters() const override {
    return counted;
  }

  sharing_state sharing() const override {
    return {};
  }

  const byte_budget& serving() const override {
    return held;
  }

  bool starts_again = true;

private:
  static result<void> find(actor_number id) {
    if (id == 2)
      return make_error(errc::gone, "actor 2 has ended");
    if (id < 1 || id > 4)
      return make_error(errc::not_found, "there never was such an actor");
    return {};
  }

  static result<void> find_killable(actor_number id) {
    if (id == 1)
      return make_error(errc::not_allowed, "the root stays");
    if (id == 3)
      return make_error(errc::timed_out);
    return find(id);
  }
};

struct control_api_fixture {
  scripted_pod* pod = nullptr;
  std::shared_ptr<control_api> api = make(true);
  net::control_response last;
  json::value parsed;

  std::shared_ptr<control_api> make(bool fault_injection) {
    auto backend = std::make_unique<scripted_pod>();
    pod = backend.get();
    daemon_info daemon{"00ff", "box",           "1.2.3",         42,
                       0s,     fault_injection, "127.0.0.1:3128"};
    return std::make_shared<control_api>(daemon, std::move(backend));
  }

  /// The status of the answer, which is in `last`.
  unsigned ask(std::string method, std::string target, std::string body = {},
               std::string last_event_id = {}) {
    unsigned answers = 0;
    api->answer({std::move(method), std::move(target), std::move(body),
                 std::move(last_event_id)},
                [&](net::control_response x) {
                  ++answers;
                  last = std::move(x);
                });
    CAF_REQUIRE_EQUAL(answers, 1u);
    return last.status;
  }

  unsigned get(std::string target) {
    return ask("GET", std::move(target));
  }

  unsigned post(std::string target, std::string body = {}) {
    return ask("POST", std::move(target), std::move(body));
  }

  /// The last answer; kept, so that checks may look at parts of it.
  const json::value& body() {
    parsed = json::parse(last.body);
    return parsed;
  }

  /// Whether the answer is an error with a sentence.
  bool is_failure() {
    auto x = body();
    return last.content_type == "application/json" && x.as_object().size() == 1
           && !x.at("error").as_string().empty();
  }

  /// What the stream has for us now.
  std::string pull() {
    auto piece = last.stream->pull([] {});
    return piece.text + (piece.last ? "END" : "");
  }
};

pod_event event(uint64_t seq) {
  pod_event out;
  out.seq = seq;
  out.kind = event_kind::peer_up;
  return out;
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(control_api_tests, control_api_fixture)

CAF_TEST(every resource answers in its form) {
  CAF_CHECK_EQUAL(get("/v1/status"), 200u);
  CAF_CHECK_EQUAL(body().at("daemon").at("version"), json::value("1.2.3"));
  CAF_CHECK_EQUAL(get("/v1/peers"), 200u);
  CAF_CHECK(body().at("peers").is_array());
  CAF_CHECK_EQUAL(get("/v1/transfers"), 200u);
  CAF_CHECK(body().at("transfers").is_array());
  CAF_CHECK_EQUAL(get("/v1/actors"), 200u);
  CAF_CHECK_EQUAL(body().at("actors").as_array().size(), 3u);
  CAF_CHECK_EQUAL(body().at("daemon").at("pid"), json::value(42));
  CAF_CHECK_EQUAL(get("/v1/actors/4"), 200u);
  CAF_CHECK_EQUAL(json::serialize(body().at("data")), "{\"n\":1}");
  CAF_CHECK_EQUAL(get("/v1/tree"), 200u);
  CAF_CHECK_EQUAL(body().at("tree").at("children").as_array().size(), 2u);
  CAF_CHECK_EQUAL(get("/v1/crashes"), 200u);
  CAF_CHECK_EQUAL(body().at("total"), json::value(7));
  CAF_CHECK_EQUAL(body().at("crashes").as_array().size(), 2u);
  CAF_CHECK_EQUAL(get("/v1/pod"), 200u);
  CAF_CHECK(body().at("members").at(0).at("error").is_null());
  CAF_CHECK_EQUAL(body().at("members").at(1).at("error"),
                  json::value("it does not allow it"));
  CAF_CHECK_EQUAL(get("/metrics"), 200u);
  CAF_CHECK_EQUAL(last.content_type,
                  "text/plain; version=0.0.4; charset=utf-8");
  CAF_CHECK(last.body.find("\npeapod_crashes_total 7\n") != std::string::npos);
}

CAF_TEST(a pod that does not answer is said to be so) {
  pod->answers = false;
  for (auto path : {"/v1/status", "/v1/peers", "/v1/transfers", "/v1/tree"}) {
    CAF_CHECK_EQUAL(get(path), 503u);
    CAF_CHECK(is_failure());
  }
  CAF_CHECK_EQUAL(get("/metrics"), 200u);
}

CAF_TEST(mistakes are told in a sentence) {
  CAF_CHECK_EQUAL(get("/v1/nothing"), 404u);
  CAF_CHECK(is_failure());
  CAF_CHECK_EQUAL(post("/v1/actors"), 405u);
  CAF_CHECK(is_failure());
  CAF_REQUIRE_EQUAL(last.fields.size(), 1u);
  CAF_CHECK_EQUAL(last.fields[0].first, "Allow");
  CAF_CHECK_EQUAL(last.fields[0].second, "GET, HEAD");
  CAF_CHECK_EQUAL(get("/v1/actors/x"), 400u);
  CAF_CHECK(is_failure());
}

CAF_TEST(actors that never were and actors that have ended are told apart) {
  for (auto tail : {"", "/kill", "/restart", "/fault"})
    for (auto [id, status] : {std::pair{"2", 410u}, {"5", 404u}}) {
      auto path = std::string{"/v1/actors/"} + id + tail;
      auto got = *tail == 0 ? get(path) : post(path, R"({"action":"drop"})");
      CAF_CHECK_EQUAL(got, status);
      CAF_CHECK(is_failure());
    }
  CAF_CHECK_EQUAL(get("/v1/trace?actor=2"), 410u);
  CAF_CHECK_EQUAL(get("/v1/trace?actor=5"), 404u);
  CAF_CHECK(is_failure());
}

CAF_TEST(an actor is killed or it is said why not ) {
  CAF_CHECK_EQUAL(post("/v1/actors/4/kill"), 200u);
  CAF_CHECK_EQUAL(last.body, "{\"killed\":4}\n");
  CAF_CHECK_EQUAL(post("/v1/actors/1/kill"), 409u);
  CAF_CHECK_EQUAL(body().at("error"), json::value("the root stays"));
  CAF_CHECK_EQUAL(post("/v1/actors/3/kill"), 504u);
  CAF_CHECK(is_failure());
}

CAF_TEST(a restart tells the new number if there is one yet) {
  CAF_CHECK_EQUAL(post("/v1/actors/4/restart"), 200u);
  CAF_CHECK_EQUAL(last.body, "{\"restarted\":4,\"as\":9}\n");
  pod->starts_again = false;
  CAF_CHECK_EQUAL(post("/v1/actors/4/restart"), 200u);
  CAF_CHECK_EQUAL(last.body, "{\"restarted\":4,\"as\":null}\n");
  CAF_CHECK_EQUAL(post("/v1/actors/1/restart"), 409u);
  CAF_CHECK_EQUAL(post("/v1/actors/3/restart"), 504u);
}

CAF_TEST(a fault goes to the actor and is told back) {
  CAF_CHECK_EQUAL(
      post("/v1/actors/4/fault", R"({"action":"delay","every":2,"delay":1})"),
      200u);
  CAF_REQUIRE_EQUAL(pod->injected.size(), 1u);
  CAF_CHECK_EQUAL(pod->injected[0].first, 4u);
  CAF_CHECK(pod->injected[0].second.what == fault::kind::delay);
  CAF_CHECK(pod->injected[0].second.delay == 1s);
  CAF_CHECK_EQUAL(body().at("actor"), json::value(4));
  CAF_CHECK_EQUAL(std::string{body().at("fault").as_string()},
                  to_string(pod->injected[0].second));
  CAF_CHECK_EQUAL(post("/v1/actors/4/fault", "{}"), 400u);
  CAF_CHECK(is_failure());
  CAF_CHECK_EQUAL(pod->injected.size(), 1u);
}

CAF_TEST(nothing is disturbed unless the configuration allows it) {
  api = make(false);
  CAF_CHECK_EQUAL(post("/v1/actors/4/fault", R"({"action":"crash"})"), 403u);
  CAF_CHECK(is_failure());
  CAF_CHECK_EQUAL(post("/v1/actors/4/fault", "nonsense"), 403u);
  CAF_CHECK(pod->injected.empty());
  CAF_CHECK_EQUAL(post("/v1/actors/4/kill"), 200u);
}

// -- streams ------------------------------------------------------------------

CAF_TEST(a device is let in and out and told how it stands then) {
  CAF_CHECK_EQUAL(post("/v1/peers/phone/trust"), 200u);
  CAF_CHECK_EQUAL(body().at("peer").at("name"), json::value("phone"));
  CAF_CHECK_EQUAL(body().at("peer").at("trust"), json::value("trusted"));
  CAF_CHECK_EQUAL(post("/v1/peers/phone/untrust"), 200u);
  CAF_CHECK_EQUAL(body().at("peer").at("trust"), json::value("stranger"));
}

CAF_TEST(why a device is not let in is told) {
  CAF_CHECK_EQUAL(post("/v1/peers/nobody/trust"), 404u);
  CAF_CHECK_EQUAL(body().at("error"), json::value("there is no such device"));
  CAF_CHECK_EQUAL(post("/v1/peers/twins/trust"), 409u);
  CAF_CHECK_EQUAL(post("/v1/peers/full%20disk/trust"), 500u);
}

CAF_TEST(the words that were compared reach the pod in lower case) {
  auto say = [&](std::string_view body) {
    return post("/v1/peers/careful/trust", std::string{body});
  };
  CAF_CHECK_EQUAL(say(R"({"code":["a","B"]})"), 200u);
  CAF_CHECK_EQUAL(say(trust_body({"a", "b"})), 200u);
  CAF_CHECK_EQUAL(say(R"({"code":["a","c"]})"), 409u);
  CAF_CHECK_EQUAL(say(""), 409u);
  for (auto* odd : {"[]", "{}", "{", R"({"code":"a b"})", R"({"code":[1]})",
                    R"({"code":[""]})", R"({"code":["a"],"x":1})",
                    R"({"code":["a b"]})", R"({"code":["a"," "]})",
                    R"({"code":["a","b","c","d","e","f","g","h","i"]})",
                    R"({"code":["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]})"})
    CAF_CHECK_EQUAL(say(odd), 400u);
}

CAF_TEST(events have their number and kind and data in one line) {
  CAF_CHECK_EQUAL(get("/v1/events"), 200u);
  CAF_CHECK_EQUAL(last.content_type, "text/event-stream");
  CAF_CHECK(!pod->asked_since);
  CAF_CHECK_EQUAL(pull(), "");
  auto x = event(8);
  x.text = "a\nb";
  pod->happening->put(x);
  CAF_CHECK_EQUAL(pull(),
                  "id: 8\nevent: peer_up\ndata: "
                  R"({"seq":8,"time":"1970-01-01T00:00:00.000Z",)"
                  R"("kind":"peer_up","actor":null,"name":"","about":"",)"
                  R"("text":"a\nb"})"
                  "\n\n");
  pod->happening->end();
  CAF_CHECK_EQUAL(pull(), "END");
}

CAF_TEST(events go on after the last one that came) {
  CAF_CHECK_EQUAL(get("/v1/events?since=3"), 200u);
  CAF_CHECK(pod->asked_since == 3u);
  CAF_CHECK_EQUAL(ask("GET", "/v1/events?since=3", "", "12"), 200u);
  CAF_CHECK(pod->asked_since == 12u);
}

CAF_TEST(events that a slow client missed are counted for it and for all) {
  CAF_CHECK_EQUAL(get("/v1/events"), 200u);
  for (uint64_t i = 1; i <= 7; ++i)
    pod->happening->put(event(i));
  auto text = pull();
  CAF_CHECK(text.find("id: 4\n") < text.find("event: dropped\n"));
  CAF_CHECK(text.ends_with("event: dropped\ndata: {\"count\":3}\n\n"));
  CAF_CHECK(text.find("id: 5\n") == std::string::npos);
  auto stream = std::move(last.stream);
  CAF_CHECK_EQUAL(get("/metrics"), 200u);
  CAF_CHECK(last.body.find("\npeapod_events_dropped_total 3\n")
            != std::string::npos);
}

CAF_TEST(many events are made in pieces) {
  pod->happening = std::make_shared<feed<pod_event>>(1000);
  CAF_CHECK_EQUAL(get("/v1/events"), 200u);
  for (uint64_t i = 1; i <= 1000; ++i)
    pod->happening->put(event(i));
  size_t pieces = 0;
  std::string all;
  for (auto text = pull(); !text.empty(); text = pull()) {
    CAF_CHECK(text.size() < (20 << 10));
    all += text;
    ++pieces;
  }
  CAF_CHECK(pieces > 1);
  CAF_CHECK(all.find("id: 1000\n") != std::string::npos);
}

CAF_TEST(a trace ends with its actor) {
  CAF_CHECK_EQUAL(get("/v1/trace?actor=4"), 200u);
  message_record x;
  x.to = 4;
  x.type = "tick";
  pod->messages->put(x);
  auto text = pull();
  CAF_CHECK(text.starts_with("event: message\ndata: {"));
  CAF_CHECK(text.find("\"type\":\"tick\"") != std::string::npos);
  pod->messages->end();
  CAF_CHECK_EQUAL(pull(), "event: ended\ndata: {\"actor\":4}\n\nEND");
}

CAF_TEST_FIXTURE_SCOPE_END()
