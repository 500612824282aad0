#include "hosts/get/sigv4.hpp"

#include "core/integrity.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <vector>

namespace peapod {

namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";

std::span<const uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

std::string hash(std::string_view text) {
  return to_string(sha256(bytes_of(text)));
}

byte_buffer hmac(std::span<const uint8_t> key, std::string_view text) {
  byte_buffer out(EVP_MAX_MD_SIZE);
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       bytes_of(text).data(), text.size(), out.data(), &size);
  out.resize(size);
  return out;
}

std::string lower(std::string_view text) {
  std::string out{text};
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return out;
}

/// As in `20130524T000000Z`.
std::string date_text(std::chrono::sys_seconds now) {
  auto day = std::chrono::floor<std::chrono::days>(now);
  std::chrono::year_month_day date{day};
  std::chrono::hh_mm_ss time{now - day};
  char out[32];
  std::snprintf(
      out, sizeof(out), "%04d%02u%02uT%02d%02d%02dZ",
      static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
      static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
      static_cast<int>(time.minutes().count()),
      static_cast<int>(time.seconds().count()));
  return out;
}

/// Parameters in order, each with a `=`.
std::string canonical_query(std::string_view target) {
  auto mark = target.find('?');
  if (mark == std::string_view::npos)
    return {};
  std::vector<std::string> found;
  auto rest = target.substr(mark + 1);
  while (!rest.empty()) {
    auto end = rest.find('&');
    std::string part{rest.substr(0, end)};
    if (part.find('=') == std::string::npos)
      part += '=';
    found.push_back(std::move(part));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  std::ranges::sort(found);
  std::string out;
  for (auto& x : found)
    out += (out.empty() ? "" : "&") + x;
  return out;
}

std::string canonical_request(const request_head& head,
                              const std::map<std::string, std::string>& fields,
                              const std::string& names,
                              const std::string& body) {
  auto out = head.method + "\n"
             + head.target.target.substr(0, head.target.target.find('?')) + "\n"
             + canonical_query(head.target.target) + "\n";
  for (auto& [name, value] : fields)
    out += name + ":" + value + "\n";
  return out + "\n" + names + "\n" + body;
}

} // namespace

std::string uri_encoded(std::string_view text, bool keep_slash) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  constexpr std::string_view plain = "-._~";
  std::string out;
  for (char c : text) {
    auto u = static_cast<unsigned char>(c);
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
        || (c >= 'A' && c <= 'Z') || plain.find(c) != std::string_view::npos
        || (c == '/' && keep_slash)) {
      out += c;
    } else {
      out += '%';
      out += digits[u >> 4];
      out += digits[u & 15];
    }
  }
  return out;
}

void sign(request_head& head, const digest& body, const s3_credentials& who,
          std::chrono::sys_seconds now) {
  auto time = date_text(now);
  auto day = time.substr(0, 8);
  auto body_hash = to_string(body);
  head.fields.set("x-amz-date", time);
  head.fields.set("x-amz-content-sha256", body_hash);
  if (!who.token.empty())
    head.fields.set("x-amz-security-token", who.token);
  std::map<std::string, std::string> fields{{"host", head.target.authority()}};
  for (auto& x : head.fields)
    if (auto name = lower(x.name); name.starts_with("x-amz-"))
      fields[name] = x.value;
  std::string names;
  for (auto& [name, value] : fields)
    names += (names.empty() ? "" : ";") + name;
  auto scope = day + "/" + who.region + "/s3/aws4_request";
  auto request = canonical_request(head, fields, names, body_hash);
  auto to_sign = std::string{algorithm} + "\n" + time + "\n" + scope + "\n"
                 + hash(request);
  auto key = hmac(bytes_of("AWS4" + who.secret), day);
  for (std::string_view word :
       {std::string_view{who.region}, std::string_view{"s3"},
        std::string_view{"aws4_request"}})
    key = hmac(key, word);
  head.fields.set("Authorization",
                  std::string{algorithm} + " Credential=" + who.key_id + "/"
                      + scope + ", SignedHeaders=" + names
                      + ", Signature=" + to_hex(hmac(key, to_sign)));
}

} // namespace peapod
