#include "actors/script_answer.hpp"

#include "core/address_policy.hpp"
#include "core/pac_script.hpp"

#include <string_view>

namespace peapod {

namespace {

/// Whether a request names the very address that its client has connected to.
bool is_for_us(const url& target, const endpoint& local) {
  if (local.port == 0 || target.port != local.port)
    return false;
  auto here = parse_ip(local.address);
  auto there = parse_ip(target.host);
  if (there)
    return here && there->unmapped() == here->unmapped();
  return target.host == "localhost";
}

} // namespace

std::optional<script_answer> answer_script(const request_head& request,
                                           const http_server_stream& client) {
  bool reads = request.method == "GET" || request.method == "HEAD";
  std::string_view target = request.target.target;
  if (!reads || target.substr(0, target.find('?')) != pac_path)
    return std::nullopt;
  auto local = client.local();
  if (!is_for_us(request.target, local))
    return std::nullopt;
  script_answer out;
  out.head.status = 200;
  out.head.reason = "OK";
  out.text = pac_script(to_string(local));
  out.head.fields.add("Content-Type", std::string{pac_media_type});
  out.head.fields.add("Cache-Control", "no-cache");
  out.head.framing = body_framing::length;
  out.head.content_length = out.text.size();
  return out;
}

} // namespace peapod
