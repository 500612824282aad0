#include "hosts/get/tus_upload.hpp"

#include "core/http_semantics.hpp"
#include "hosts/get/file_name.hpp"
#include "hosts/get/user_info.hpp"

#include <algorithm>
#include <charconv>

namespace peapod {

namespace {

error nonsense(std::string what) {
  return make_error(errc::bad_http, std::move(what));
}

std::optional<uint64_t> number_in(const http_fields& fields,
                                  std::string_view name) {
  auto text = fields.find(name);
  if (!text)
    return std::nullopt;
  uint64_t out = 0;
  auto end = text->data() + text->size();
  auto [ptr, ec] = std::from_chars(text->data(), end, out);
  return ec == std::errc{} && ptr == end ? std::optional{out} : std::nullopt;
}

upload_request make_request(std::string method, const url& target,
                            const http_fields& fields) {
  upload_request out;
  out.head.method = std::move(method);
  out.head.target = target;
  out.head.fields = fields;
  out.head.fields.set("Tus-Resumable", "1.0.0");
  return out;
}

/// Each part is an upload of its own, which the server puts together.
class tus_upload final : public upload_protocol {
public:
  tus_upload(upload_plan plan, tus_abilities server)
    : plan_(std::move(plan)), server_(server) {}

  std::string name() const override {
    return "tus";
  }

  std::optional<upload_request> begin() override {
    return std::nullopt;
  }

  result<void> began(const upload_answer&) override {
    return {};
  }

  /// POST makes the part; after a failure HEAD says how far it is; PATCH
  /// brings the rest.
  upload_request next(const upload_part& part) override {
    if (part.location.empty())
      return make_part(part.range.size());
    auto place = follow(plan_.target, part.location);
    auto& target = place ? *place : plan_.target;
    if (part.step == asks_offset)
      return make_request("HEAD", target, plan_.fields);
    auto out = make_request("PATCH", target, plan_.fields);
    out.head.fields.set("Content-Type", "application/offset+octet-stream");
    out.head.fields.set("Upload-Offset", std::to_string(part.sent));
    out.file = {part.range.begin + part.sent, part.range.end};
    out.head.framing = body_framing::length;
    out.head.content_length = out.file->size();
    return out;
  }

  result<bool> took(upload_part& part, const upload_answer& answer) override {
    auto& head = answer.head;
    if (part.location.empty())
      return take_location(part, answer);
    auto offset = number_in(head.fields, "Upload-Offset");
    bool asked = part.step == asks_offset;
    if (head.status / 100 != 2) {
      // A part that was forgotten is made anew.
      if (asked && (head.status == 404 || head.status == 410)) {
        part = {part.range, part.number, 0, 0, {}, {}};
        return false;
      }
      return refusal(answer);
    }
    if (!offset || *offset > part.range.size()
        || (!asked && *offset != part.range.size()))
      return nonsense("the server has another number of bytes than it got");
    part.sent = *offset;
    part.step = 0;
    return part.sent == part.range.size();
  }

  void lost(upload_part& part) override {
    part.step = part.location.empty() ? 0 : asks_offset;
  }

  std::optional<upload_request>
  finish(const std::vector<upload_part>& parts) override {
    if (plan_.parts.size() == 1) {
      place_ = place_of(parts.front());
      return std::nullopt;
    }
    std::string list = "final;";
    for (auto& x : parts)
      list += (x.number == 0 ? "" : " ") + place_of(x);
    auto out = make_request("POST", plan_.target, plan_.fields);
    out.head.fields.set("Upload-Concat", list);
    add_metadata(out);
    out.head.framing = body_framing::length;
    return out;
  }

  result<void> finished(const upload_answer& answer) override {
    if (answer.head.status / 100 != 2)
      return refusal(answer);
    if (auto where = answer.head.fields.find("Location"))
      if (auto place = follow(plan_.target, *where))
        place_ = place->text();
    return {};
  }

  std::vector<upload_request>
  abort(const std::vector<upload_part>& parts) override {
    std::vector<upload_request> out;
    if (!server_.termination)
      return out;
    for (auto& x : parts)
      if (!x.location.empty())
        if (auto place = follow(plan_.target, x.location))
          out.push_back(make_request("DELETE", *place, plan_.fields));
    return out;
  }

  std::string place() const override {
    return place_;
  }

private:
  static constexpr unsigned asks_offset = 1;

  upload_request make_part(uint64_t size) {
    auto out = make_request("POST", plan_.target, plan_.fields);
    out.head.fields.set("Upload-Length", std::to_string(size));
    if (plan_.parts.size() > 1)
      out.head.fields.set("Upload-Concat", "partial");
    else
      add_metadata(out);
    out.head.framing = body_framing::length;
    return out;
  }

  void add_metadata(upload_request& to) const {
    to.head.fields.set("Upload-Metadata", "filename " + base64(plan_.name));
  }

  result<bool> take_location(upload_part& part, const upload_answer& answer) {
    if (answer.head.status != 201)
      return refusal(answer);
    auto where = answer.head.fields.find("Location");
    if (!where || !follow(plan_.target, *where))
      return nonsense("the server does not say where the part is");
    // What the request says of its user is for that server alone.
    if (follow(plan_.target, *where)->origin() != plan_.target.origin())
      return nonsense("the server wants the part at another server");
    part.location = std::string{*where};
    return part.range.empty();
  }

  std::string place_of(const upload_part& part) const {
    auto place = follow(plan_.target, part.location);
    return place ? place->text() : part.location;
  }

  upload_plan plan_;
  tus_abilities server_;
  std::string place_;
};

class plain_upload final : public upload_protocol {
public:
  explicit plain_upload(upload_plan plan) : plan_(std::move(plan)) {}

  std::string name() const override {
    return "put";
  }

  std::optional<upload_request> begin() override {
    return std::nullopt;
  }

  result<void> began(const upload_answer&) override {
    return {};
  }

  upload_request next(const upload_part& part) override {
    upload_request out;
    out.head.method = "PUT";
    out.head.target = plan_.target;
    out.head.fields = plan_.fields;
    out.head.framing = body_framing::length;
    out.head.content_length = part.range.size();
    out.file = part.range;
    return out;
  }

  result<bool> took(upload_part&, const upload_answer& answer) override {
    if (answer.head.status / 100 != 2)
      return refusal(answer);
    return true;
  }

  void lost(upload_part&) override {}

  /// The server may have taken it, and somebody may have changed it since.
  bool can_repeat() const override {
    return false;
  }

  std::optional<upload_request>
  finish(const std::vector<upload_part>&) override {
    return std::nullopt;
  }

  result<void> finished(const upload_answer&) override {
    return {};
  }

  std::vector<upload_request> abort(const std::vector<upload_part>&) override {
    return {};
  }

  std::string place() const override {
    auto& x = plan_.target;
    return x.origin() + x.target.substr(0, x.target.find('?'));
  }

private:
  upload_plan plan_;
};

} // namespace

std::optional<tus_abilities> parse_tus_options(const response_head& head) {
  auto& fields = head.fields;
  bool speaks = fields.has_token("Tus-Version", "1.0.0")
                || fields.has_token("Tus-Resumable", "1.0.0");
  if (head.status / 100 != 2 || !speaks)
    return std::nullopt;
  tus_abilities out;
  out.creation = fields.has_token("Tus-Extension", "creation");
  out.concatenation = fields.has_token("Tus-Extension", "concatenation");
  out.termination = fields.has_token("Tus-Extension", "termination");
  out.max_size = number_in(fields, "Tus-Max-Size");
  return out;
}

upload_request make_tus_question(const url& target, const http_fields& fields) {
  upload_request out;
  out.head.method = "OPTIONS";
  out.head.target = target;
  out.head.fields = fields;
  return out;
}

std::unique_ptr<upload_protocol> make_tus_upload(upload_plan plan,
                                                 tus_abilities server) {
  return std::make_unique<tus_upload>(std::move(plan), server);
}

std::unique_ptr<upload_protocol> make_plain_upload(upload_plan plan) {
  return std::make_unique<plain_upload>(std::move(plan));
}

} // namespace peapod
