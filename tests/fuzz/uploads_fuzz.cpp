// What servers answer to uploads, and where they lead: the first line is a
// field's value, the rest a body.

#include "hosts/get/file_name.hpp"
#include "hosts/get/line_rates.hpp"
#include "hosts/get/s3_upload.hpp"
#include "hosts/get/tus_upload.hpp"
#include "hosts/get/user_info.hpp"
#include "tests/fuzz/check.hpp"

using namespace peapod;

namespace {

upload_plan plan() {
  upload_plan out;
  out.target = *parse_url("https://a.test/b/c");
  out.size = 10;
  out.parts = parts_of(10, 5);
  out.clock = [] { return std::chrono::sys_seconds{}; };
  out.hash = [](byte_range) { return digest{}; };
  return out;
}

upload_answer answer(unsigned status, const std::string& value,
                     const std::string& body) {
  upload_answer out;
  out.head.status = status;
  for (auto name :
       {"ETag", "Location", "Upload-Offset", "Tus-Extension", "Content-Type"})
    out.head.fields.add(name, value);
  out.body = body;
  return out;
}

void try_part(upload_protocol& x, const upload_answer& got) {
  upload_part part{{0, 5}, 0, 0, 0, {}, {}};
  for (int i = 0; i < 3; ++i) {
    auto request = x.next(part);
    check(request.head.target.origin() == "https://a.test",
          "a part goes elsewhere");
    auto done = x.took(part, got);
    check(part.sent <= part.range.size(), "more than the part");
    if (!done)
      x.lost(part);
    else if (*done)
      break;
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string in{reinterpret_cast<const char*>(data), size};
  auto end = std::min(in.find('\n'), in.size());
  auto value = in.substr(0, end);
  auto body = end < in.size() ? in.substr(end + 1) : std::string{};
  for (unsigned status : {200u, 201u, 204u, 404u}) {
    auto got = answer(status, value, body);
    refusal(got);
    auto s3 = make_s3_upload(plan(), {"id", "secret", "token", "region"});
    if (s3->began(got))
      try_part(*s3, got);
    static_cast<void>(s3->finished(got));
    auto tus = make_tus_upload(plan(), {true, true, true, std::nullopt});
    try_part(*tus, got);
    parse_tus_options(got.head);
  }
  static_cast<void>(parse_url_list(in));
  static_cast<void>(parse_s3_target(in, "r", ""));
  if (auto to = follow(*parse_url("https://a.test/b"), in))
    check(to->scheme == "http" || to->scheme == "https", "another scheme");
  constexpr std::chrono::sys_seconds now{std::chrono::seconds{1'800'000'000}};
  auto rates = parse_line_rates(in, now);
  check(parse_line_rates(to_text(rates), now) == rates, "other rates");
  if (auto plain = take_user_info(in))
    check(plain->authorization.find_first_of("\r\n") == std::string::npos,
          "more than one field");
  auto name = safe_name(in);
  check(name.find('/') == std::string::npos && name.size() <= 240, "a path");
  return 0;
}
