#include "hosts/get/get_items.hpp"

#include "hosts/common/state_file.hpp"
#include "hosts/get/checksum.hpp"
#include "hosts/get/file_name.hpp"
#include "hosts/get/host_name.hpp"
#include "hosts/get/metalink.hpp"
#include "hosts/get/user_info.hpp"

#include <algorithm>
#include <fstream>
#include <iostream>

namespace peapod {

namespace {

namespace fs = std::filesystem;

error usage(std::string what) {
  return make_error(errc::bad_config, std::move(what));
}

bool has_scheme(std::string_view text) {
  return text.find("://") != std::string_view::npos;
}

bool is_metalink_name(std::string_view text) {
  return text.ends_with(".meta4");
}

fs::path place(const get_options& x, const std::string& name) {
  return fs::path{x.folder} / (x.output.empty() ? name : x.output);
}

std::string_view trimmed(std::string_view line) {
  constexpr auto blanks = " \t\r";
  auto begin = line.find_first_not_of(blanks);
  return begin == line.npos
             ? std::string_view{}
             : line.substr(begin, line.find_last_not_of(blanks) + 1 - begin);
}

/// Lines of a file, or of standard input; `#` begins a comment.
result<std::vector<std::string>> read_list(const std::string& file) {
  std::ifstream from_file;
  if (file != "-")
    from_file.open(file);
  auto& in = file == "-" ? std::cin : from_file;
  if (!in)
    return usage(file + ": cannot be read");
  std::vector<std::string> out;
  for (std::string line; std::getline(in, line);) {
    auto word = trimmed(line);
    if (!word.empty() && word[0] != '#')
      out.emplace_back(word);
  }
  return out;
}

// -- fields -------------------------------------------------------------------

bool is_token(std::string_view text) {
  constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
           || (c >= 'A' && c <= 'Z')
           || others.find(c) != std::string_view::npos;
  });
}

bool is_field_text(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    auto u = static_cast<unsigned char>(c);
    return (u >= 0x20 && u != 0x7f) || c == '\t';
  });
}

/// Fields that are made from what is asked for.
bool is_ours(std::string_view name) {
  constexpr std::string_view ours[] = {"Host",
                                       "Content-Length",
                                       "Transfer-Encoding",
                                       "Connection",
                                       "Range",
                                       "If-Range",
                                       "Expect",
                                       "TE",
                                       "Keep-Alive",
                                       "Upgrade",
                                       "Proxy-Authorization"};
  return std::ranges::any_of(
      ours, [&](auto x) { return equal_ignoring_case(name, x); });
}

} // namespace

result<item_url> parse_item_url(const std::string& text) {
  auto plain = take_user_info(has_scheme(text) ? text : "https://" + text);
  if (!plain)
    return plain.error();
  auto ascii = with_ascii_host(plain->text);
  if (!ascii)
    return ascii.error();
  auto where = parse_url(escaped(*ascii));
  if (!where)
    return usage(plain->text + ": " + where.error().detail);
  if (where->has_userinfo)
    return usage(where->authority() + ": two users in a URL");
  return item_url{std::move(*where), std::move(plain->authorization)};
}

bool is_to_stdout(const get_options& x) {
  return x.output == "-";
}

result<std::vector<get_item>> read_metalink(const fs::path& file,
                                            const get_options& x) {
  auto text = read_state_file(file);
  if (!text)
    return text.error();
  if (!*text)
    return usage(file.string() + ": there is no such file");
  auto files = parse_metalink(**text);
  if (!files)
    return usage(file.string() + ": " + files.error().detail);
  if (files->size() > 1 && !x.output.empty())
    return usage(file.string()
                 + " names several files, so that --output "
                   "cannot name them");
  std::vector<get_item> out;
  for (auto& entry : *files) {
    get_item item;
    item.urls = std::move(entry.urls);
    item.target = place(x, entry.name);
    item.to_stdout = is_to_stdout(x);
    item.size = entry.size;
    for (auto& digest : entry.digests)
      item.expected.push_back({std::move(digest), "the Metalink"});
    out.push_back(std::move(item));
  }
  return out;
}

std::optional<get_failure> drop_unprotected(std::vector<get_item>& files) {
  for (auto& x : files) {
    if (!x.expected.empty())
      continue;
    std::erase_if(x.urls, [](auto& from) { return from.scheme != "https"; });
    if (x.urls.empty())
      return get_failure{get_exit::tls,
                         x.target.string()
                             + ": the Metalink came over https, but leads to "
                               "http alone and has no hash, so that anybody "
                               "could change the file"};
  }
  return std::nullopt;
}

result<std::vector<get_item>> read_items(const get_options& x) {
  auto words = x.what;
  if (!x.list.empty()) {
    auto more = read_list(x.list);
    if (!more)
      return more.error();
    words.insert(words.end(), more->begin(), more->end());
  }
  if (words.empty())
    return usage("nothing to download: name a URL, or --input-file");
  if (words.size() > 1 && (!x.output.empty() || !x.checksum.empty()))
    return usage("--output and --checksum are for one file");
  if (fs::path{x.output}.filename().string().size() > max_name_size)
    return usage("--output: the name is too long, for with an ending it has to "
                 "name files beside it; "
                 + std::to_string(max_name_size) + " bytes are possible");
  std::vector<get_item> out;
  for (auto& word : words) {
    if (is_metalink_name(word) && !has_scheme(word)) {
      auto files = read_metalink(word, x);
      if (!files)
        return files.error();
      std::ranges::move(*files, std::back_inserter(out));
      continue;
    }
    auto from = parse_item_url(word);
    if (!from)
      return from.error();
    auto name = name_of(from->where);
    bool metalink = is_metalink_name(name);
    auto target = metalink ? fs::path{x.folder} / name : place(x, name);
    out.push_back({{std::move(from->where)},
                   std::move(from->authorization),
                   target,
                   std::nullopt,
                   {},
                   metalink,
                   is_to_stdout(x) && !metalink});
  }
  if (!x.checksum.empty()) {
    auto digest = parse_checksum(x.checksum);
    if (!digest)
      return digest.error();
    if (out.size() != 1 || out[0].is_metalink)
      return usage("--checksum is for one file");
    out[0].expected.push_back({std::move(*digest), "--checksum"});
  }
  return out;
}

result<http_fields> request_fields(const line_options& x,
                                   const std::string& version) {
  http_fields out;
  out.add("User-Agent", "PeaPod/" + version);
  out.add("Accept", "*/*");
  for (auto& text : x.headers) {
    auto colon = text.find(':');
    auto name = text.substr(0, colon);
    if (colon == std::string::npos || !is_token(name) || !is_field_text(text))
      return usage("--header takes 'Name: value'");
    if (is_ours(name))
      return usage("--header cannot set " + name);
    auto begin = text.find_first_not_of(" \t", colon + 1);
    auto value = begin == std::string::npos ? "" : text.substr(begin);
    if (equal_ignoring_case(name, "User-Agent")
        || equal_ignoring_case(name, "Accept"))
      out.set(name, value);
    else
      out.add(name, value);
  }
  return out;
}

} // namespace peapod
