#include "hosts/get/metalink.hpp"

#include "hosts/get/checksum.hpp"
#include "hosts/get/file_name.hpp"

#include <pugixml.hpp>

#include <algorithm>
#include <charconv>

namespace peapod {

namespace {

constexpr std::string_view metalink_namespace =
    "urn:ietf:params:xml:ns:metalink";

constexpr size_t max_document = 8 << 20;
constexpr size_t max_files = 10'000;

error bad(std::string what) {
  return make_error(errc::bad_config, std::move(what));
}

std::string trimmed(const char* text) {
  std::string_view x{text};
  constexpr auto blank = " \t\r\n";
  auto begin = x.find_first_not_of(blank);
  if (begin == std::string_view::npos)
    return {};
  return std::string{x.substr(begin, x.find_last_not_of(blank) - begin + 1)};
}

std::optional<uint64_t> parse_number(const std::string& text) {
  uint64_t out = 0;
  auto end = text.data() + text.size();
  auto [ptr, ec] = std::from_chars(text.data(), end, out);
  return ec == std::errc{} && ptr == end && !text.empty() ? std::optional{out}
                                                          : std::nullopt;
}

/// 1 is the first; without one it is the last (RFC 5854, 4.2.16.1).
uint64_t priority_of(const pugi::xml_node& x) {
  constexpr uint64_t last = 999'999;
  auto out = parse_number(trimmed(x.attribute("priority").value()));
  return out ? std::min(*out, last) : last;
}

std::vector<url> urls_of(const pugi::xml_node& file) {
  std::vector<std::pair<uint64_t, url>> found;
  for (auto& x : file.children("url"))
    if (auto parsed = parse_url(trimmed(x.text().get())))
      found.emplace_back(priority_of(x), std::move(*parsed));
  std::ranges::stable_sort(found, {}, [](auto& x) { return x.first; });
  std::vector<url> out;
  for (auto& [priority, x] : found)
    out.push_back(std::move(x));
  return out;
}

result<metalink_file> parse_file(const pugi::xml_node& x) {
  metalink_file out;
  std::string name = x.attribute("name").value();
  // Folders are ours to choose.
  out.name = safe_name(name.substr(name.rfind('/') + 1));
  if (name.empty() || out.name.empty())
    return bad("a file of it has no name that can be used");
  if (auto size = x.child("size")) {
    out.size = parse_number(trimmed(size.text().get()));
    if (!out.size)
      return bad(out.name + ": its size is no number");
  }
  for (auto& hash : x.children("hash"))
    if (auto digest = make_checksum(trimmed(hash.attribute("type").value()),
                                    trimmed(hash.text().get())))
      out.digests.push_back(std::move(*digest));
  out.urls = urls_of(x);
  if (out.urls.empty())
    return bad(out.name + ": it has no URL of http or https");
  return out;
}

} // namespace

result<std::vector<metalink_file>> parse_metalink(std::string_view text) {
  if (text.size() > max_document)
    return bad("it is too large for a Metalink");
  pugi::xml_document document;
  auto parsed = document.load_buffer(text.data(), text.size());
  if (!parsed)
    return bad(std::string{"it is not XML: "} + parsed.description());
  auto root = document.child("metalink");
  if (!root || root.attribute("xmlns").value() != metalink_namespace)
    return bad("it is not a Metalink 4 (RFC 5854)");
  std::vector<metalink_file> out;
  for (auto& x : root.children("file")) {
    if (out.size() == max_files)
      return bad("it has too many files");
    auto file = parse_file(x);
    if (!file)
      return file.error();
    out.push_back(std::move(*file));
  }
  if (out.empty())
    return bad("it names no file");
  return out;
}

} // namespace peapod
