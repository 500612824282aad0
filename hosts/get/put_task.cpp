#include "hosts/get/put_task.hpp"

#include "hosts/common/state_file.hpp"
#include "hosts/get/file_name.hpp"
#include "hosts/get/get_items.hpp"
#include "hosts/get/s3_upload.hpp"

#include <cstdlib>
#include <filesystem>

namespace peapod {

namespace {

error usage(std::string what) {
  return make_error(errc::bad_config, std::move(what));
}

std::string environment_text(const char* name) {
  auto* text = std::getenv(name);
  return text != nullptr ? text : "";
}

result<s3_credentials> credentials_of_environment() {
  s3_credentials out;
  out.key_id = environment_text("AWS_ACCESS_KEY_ID");
  out.secret = environment_text("AWS_SECRET_ACCESS_KEY");
  out.token = environment_text("AWS_SESSION_TOKEN");
  out.region = environment_text("AWS_REGION");
  if (out.region.empty())
    out.region = environment_text("AWS_DEFAULT_REGION");
  if (out.region.empty())
    out.region = "us-east-1";
  if (out.key_id.empty() || out.secret.empty())
    return usage("S3 wants AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the "
                 "environment, or --part-urls");
  return out;
}

/// What S3 asks of parts.
void keep_to_s3(upload_task& to) {
  to.min_part = std::max<uint64_t>(to.min_part, s3_min_part);
  to.max_parts = s3_max_parts;
  to.is_cut = true;
}

result<url> s3_target(const put_options& x, const std::string& region) {
  if (x.target.starts_with("s3://"))
    return parse_s3_target(x.target, region,
                           environment_text("AWS_ENDPOINT_URL"));
  auto out = parse_item_url(x.target);
  if (!out)
    return out.error();
  if (!out->authorization.empty())
    return usage("S3 takes no user and password in a URL");
  return std::move(out->where);
}

result<void> use_s3(upload_task& to, const put_options& x) {
  auto who = credentials_of_environment();
  if (!who)
    return who.error();
  auto target = s3_target(x, who->region);
  if (!target)
    return target.error();
  if (target->target.find('?') != std::string::npos)
    return usage("a URL that is signed already is for --part-urls");
  if (x.part_size > 0 && x.part_size < s3_min_part)
    return usage("S3 takes no parts below 5 MiB");
  to.plan.target = std::move(*target);
  to.make_protocol = [who = *who](upload_plan plan) {
    return std::shared_ptr{make_s3_upload(std::move(plan), who)};
  };
  keep_to_s3(to);
  return {};
}

result<std::optional<url>> optional_url(const std::string& text) {
  if (text.empty())
    return std::optional<url>{};
  auto out = parse_url(text);
  if (!out)
    return usage(out.error().detail);
  return std::optional{std::move(*out)};
}

result<void> use_presigned(upload_task& to, const put_options& x) {
  auto text = read_state_file(x.part_urls);
  if (!text)
    return text.error();
  if (!*text)
    return usage(x.part_urls + ": there is no such file");
  auto urls = parse_url_list(**text);
  if (!urls)
    return usage(x.part_urls + ": " + urls.error().detail);
  auto complete = optional_url(x.complete_url);
  auto abort = optional_url(x.abort_url);
  if (!complete || !abort)
    return (!complete ? complete : abort).error();
  auto size = to.plan.size;
  auto count = urls->size();
  auto part = x.part_size > 0
                  ? x.part_size
                  : std::max<uint64_t>((size + count - 1) / count, 1);
  to.plan.parts = parts_of(size, part);
  if (to.plan.parts.size() > count)
    return usage(x.part_urls + " has " + std::to_string(count)
                 + " URLs, and parts of this size are "
                 + std::to_string(to.plan.parts.size()));
  to.plan.target = urls->front();
  for (auto& one : *urls)
    if (one.scheme != to.plan.target.scheme)
      return usage(x.part_urls + " mixes http and https");
  presigned_urls all{std::move(*urls), *complete, *abort};
  to.make_protocol = [all = std::move(all)](upload_plan plan) {
    return std::shared_ptr{make_presigned_upload(std::move(plan), all)};
  };
  return {};
}

result<void> use_http(upload_task& to, const put_options& x) {
  auto target = parse_item_url(x.target);
  if (!target)
    return target.error();
  to.plan.target = std::move(target->where);
  if (!target->authorization.empty() && !to.plan.fields.find("Authorization"))
    to.plan.fields.add("Authorization", target->authorization);
  to.must_be_tus = x.protocol == "tus";
  if (x.protocol == "put") {
    to.plan.parts = {{0, to.plan.size}};
    to.make_protocol = [](upload_plan plan) {
      return std::shared_ptr{make_plain_upload(std::move(plan))};
    };
  }
  return {};
}

} // namespace

result<upload_task> make_upload_task(const put_options& x,
                                     const std::string& version) {
  auto file = input_file::open(x.file);
  if (!file)
    return file.error();
  auto fields = request_fields(x.line, version);
  if (!fields)
    return fields.error();
  upload_task out;
  out.file = *file;
  out.plan.size = (**file).size();
  out.plan.name = std::filesystem::path{x.file}.filename().string();
  out.plan.fields = std::move(*fields);
  out.plan.clock = [] {
    return std::chrono::floor<std::chrono::seconds>(
        std::chrono::system_clock::now());
  };
  out.plan.hash = [file = *file](byte_range range) {
    return file->hash(range);
  };
  out.part_size = x.part_size;
  out.tries = x.line.tries;
  if (x.part_urls.empty() && x.target.empty())
    return usage("where to? Name a URL, or --part-urls");
  bool s3 = x.protocol == "s3" || x.target.starts_with("s3://");
  auto chosen = !x.part_urls.empty() ? use_presigned(out, x)
                : s3                 ? use_s3(out, x)
                                     : use_http(out, x);
  if (!chosen)
    return chosen.error();
  return out;
}

} // namespace peapod
