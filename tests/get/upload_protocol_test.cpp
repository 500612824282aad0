#define CAF_SUITE upload_protocol

#include "hosts/get/s3_upload.hpp"
#include "hosts/get/tus_upload.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

upload_plan plan_of(std::string_view target, uint64_t size, uint64_t part) {
  upload_plan out;
  out.target = *parse_url(target);
  out.size = size;
  out.name = "name";
  out.parts = parts_of(size, part);
  out.clock = [] { return std::chrono::sys_seconds{}; };
  out.hash = [](byte_range) { return digest{}; };
  return out;
}

upload_answer answer(unsigned status, http_fields fields,
                     std::string body = {}) {
  upload_answer out;
  out.head.status = status;
  out.head.fields = std::move(fields);
  out.body = std::move(body);
  return out;
}

upload_part part(uint64_t begin, uint64_t end, size_t number) {
  return {{begin, end}, number, 0, 0, {}, {}};
}

} // namespace

CAF_TEST(a file has parts without gaps) {
  CAF_CHECK_EQUAL(parts_of(0, 5).size(), 1u);
  CAF_CHECK_EQUAL(parts_of(5, 5).size(), 1u);
  auto parts = parts_of(12, 5);
  CAF_REQUIRE_EQUAL(parts.size(), 3u);
  CAF_CHECK(parts[2] == (byte_range{10, 12}));
}

CAF_TEST(parts of S3 are numbered and put together by their tags) {
  auto s3 = make_s3_upload(plan_of("https://b.test/k", 10, 5),
                           {"id", "secret", "", "region"});
  auto begin = s3->begin();
  CAF_CHECK_EQUAL(begin->head.target.target, "/k?uploads=");
  CAF_CHECK(s3->began(answer(200, {},
                             "<InitiateMultipartUploadResult><UploadId>"
                             "a+b</UploadId>"
                             "</InitiateMultipartUploadResult>"))
                .has_value());
  auto second = part(5, 10, 1);
  auto request = s3->next(second);
  CAF_CHECK_EQUAL(request.head.target.target, "/k?partNumber=2&uploadId=a%2Bb");
  CAF_CHECK_EQUAL(request.head.content_length, 5u);
  CAF_CHECK(!s3->took(second, answer(200, {})));
  CAF_CHECK(s3->took(second, answer(200, {{"ETag", "\"<t>\""}})).value());
  auto list = s3->finish({second});
  CAF_CHECK_EQUAL(list->body,
                  "<?xml version=\"1.0\"?>"
                  "<CompleteMultipartUpload><Part><PartNumber>2</PartNumber>"
                  "<ETag>\"&lt;t&gt;\"</ETag></Part>"
                  "</CompleteMultipartUpload>");
  CAF_CHECK(!s3->finished(answer(200, {},
                                 "<Error><Code>InternalError</Code>"
                                 "</Error>")));
  CAF_CHECK_EQUAL(s3->abort({}).size(), 1u);
}

CAF_TEST(an answer without an upload is an error) {
  auto s3 = make_s3_upload(plan_of("https://b.test/k", 10, 5), {});
  for (auto body : {"", "<", "<a/>", "<InitiateMultipartUploadResult/>"})
    CAF_CHECK(!s3->began(answer(200, {}, body)));
  CAF_CHECK(s3->abort({}).empty());
}

CAF_TEST(a part of tus is made and filled) {
  tus_abilities all{true, true, true, std::nullopt};
  auto tus = make_tus_upload(plan_of("https://t.test/files", 10, 5), all);
  auto x = part(5, 10, 1);
  auto made = tus->next(x);
  CAF_CHECK_EQUAL(made.head.method, "POST");
  CAF_CHECK_EQUAL(made.head.fields.joined("Upload-Concat"), "partial");
  CAF_CHECK(!tus->took(x, answer(201, {{"Location", "/files/1"}})).value());
  auto filled = tus->next(x);
  CAF_CHECK_EQUAL(filled.head.method, "PATCH");
  CAF_CHECK(filled.file == std::optional{byte_range{5, 10}});
  tus->lost(x);
  CAF_CHECK_EQUAL(tus->next(x).head.method, "HEAD");
  CAF_CHECK(!tus->took(x, answer(200, {{"Upload-Offset", "2"}})).value());
  auto rest = tus->next(x);
  CAF_CHECK(rest.file == std::optional{byte_range{7, 10}});
  CAF_CHECK(tus->took(x, answer(204, {{"Upload-Offset", "5"}})).value());
  auto first = part(0, 5, 0);
  first.location = "/files/0";
  auto final = tus->finish({first, x});
  CAF_CHECK_EQUAL(final->head.fields.joined("Upload-Concat"),
                  "final;https://t.test/files/0 https://t.test/files/1");
}

CAF_TEST(a tus server cannot send parts elsewhere or miscount) {
  tus_abilities all{true, true, true, std::nullopt};
  auto tus = make_tus_upload(plan_of("https://t.test/files", 10, 5), all);
  auto x = part(0, 5, 0);
  for (auto where : {"https://u.test/1", "http://t.test/1", "ftp://t.test/"})
    CAF_CHECK(!tus->took(x, answer(201, {{"Location", where}})));
  CAF_CHECK(!tus->took(x, answer(201, {})));
  x.location = "/files/0";
  for (auto offset : {"4", "6", "-1", "x"})
    CAF_CHECK(!tus->took(x, answer(204, {{"Upload-Offset", offset}})));
}

CAF_TEST(what a tus server can do is read from its answer) {
  auto head = answer(204, {{"Tus-Version", "1.0.0,0.2.2"},
                           {"Tus-Extension", "creation,concatenation"},
                           {"Tus-Max-Size", "99"}})
                  .head;
  auto tus = parse_tus_options(head);
  CAF_REQUIRE(tus.has_value());
  CAF_CHECK(tus->concatenation && !tus->termination);
  CAF_CHECK(tus->max_size == std::optional<uint64_t>{99});
  CAF_CHECK(!parse_tus_options(answer(200, {}).head));
  CAF_CHECK(!parse_tus_options(answer(404, {{"Tus-Version", "1.0.0"}}).head));
}

CAF_TEST(targets of S3 are buckets and keys) {
  auto text = [](std::string_view target, std::string endpoint) {
    auto out = parse_s3_target(target, "eu", endpoint);
    return out ? out->text() : "none";
  };
  CAF_CHECK_EQUAL(text("s3://b/k/l m", ""),
                  "https://b.s3.eu.amazonaws.com/k/l%20m");
  CAF_CHECK_EQUAL(text("s3://b/k", "http://[::1]:9000/"),
                  "http://[::1]:9000/b/k");
  for (auto bad : {"s3://", "s3://b", "s3://b/", "s3:///k"})
    CAF_CHECK_EQUAL(text(bad, ""), "none");
}

CAF_TEST(lists of URLs are read by lines) {
  auto urls =
      parse_url_list("# parts\nhttps://a.test/1?x\r\n\nhttps://a.test/2");
  CAF_REQUIRE(urls.has_value());
  CAF_CHECK_EQUAL(urls->size(), 2u);
  CAF_CHECK(!parse_url_list(""));
  CAF_CHECK(!parse_url_list("https://a.test/\nnonsense"));
}
