#include "actors/error_page.hpp"

#include <algorithm>
#include <cctype>
#include <string_view>

namespace peapod {

namespace {

/// What is told of one kind of failure.
struct wording {
  std::string_view what;
  std::string_view advice;
  std::string_view type; ///< the error type of RFC 9209, 2.3
};

constexpr wording unknown_name{
    "There is no site with this name.",
    "Look for a typing mistake in the address. If there is none, the name "
    "server of this network does not know the name.",
    "dns_error"};
constexpr wording silent_name_server{
    "The site's address could not be found out: the name server has no answer "
    "for this name now, or none can be reached.",
    "If other sites work, try this one again later. If none does, check this "
    "device's internet connection.",
    "dns_timeout"};
constexpr wording refused{
    "The site's computer is there, but does not take the connection.",
    "Check the port in the address, if there is one. Else the site is down: "
    "try again later.",
    "connection_refused"};
constexpr wording unreachable{
    "No way leads to the site from here.",
    "Check this device's internet connection. If other sites work, try again "
    "later.",
    "destination_ip_unroutable"};
constexpr wording not_connected{
    "The site's computer does not answer.",
    "Check this device's internet connection. If other sites work, the site is "
    "down or overloaded: try again later.",
    "connection_timeout"};
constexpr wording no_answer{
    "The site took the request, but did not answer in time.",
    "Try again later.", "http_response_timeout"};
constexpr wording closed{
    "The site closed the connection before it had answered.",
    "Try again. If it lasts, something is wrong at the site.",
    "connection_terminated"};
constexpr wording bad_certificate{
    "The site could not prove who it is: its certificate is not trusted.",
    "Do not enter anything there. Check this device's date and time; in a "
    "public network, log in to the network first.",
    "tls_certificate_error"};
constexpr wording bad_handshake{
    "No secure connection to the site could be made.",
    "The site may be outdated, or the port in the address is not one for "
    "https.",
    "tls_protocol_error"};
constexpr wording nonsense{
    "What answered there is not a web server, or a broken one.",
    "Check the port in the address. If it is right, something is wrong at the "
    "site.",
    "http_protocol_error"};
constexpr wording bad_request{
    "The program that uses PeaPod sent a request that is not valid.",
    "This is a fault of that program, or of its settings, or it was stopped.",
    "http_request_error"};
constexpr wording forbidden{
    "PeaPod is not allowed to reach this address.",
    "The configuration or the firewall of this device decides about that.",
    "destination_ip_prohibited"};
constexpr wording too_much{"PeaPod has too much to do at the moment.",
                           "Try again in a few seconds.",
                           "connection_limit_reached"};
constexpr wording upstream{
    "The upstream proxy did not pass the request on.",
    "Check [wan] upstream in PeaPod's configuration, its user name and "
    "password, and what that proxy allows.",
    "proxy_configuration_error"};
constexpr wording no_upstream{
    "The upstream proxy cannot be reached.",
    "Check [wan] upstream in PeaPod's configuration, that proxy, and this "
    "device's connection to it.",
    ""}; // the type is that of the code
constexpr wording no_line{
    "The connection that PeaPod is to use is not there.",
    "Connect it, or correct [wan] bind in PeaPod's configuration.",
    "proxy_configuration_error"};
constexpr wording loop{
    "The request would come back to PeaPod itself.",
    "Check the address, and [wan] upstream in PeaPod's configuration.",
    "proxy_loop_detected"};
constexpr wording bug{"PeaPod made a mistake.",
                      "Try again, and tell its makers.",
                      "proxy_internal_error"};
constexpr wording anything{
    "The site could not be reached.",
    "Check this device's internet connection, then try again.",
    "destination_unavailable"};

/// The status that the detail of a `bad_http` error begins with; 0: none.
unsigned status_of_request(const error& why) {
  if (why.code != errc::bad_http || why.detail.size() < 4
      || why.detail[3] != ' ')
    return 0;
  unsigned status = 0;
  for (auto c : std::string_view{why.detail}.substr(0, 3))
    if (std::isdigit(static_cast<unsigned char>(c)))
      status = status * 10 + static_cast<unsigned>(c - '0');
  return status >= 400 && status <= 599 ? status : 0;
}

/// What the detail of an error begins with when the upstream proxy is what was
/// not reached.
constexpr std::string_view at_upstream = "cannot reach upstream proxy ";

/// What the detail of an error begins with when a line is missing.
constexpr std::string_view at_line = "[wan] bind names ";

bool is_of_missing_line(const error& why) {
  std::string_view detail{why.detail};
  if (detail.starts_with(at_upstream))
    detail.remove_prefix(at_upstream.size());
  return why.code == errc::io_failed && detail.starts_with(at_line);
}

/// Whether an error says that something was not reached, not why it must not.
bool is_of_the_way(errc code) {
  switch (code) {
    case errc::dns_failed:
    case errc::dns_unanswered:
    case errc::connection_refused:
    case errc::unreachable:
    case errc::connect_timed_out:
    case errc::connection_closed:
    case errc::io_failed:
      return true;
    default:
      return false;
  }
}

/// By the code alone.
const wording& wording_of_code(const error& why) {
  switch (why.code) {
    case errc::dns_failed:
      return unknown_name;
    case errc::dns_unanswered:
      return silent_name_server;
    case errc::connection_refused:
      return refused;
    case errc::unreachable:
      return unreachable;
    case errc::connect_timed_out:
      return not_connected;
    case errc::timed_out:
      return no_answer;
    case errc::connection_closed:
      return closed;
    case errc::certificate_refused:
      return bad_certificate;
    case errc::tls_failed:
      return bad_handshake;
    case errc::bad_http:
      return status_of_request(why) != 0 ? bad_request : nonsense;
    case errc::policy_refused:
    case errc::permission_denied:
      return forbidden;
    case errc::limit_reached:
      return too_much;
    case errc::upstream_refused:
      return upstream;
    case errc::loop_detected:
      return loop;
    case errc::internal:
      return bug;
    default:
      return anything;
  }
}

wording wording_for(const error& why) {
  if (is_of_missing_line(why))
    return no_line;
  auto out = wording_of_code(why);
  if (is_of_the_way(why.code) && why.detail.starts_with(at_upstream)) {
    out.what = no_upstream.what;
    out.advice = no_upstream.advice;
  }
  return out;
}

/// The detail without the status that it may begin with.
std::string detail_of(const error& why) {
  if (status_of_request(why) != 0)
    return why.detail.substr(4);
  return why.detail.empty() ? std::string{to_string(why.code)} : why.detail;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (auto c : text)
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      default:
        out += c;
    }
  return out;
}

/// A string of RFC 8941, 3.3.3, which has printable ASCII only.
std::string in_quotes(std::string_view text) {
  constexpr size_t most = 200;
  std::string out = "\"";
  for (auto c : text.substr(0, most)) {
    if (c == '"' || c == '\\')
      out += '\\';
    out += c >= 0x20 && c < 0x7f ? c : '?';
  }
  return out + '"';
}

constexpr std::string_view html_begin =
    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<style>body{font:1.1em/1.5 sans-serif;max-width:36em;margin:3em auto;"
    "padding:0 1em}small{color:#666}</style>\n";

struct paragraphs {
  std::string title, what, advice, small;
};

std::string html_text(const paragraphs& x) {
  std::string out{html_begin};
  out += "<title>" + escaped(x.title) + "</title>\n<h1>" + escaped(x.what)
         + "</h1>\n<p>" + escaped(x.advice) + "</p>\n<p><small>"
         + escaped(x.small) + "</small></p>\n</html>\n";
  return out;
}

std::string plain_text(const paragraphs& x) {
  return x.title + "\n\n" + x.what + "\n" + x.advice + "\n\n" + x.small + "\n";
}

own_page make_page(unsigned status, const paragraphs& words, bool html) {
  own_page out;
  out.head.status = status;
  out.head.reason = reason_for(status);
  out.text = html ? html_text(words) : plain_text(words);
  out.head.fields.add("Content-Type", html ? "text/html; charset=utf-8"
                                           : "text/plain; charset=utf-8");
  out.head.fields.add("Cache-Control", "no-store");
  out.head.framing = body_framing::length;
  out.head.content_length = out.text.size();
  return out;
}

} // namespace

bool wants_html(const http_fields& request) {
  return request.has_token("Accept", "text/html")
         || request.has_token("Accept", "application/xhtml+xml");
}

own_page make_error_page(const error& why, bool html) {
  auto words = wording_for(why);
  auto status = status_for(why);
  auto title = std::to_string(status) + " " + reason_for(status);
  auto detail = detail_of(why);
  auto out = make_page(status,
                       {title, std::string{words.what},
                        std::string{words.advice}, "PeaPod: " + detail},
                       html);
  out.head.fields.add("Proxy-Status", "PeaPod; error=" + std::string{words.type}
                                          + "; details=" + in_quotes(detail));
  return out;
}

error failure_at_upstream(error why) {
  auto begin = is_of_the_way(why.code) ? at_upstream : "upstream proxy ";
  why.detail.insert(0, begin);
  return why;
}

error missing_line(const std::string& name) {
  return make_error(errc::io_failed,
                    std::string{at_line} + name + ", which is not there");
}

own_page make_welcome_page(const std::string& address, bool html) {
  auto where = address.empty() ? std::string{"this address"} : address;
  return make_page(
      400,
      {"PeaPod", "This is PeaPod, a proxy, not a web site.",
       "Set " + where
           + " as the HTTP proxy of your browser or system, for http and "
             "https, and open a site's own address. In a terminal: "
             "export http_proxy=http://"
           + where + " https_proxy=http://" + where,
       "A request to a proxy names a whole URL (RFC 9112, 3.2.2). The state of "
       "the pod is shown by: peapod status"},
      html);
}

unsigned status_for(const error& why) {
  if (auto status = status_of_request(why))
    return status;
  switch (why.code) {
    case errc::timed_out:
    case errc::connect_timed_out:
    case errc::dns_unanswered:
      return 504;
    case errc::limit_reached:
      return 503;
    case errc::policy_refused:
    case errc::permission_denied:
      return 403;
    case errc::internal:
      return 500;
    case errc::loop_detected:
      return 508;
    default:
      return 502;
  }
}

std::string reason_for(unsigned status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 417:
      return "Expectation Failed";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 508:
      return "Loop Detected";
    default:
      return "Bad Gateway";
  }
}

} // namespace peapod
