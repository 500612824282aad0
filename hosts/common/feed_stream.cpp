#include "hosts/common/feed_stream.hpp"

#include "hosts/common/actors_json.hpp"

#include <boost/json/serialize.hpp>

namespace peapod {

namespace {

namespace json = boost::json;

std::string render_event(const pod_event& x) {
  return sse_event(to_string(x.kind), json::serialize(to_json(x)),
                   std::to_string(x.seq));
}

std::string render_message(const message_record& x) {
  return sse_event("message", json::serialize(to_json(x)));
}

} // namespace

std::string sse_event(std::string_view kind, std::string_view data,
                      std::string_view id) {
  std::string out;
  if (!id.empty())
    (out += "id: ").append(id) += '\n';
  (out += "event: ").append(kind) += '\n';
  (out += "data: ").append(data) += "\n\n";
  return out;
}

std::string sse_dropped(uint64_t count) {
  return sse_event("dropped", "{\"count\":" + std::to_string(count) + "}");
}

std::unique_ptr<net::control_stream> events_of(feed_ptr<pod_event> source,
                                               loss_counter lost) {
  return std::make_unique<feed_stream<pod_event>>(
      std::move(source), render_event, "", std::move(lost));
}

std::unique_ptr<net::control_stream>
messages_of(actor_number actor, feed_ptr<message_record> source,
            loss_counter lost) {
  auto farewell =
      sse_event("ended", "{\"actor\":" + std::to_string(actor) + "}");
  return std::make_unique<feed_stream<message_record>>(
      std::move(source), render_message, std::move(farewell), std::move(lost));
}

} // namespace peapod
