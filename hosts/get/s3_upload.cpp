#include "hosts/get/s3_upload.hpp"

#include "core/integrity.hpp"

#include <pugixml.hpp>

#include <algorithm>
#include <sstream>

namespace peapod {

namespace {

digest hash_of(const std::string& text) {
  return sha256({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

error nonsense(std::string what) {
  return make_error(errc::bad_http, std::move(what));
}

void set_body(upload_request& x) {
  auto size = x.file ? x.file->size() : x.body.size();
  x.head.framing = body_framing::length;
  x.head.content_length = size;
}

/// CompleteMultipartUpload's body.
std::string list_of(const std::vector<upload_part>& parts) {
  pugi::xml_document out;
  auto root = out.append_child("CompleteMultipartUpload");
  for (auto& x : parts) {
    auto part = root.append_child("Part");
    part.append_child("PartNumber")
        .text()
        .set(static_cast<unsigned long long>(x.number + 1));
    part.append_child("ETag").text().set(x.etag.c_str());
  }
  std::ostringstream text;
  out.save(text, "", pugi::format_raw);
  return text.str();
}

result<void> take_etag(upload_part& part, const upload_answer& answer) {
  if (answer.head.status != 200)
    return refusal(answer);
  auto etag = answer.head.fields.find("ETag");
  if (!etag)
    return nonsense("the server gives no ETag for a part");
  part.etag = std::string{*etag};
  return {};
}

/// Errors may come in an answer that began well.
result<void> check_complete(const upload_answer& answer) {
  pugi::xml_document document;
  bool good = answer.head.status == 200
              && document.load_buffer(answer.body.data(), answer.body.size())
              && document.child("CompleteMultipartUploadResult");
  return good ? result<void>{} : refusal(answer);
}

/// Signed with a key of ours.
class s3_upload final : public upload_protocol {
public:
  s3_upload(upload_plan plan, s3_credentials who)
    : plan_(std::move(plan)), who_(std::move(who)) {}

  std::string name() const override {
    return "s3";
  }

  std::optional<upload_request> begin() override {
    if (single())
      return std::nullopt;
    return request("POST", "uploads=", {}, std::nullopt);
  }

  result<void> began(const upload_answer& answer) override {
    if (answer.head.status != 200)
      return refusal(answer);
    pugi::xml_document document;
    if (document.load_buffer(answer.body.data(), answer.body.size()))
      id_ = document.child("InitiateMultipartUploadResult")
                .child("UploadId")
                .text()
                .get();
    if (id_.empty())
      return nonsense("the server gives no UploadId");
    return {};
  }

  upload_request next(const upload_part& part) override {
    if (single())
      return request("PUT", {}, {}, part.range);
    return request("PUT",
                   "partNumber=" + std::to_string(part.number + 1)
                       + "&uploadId=" + uri_encoded(id_),
                   {}, part.range);
  }

  result<bool> took(upload_part& part, const upload_answer& answer) override {
    if (auto ok = take_etag(part, answer); !ok)
      return ok.error();
    return true;
  }

  void lost(upload_part&) override {}

  std::optional<upload_request>
  finish(const std::vector<upload_part>& parts) override {
    if (single())
      return std::nullopt;
    return request("POST", "uploadId=" + uri_encoded(id_), list_of(parts),
                   std::nullopt);
  }

  result<void> finished(const upload_answer& answer) override {
    return check_complete(answer);
  }

  std::vector<upload_request> abort(const std::vector<upload_part>&) override {
    if (id_.empty())
      return {};
    return {
        request("DELETE", "uploadId=" + uri_encoded(id_), {}, std::nullopt)};
  }

  std::string place() const override {
    return plan_.target.text();
  }

private:
  bool single() const {
    return plan_.parts.size() == 1;
  }

  upload_request request(std::string method, const std::string& query,
                         std::string body, std::optional<byte_range> file) {
    upload_request out;
    out.head.method = std::move(method);
    out.head.target = plan_.target;
    if (!query.empty())
      out.head.target.target += "?" + query;
    out.head.fields = plan_.fields;
    out.body = std::move(body);
    out.file = file;
    if (out.head.method != "DELETE")
      set_body(out);
    sign(out.head, file ? plan_.hash(*file) : hash_of(out.body), who_,
         plan_.clock());
    return out;
  }

  upload_plan plan_;
  s3_credentials who_;
  std::string id_;
};

/// Signed by somebody else, who may not want us to see a key.
class presigned_upload final : public upload_protocol {
public:
  presigned_upload(upload_plan plan, presigned_urls urls)
    : plan_(std::move(plan)), urls_(std::move(urls)) {}

  std::string name() const override {
    return "s3";
  }

  std::optional<upload_request> begin() override {
    return std::nullopt;
  }

  result<void> began(const upload_answer&) override {
    return {};
  }

  upload_request next(const upload_part& part) override {
    return request("PUT", urls_.parts.at(part.number), {}, part.range);
  }

  result<bool> took(upload_part& part, const upload_answer& answer) override {
    if (auto ok = take_etag(part, answer); !ok)
      return ok.error();
    return true;
  }

  void lost(upload_part&) override {}

  std::optional<upload_request>
  finish(const std::vector<upload_part>& parts) override {
    if (!urls_.complete)
      return std::nullopt;
    return request("POST", *urls_.complete, list_of(parts), std::nullopt);
  }

  result<void> finished(const upload_answer& answer) override {
    return check_complete(answer);
  }

  std::vector<upload_request> abort(const std::vector<upload_part>&) override {
    if (!urls_.abort)
      return {};
    return {request("DELETE", *urls_.abort, {}, std::nullopt)};
  }

  std::string place() const override {
    auto& first = urls_.parts.front();
    return first.origin() + first.target.substr(0, first.target.find('?'));
  }

private:
  upload_request request(std::string method, const url& target,
                         std::string body, std::optional<byte_range> file) {
    upload_request out;
    out.head.method = std::move(method);
    out.head.target = target;
    out.head.fields = plan_.fields;
    out.body = std::move(body);
    out.file = file;
    if (out.head.method != "DELETE")
      set_body(out);
    return out;
  }

  upload_plan plan_;
  presigned_urls urls_;
};

} // namespace

result<std::vector<url>> parse_url_list(std::string_view text) {
  std::vector<url> out;
  size_t number = 0;
  while (!text.empty()) {
    ++number;
    auto end = text.find('\n');
    auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' '))
      line.remove_suffix(1);
    if (line.empty() || line[0] == '#')
      continue;
    auto parsed = parse_url(line);
    if (!parsed)
      return make_error(errc::bad_config, "line " + std::to_string(number)
                                              + ": " + parsed.error().detail);
    out.push_back(std::move(*parsed));
  }
  if (out.empty())
    return make_error(errc::bad_config, "there is no URL in it");
  return out;
}

result<url> parse_s3_target(std::string_view text, const std::string& region,
                            const std::string& endpoint) {
  constexpr std::string_view scheme = "s3://";
  text.remove_prefix(text.starts_with(scheme) ? scheme.size() : 0);
  auto slash = text.find('/');
  if (slash == 0 || slash == std::string_view::npos || slash + 1 == text.size())
    return make_error(errc::bad_config, "S3 is meant by s3://BUCKET/KEY");
  std::string bucket{text.substr(0, slash)};
  auto key = uri_encoded(text.substr(slash + 1), true);
  auto full =
      endpoint.empty()
          ? "https://" + bucket + ".s3." + region + ".amazonaws.com/" + key
          : endpoint.substr(0, endpoint.find_last_not_of('/') + 1) + "/"
                + uri_encoded(bucket) + "/" + key;
  auto out = parse_url(full);
  if (!out)
    return make_error(errc::bad_config, full + ": " + out.error().detail);
  return out;
}

std::unique_ptr<upload_protocol> make_s3_upload(upload_plan plan,
                                                s3_credentials who) {
  return std::make_unique<s3_upload>(std::move(plan), std::move(who));
}

std::unique_ptr<upload_protocol> make_presigned_upload(upload_plan plan,
                                                       presigned_urls urls) {
  return std::make_unique<presigned_upload>(std::move(plan), std::move(urls));
}

} // namespace peapod
