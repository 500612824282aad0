#include "hosts/get/receipt.hpp"

#include "hosts/common/json_text.hpp"

#include <boost/json.hpp>

namespace peapod {

namespace {

namespace json = boost::json;

json::value text_or_null(const std::optional<std::string>& x) {
  return x ? json::value(clean_utf8(*x)) : json::value();
}

/// What came and was not needed: all that devices have brought less what is in
/// the file of it. Of a file that is not complete, what transfers know of.
uint64_t duplicates(const receipt_entry& x) {
  uint64_t brought = 0;
  for (auto& device : x.view.devices)
    brought += device.bytes;
  auto needed = x.outcome.bytes - x.outcome.begun;
  if (x.outcome.failure || brought < needed)
    return x.view.wasted;
  return brought - needed;
}

json::object entry_json(const receipt_entry& x) {
  auto& outcome = x.outcome;
  json::array verified;
  for (auto& said_by : outcome.verified_by)
    verified.emplace_back(said_by);
  auto time = std::chrono::duration_cast<duration>(x.finished - x.started);
  json::object out{
      {"url", clean_utf8(x.from)},
      {"final_url", clean_utf8(resource_name(outcome.final_url))},
      {"file", clean_utf8(x.file)},
      {"complete", !outcome.failure.has_value()},
      {"bytes", outcome.bytes},
      {"resumed_from", outcome.begun},
      {"etag", text_or_null(outcome.rep.etag)},
      {"last_modified", text_or_null(outcome.rep.last_modified)},
      {"sha256", outcome.sha256 ? json::value(to_string(*outcome.sha256))
                                : json::value()},
      {"verified_by", std::move(verified)},
      {"devices", devices_json(x.view)},
      {"duplicate_bytes", duplicates(x)},
      {"tries", outcome.tries},
      {"started", rfc3339(x.started)},
      {"finished", rfc3339(x.finished)},
      {"seconds", json_seconds(time)},
  };
  if (outcome.failure)
    out["error"] = {{"code", static_cast<int>(outcome.failure->code)},
                    {"text", clean_utf8(outcome.failure->text)}};
  return out;
}

} // namespace

json::array devices_json(const board_view& view) {
  json::array out;
  for (auto& x : view.devices) {
    json::object device{
        {"id", x.id.empty() ? json::value() : json::value(x.id)},
        {"name", clean_utf8(x.name)},
        {"bytes", x.bytes}};
    if (!x.line.empty())
      device["line"] = clean_utf8(x.line);
    out.push_back(std::move(device));
  }
  return out;
}

std::string receipt_text(const std::vector<receipt_entry>& entries) {
  json::array downloads;
  for (auto& x : entries)
    downloads.push_back(entry_json(x));
  return json::serialize(json::object{{"downloads", std::move(downloads)}})
         + "\n";
}

} // namespace peapod
