#include "actors/error_page.hpp"

#include <cctype>

namespace peapod {

error_page make_error_page(unsigned status, const std::string& why) {
  error_page out;
  out.head.status = status;
  out.head.reason = reason_for(status);
  out.text = std::to_string(status) + " " + out.head.reason
             + "\n\nPeaPod could not serve this request: " + why + "\n";
  out.head.fields.add("Content-Type", "text/plain; charset=utf-8");
  out.head.fields.add("Cache-Control", "no-store");
  out.head.framing = body_framing::length;
  out.head.content_length = out.text.size();
  return out;
}

unsigned status_for(const error& why) {
  switch (why.code) {
    case errc::timed_out:
      return 504;
    case errc::limit_reached:
      return 503;
    case errc::policy_refused:
    case errc::permission_denied:
      return 403;
    case errc::bad_http: {
      unsigned status = 0;
      for (size_t i = 0; i < 3 && i < why.detail.size(); ++i)
        if (std::isdigit(static_cast<unsigned char>(why.detail[i])))
          status = status * 10 + static_cast<unsigned>(why.detail[i] - '0');
      return status >= 400 && status <= 599 ? status : 502;
    }
    default:
      return 502;
  }
}

std::string reason_for(unsigned status) {
  switch (status) {
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
