#include "hosts/get/upload_protocol.hpp"

#include "hosts/common/terminal_text.hpp"
#include "hosts/get/file_name.hpp"

#include <pugixml.hpp>

namespace peapod {

namespace {

constexpr size_t most_words = 200;

/// `<Error><Code>..</Code><Message>..</Message></Error>`
std::string s3_words(const std::string& body) {
  pugi::xml_document document;
  if (!document.load_buffer(body.data(), body.size()))
    return {};
  auto said = document.child("Error");
  std::string code = said.child("Code").text().get();
  std::string message = said.child("Message").text().get();
  return message.empty() ? code : code + ": " + message;
}

} // namespace

std::vector<byte_range> parts_of(uint64_t size, uint64_t part_size) {
  std::vector<byte_range> out;
  for (uint64_t at = 0; at < size; at += part_size)
    out.push_back({at, std::min(size, at + part_size)});
  if (out.empty())
    out.push_back({0, 0});
  return out;
}

result<std::optional<url>> redirect_of(const url& asked,
                                       const upload_answer& answer) {
  auto& head = answer.head;
  auto location = head.fields.find("Location");
  if ((head.status != 307 && head.status != 308) || !location)
    return std::optional<url>{};
  auto to = follow(asked, *location);
  if (!to)
    return make_error(errc::bad_http, "the server redirects to what cannot be "
                                      "asked for: "
                                          + to.error().detail);
  if (asked.scheme == "https" && to->scheme != "https")
    return make_error(errc::certificate_refused,
                      "the server redirects from https to " + to->origin()
                          + ", where anybody could read it");
  return std::optional{std::move(*to)};
}

error refusal(const upload_answer& answer) {
  auto& head = answer.head;
  auto text = "the server answers " + std::to_string(head.status);
  if (!head.reason.empty())
    text += " " + head.reason;
  auto words = s3_words(answer.body);
  if (words.empty() && head.fields.has_token("Content-Type", "text/plain"))
    words = answer.body.substr(0, answer.body.find_last_not_of("\r\n") + 1);
  if (auto to = head.fields.find("Location"); to && head.status / 100 == 3)
    words = "it leads to " + std::string{to->substr(0, to->find('?'))};
  if (!words.empty())
    text += " (" + printable(words.substr(0, most_words)) + ")";
  return make_error(errc::origin_refused, text);
}

} // namespace peapod
