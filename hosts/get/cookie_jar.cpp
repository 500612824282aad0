#include "hosts/get/cookie_jar.hpp"

#include "core/address_policy.hpp"
#include "core/http_date.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace peapod {

namespace {

using std::chrono::seconds;

/// Browsers keep no more of one site.
constexpr size_t max_cookies = 3000;

/// A request's head has to fit into what servers take.
constexpr size_t max_header = 16 << 10;

std::string lower(std::string_view text) {
  std::string out{text};
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string_view trim(std::string_view x) {
  auto begin = x.find_first_not_of(" \t");
  if (begin == std::string_view::npos)
    return {};
  return x.substr(begin, x.find_last_not_of(" \t") - begin + 1);
}

/// What may stand in a request without becoming another field of it.
bool is_clean(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    auto u = static_cast<unsigned char>(c);
    return u >= 0x20 && u != 0x7f && c != ';';
  });
}

std::optional<int64_t> parse_number(std::string_view text) {
  int64_t out = 0;
  auto end = text.data() + text.size();
  auto [ptr, ec] = std::from_chars(text.data(), end, out);
  return ec == std::errc{} && ptr == end && !text.empty() ? std::optional{out}
                                                          : std::nullopt;
}

/// RFC 6265, 5.1.3. Addresses have no hosts below them.
bool matches_domain(const cookie& x, const std::string& host) {
  if (host == x.domain)
    return true;
  return x.subdomains && host.size() > x.domain.size() && !parse_ip(host)
         && host.ends_with(x.domain)
         && host[host.size() - x.domain.size() - 1] == '.';
}

/// RFC 6265, 5.1.4.
bool matches_path(const cookie& x, std::string_view path) {
  if (!path.starts_with(x.path))
    return false;
  return path.size() == x.path.size() || x.path.ends_with('/')
         || path[x.path.size()] == '/';
}

std::string_view path_of(const url& x) {
  return std::string_view{x.target}.substr(0, x.target.find('?'));
}

std::string default_path(const url& x) {
  auto path = path_of(x);
  auto last = path.rfind('/');
  return last == 0 || last == std::string_view::npos
             ? "/"
             : std::string{path.substr(0, last)};
}

// -- Netscape's file ----------------------------------------------------------

std::array<std::string_view, 7> fields_of(std::string_view line, bool& good) {
  std::array<std::string_view, 7> out;
  for (size_t i = 0; i < out.size(); ++i) {
    auto tab = line.find('\t');
    bool last = i + 1 == out.size();
    good = good && last == (tab == std::string_view::npos);
    out[i] = line.substr(0, tab);
    line.remove_prefix(std::min(
        line.size(), tab == std::string_view::npos ? line.size() : tab + 1));
  }
  return out;
}

bool is_flag(std::string_view x) {
  return x == "TRUE" || x == "FALSE";
}

/// domain, subdomains, path, secure, until, name, value
std::optional<cookie> parse_line(std::string_view line) {
  bool good = true;
  auto fields = fields_of(line, good);
  auto until = parse_number(fields[4]);
  if (!good || !until || *until < 0 || !is_flag(fields[1])
      || !is_flag(fields[3]) || fields[0].empty() || !fields[2].starts_with('/')
      || !is_clean(fields[5]) || !is_clean(fields[6]))
    return std::nullopt;
  cookie out;
  if (fields[0].starts_with('.'))
    fields[0].remove_prefix(1);
  out.domain = lower(fields[0]);
  out.subdomains = fields[1] == "TRUE";
  out.path = std::string{fields[2]};
  out.secure = fields[3] == "TRUE";
  if (*until > 0)
    out.until = seconds{*until};
  out.name = std::string{fields[5]};
  out.value = std::string{fields[6]};
  return out;
}

// -- Set-Cookie ---------------------------------------------------------------

/// Takes one attribute; false: the cookie is not for this host.
bool take_attribute(cookie& x, std::string_view name, std::string_view value,
                    const url& from, seconds now, bool& has_age) {
  if (equal_ignoring_case(name, "Secure")) {
    x.secure = true;
  } else if (equal_ignoring_case(name, "Path")) {
    if (value.starts_with('/') && is_clean(value))
      x.path = std::string{value};
  } else if (equal_ignoring_case(name, "Max-Age")) {
    if (auto age = parse_number(value)) {
      has_age = true;
      auto most = std::clamp<int64_t>(*age, 0, int64_t{400} * 24 * 3600);
      x.until = *age <= 0 ? seconds{1} : now + seconds{most};
    }
  } else if (equal_ignoring_case(name, "Expires")) {
    if (auto date = parse_http_date(value); date && !has_age)
      x.until = std::max(date->time_since_epoch(), seconds{1});
  } else if (equal_ignoring_case(name, "Domain") && !value.empty()) {
    if (value.starts_with('.'))
      value.remove_prefix(1);
    x.domain = lower(value);
    x.subdomains = true;
    // A whole top level is nobody's.
    return x.domain.find('.') != std::string::npos
           && matches_domain(x, from.host);
  }
  return true;
}

std::optional<cookie> parse_set_cookie(std::string_view text, const url& from,
                                       seconds now) {
  auto pair = text.substr(0, text.find(';'));
  auto sign = pair.find('=');
  if (sign == std::string_view::npos || trim(pair.substr(0, sign)).empty())
    return std::nullopt;
  cookie out;
  out.name = std::string{trim(pair.substr(0, sign))};
  out.value = std::string{trim(pair.substr(sign + 1))};
  out.domain = from.host;
  out.path = default_path(from);
  if (!is_clean(out.name) || !is_clean(out.value))
    return std::nullopt;
  bool has_age = false;
  while (true) {
    auto semicolon = text.find(';');
    if (semicolon == std::string_view::npos)
      return out.secure && from.scheme != "https" ? std::nullopt
                                                  : std::optional{out};
    text.remove_prefix(semicolon + 1);
    auto attribute = text.substr(0, text.find(';'));
    auto equals = attribute.find('=');
    auto value = equals == std::string_view::npos
                     ? std::string_view{}
                     : trim(attribute.substr(equals + 1));
    if (!take_attribute(out, trim(attribute.substr(0, equals)), value, from,
                        now, has_age))
      return std::nullopt;
  }
}

} // namespace

result<cookie_jar> cookie_jar::parse(std::string_view text) {
  cookie_jar out;
  size_t number = 0;
  while (!text.empty()) {
    ++number;
    auto end = text.find('\n');
    auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r'))
      line.remove_suffix(1);
    constexpr std::string_view http_only = "#HttpOnly_";
    if (line.starts_with(http_only))
      line.remove_prefix(http_only.size());
    else if (line.starts_with('#') || trim(line).empty())
      continue;
    auto parsed = parse_line(line);
    if (!parsed)
      return make_error(errc::bad_config,
                        "line " + std::to_string(number)
                            + " is no cookie in the format of Netscape");
    out.put(std::move(*parsed));
  }
  return out;
}

void cookie_jar::store(const url& from, std::string_view set_cookie,
                       seconds now) {
  auto x = parse_set_cookie(set_cookie, from, now);
  if (!x || is_too_wide(*x, from))
    return;
  // A public suffix that is a host itself keeps its cookies (RFC 6265, 5.3).
  if (x->domain == from.host && site_of_) {
    auto below = "x." + from.host;
    x->subdomains = x->subdomains && site_of_(below) != below;
  }
  put(std::move(*x));
}

/// A domain above the site belongs to many.
bool cookie_jar::is_too_wide(const cookie& x, const url& from) const {
  if (!site_of_ || !x.subdomains || x.domain == from.host)
    return false;
  return x.domain.size() < site_of_(from.host).size();
}

void cookie_jar::put(cookie x) {
  std::erase_if(cookies_, [&](auto& y) {
    return y.name == x.name && y.domain == x.domain && y.path == x.path;
  });
  if (cookies_.size() < max_cookies)
    cookies_.push_back(std::move(x));
}

std::string cookie_jar::header_for(const url& to, seconds now) const {
  std::vector<const cookie*> fit;
  for (auto& x : cookies_)
    if (matches_domain(x, to.host) && matches_path(x, path_of(to))
        && (!x.secure || to.scheme == "https") && (!x.until || *x.until > now))
      fit.push_back(&x);
  std::ranges::stable_sort(fit, std::greater{},
                           [](auto* x) { return x->path.size(); });
  std::string out;
  for (auto* x : fit) {
    auto text = x->name + "=" + x->value;
    if (out.size() + text.size() > max_header)
      break;
    out += (out.empty() ? "" : "; ") + text;
  }
  return out;
}

} // namespace peapod
