#include "core/http_semantics.hpp"

#include "core/http_date.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace peapod {

namespace {

constexpr auto max_offset = std::numeric_limits<uint64_t>::max();

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

std::string_view trim(std::string_view x) {
  while (!x.empty() && is_blank(x.front()))
    x.remove_prefix(1);
  while (!x.empty() && is_blank(x.back()))
    x.remove_suffix(1);
  return x;
}

std::optional<uint64_t> parse_number(std::string_view digits) {
  uint64_t out = 0;
  auto end = digits.data() + digits.size();
  auto [ptr, ec] = std::from_chars(digits.data(), end, out);
  if (ec != std::errc{} || ptr != end)
    return std::nullopt;
  return out;
}

/// The text before and behind the first `separator`.
std::optional<std::pair<std::string_view, std::string_view>>
split(std::string_view x, char separator) {
  auto at = x.find(separator);
  if (at == std::string_view::npos)
    return std::nullopt;
  return std::pair{x.substr(0, at), x.substr(at + 1)};
}

std::optional<range_request> parse_range_spec(std::string_view spec) {
  using form = range_request::form;
  auto parts = split(spec, '-');
  if (!parts)
    return std::nullopt;
  auto first = parse_number(parts->first);
  auto last = parse_number(parts->second);
  if (parts->first.empty() && last)
    return range_request{form::suffix, 0, 0, *last};
  if (first && parts->second.empty())
    return range_request{form::from, *first, 0, 0};
  if (first && last && *first <= *last)
    return range_request{form::span, *first, *last, 0};
  return std::nullopt;
}

// -- validators ---------------------------------------------------------------

/// `"..."` with the characters of RFC 9110, 8.8.3.
bool is_opaque_tag(std::string_view x) {
  if (x.size() < 2 || x.front() != '"' || x.back() != '"')
    return false;
  auto legal = [](char c) {
    auto u = static_cast<unsigned char>(c);
    return u > 0x20 && u != 0x7f && c != '"';
  };
  return std::ranges::all_of(x.substr(1, x.size() - 2), legal);
}

/// The tag without its `W/`.
std::string_view opaque_part(std::string_view etag) {
  return etag.starts_with("W/") ? etag.substr(2) : etag;
}

/// The value of a field that must not be repeated; nothing when it is.
std::optional<std::string> single(const http_fields& fields,
                                  std::string_view name) {
  auto value = fields.find(name);
  if (!value || fields.count(name) != 1 || trim(*value).empty())
    return std::nullopt;
  return std::string{trim(*value)};
}

std::optional<content_range> content_range_of(const response_head& response) {
  auto value = single(response.fields, "Content-Range");
  return value ? parse_content_range(*value) : std::nullopt;
}

bool is_encoded(const response_head& response) {
  for (auto& field : response.fields)
    if (equal_ignoring_case(field.name, "Content-Encoding"))
      for (auto coding : list_members(field.value))
        if (!equal_ignoring_case(coding, "identity"))
          return true;
  return false;
}

bool has_strong_etag(const representation& x) {
  return x.etag && is_strong(*x.etag);
}

} // namespace

// -- lists --------------------------------------------------------------------

std::vector<std::string_view> list_members(std::string_view value) {
  std::vector<std::string_view> out;
  auto take = [&out](std::string_view member) {
    member = trim(member);
    if (!member.empty())
      out.push_back(member);
  };
  bool quoted = false;
  size_t begin = 0;
  for (size_t i = 0; i < value.size(); ++i) {
    if (quoted && value[i] == '\\')
      ++i;
    else if (value[i] == '"')
      quoted = !quoted;
    else if (value[i] == ',' && !quoted) {
      take(value.substr(begin, i - begin));
      begin = i + 1;
    }
  }
  take(value.substr(begin));
  return out;
}

// -- ranges -------------------------------------------------------------------

std::optional<range_request> parse_range(std::string_view value) {
  using form = range_request::form;
  auto parts = split(trim(value), '=');
  if (!parts || parts->first.empty() || parts->second.empty())
    return std::nullopt;
  if (!equal_ignoring_case(parts->first, "bytes"))
    return range_request{form::other_unit, 0, 0, 0};
  auto specs = list_members(parts->second);
  if (specs.empty() || is_blank(parts->second.front()))
    return std::nullopt;
  for (auto spec : specs)
    if (!parse_range_spec(spec))
      return std::nullopt;
  if (specs.size() > 1)
    return range_request{form::multiple, 0, 0, 0};
  return parse_range_spec(specs.front());
}

std::optional<byte_range> resolve(const range_request& range, uint64_t total) {
  using form = range_request::form;
  switch (range.kind) {
    case form::span:
      if (range.first >= total || range.last < range.first)
        return std::nullopt;
      return byte_range{range.first, std::min(range.last, total - 1) + 1};
    case form::from:
      if (range.first >= total)
        return std::nullopt;
      return byte_range{range.first, total};
    case form::suffix:
      if (range.count == 0 || total == 0)
        return std::nullopt;
      return byte_range{total - std::min(range.count, total), total};
    case form::multiple:
    case form::other_unit:
      break;
  }
  return std::nullopt;
}

std::optional<content_range> parse_content_range(std::string_view value) {
  auto parts = split(trim(value), ' ');
  if (!parts || !equal_ignoring_case(parts->first, "bytes"))
    return std::nullopt;
  auto halves = split(parts->second, '/');
  if (!halves)
    return std::nullopt;
  content_range out;
  out.total = parse_number(halves->second);
  if (!out.total && halves->second != "*")
    return std::nullopt;
  if (halves->first == "*")
    return out.total ? std::optional{out} : std::nullopt;
  auto spec = parse_range_spec(halves->first);
  if (!spec || spec->kind != range_request::form::span
      || spec->last == max_offset || (out.total && spec->last >= *out.total))
    return std::nullopt;
  out.range = byte_range{spec->first, spec->last + 1};
  return out;
}

std::string range_value(byte_range range) {
  return "bytes=" + std::to_string(range.begin) + '-'
         + std::to_string(range.end - 1);
}

// -- representations ----------------------------------------------------------

representation representation_of(const response_head& response) {
  representation out;
  out.etag = single(response.fields, "ETag");
  if (out.etag && !is_opaque_tag(opaque_part(*out.etag)))
    out.etag.reset();
  out.last_modified = single(response.fields, "Last-Modified");
  if (response.status == 200) {
    out.total_length = response.content_length;
  } else if (response.status == 206) {
    if (auto range = content_range_of(response))
      out.total_length = range->total;
  }
  return out;
}

bool is_strong(std::string_view etag) {
  return is_opaque_tag(etag);
}

bool has_usable_validator(const representation& x) {
  return has_strong_etag(x) || x.last_modified;
}

bool same_representation(const representation& expected,
                         const representation& got) {
  if (expected.total_length && expected.total_length != got.total_length)
    return false;
  if (has_strong_etag(expected))
    return expected.etag == got.etag;
  if (expected.etag
      && (!got.etag || opaque_part(*expected.etag) != opaque_part(*got.etag)))
    return false;
  if (expected.etag && !expected.last_modified)
    return false;
  return !expected.last_modified || expected.last_modified == got.last_modified;
}

// -- range requests -----------------------------------------------------------

namespace {

/// Fields that select a representation (RFC 9110, 12.5), and the one by which
/// some origins do.
constexpr std::string_view selecting_fields[] = {
    "Accept", "Accept-Encoding", "Accept-Language", "User-Agent"};

/// Fields about the original's range, conditions, body and destination. `Host`
/// and the framing are made anew from the head.
constexpr std::string_view replaced_fields[] = {"Range",
                                                "If-Range",
                                                "If-Match",
                                                "If-None-Match",
                                                "Host",
                                                "If-Modified-Since",
                                                "Expect",
                                                "Content-Length",
                                                "If-Unmodified-Since",
                                                "Content-Type",
                                                "Content-Encoding"};

template <size_t Size>
bool is_one_of(std::string_view name, const std::string_view (&names)[Size]) {
  return std::ranges::any_of(
      names, [name](auto x) { return equal_ignoring_case(x, name); });
}

void add_range(http_fields& fields, byte_range range,
               const representation& expected) {
  fields.add("Range", range_value(range));
  if (has_strong_etag(expected))
    fields.add("If-Range", *expected.etag);
}

error refused_by_origin(const response_head& response) {
  auto detail = "the origin answered " + std::to_string(response.status);
  if (!response.reason.empty())
    detail += ' ' + response.reason.substr(0, 64);
  if (auto when = response.fields.find("Retry-After"))
    detail += "; retry after " + std::string{when->substr(0, 64)};
  return make_error(errc::origin_refused, std::move(detail));
}

/// Checks the length and place of a 206.
result<void> check_place(const response_head& response, byte_range asked) {
  auto place = content_range_of(response);
  if (!place || !place->range)
    return make_error(errc::bad_http, "a 206 without a valid Content-Range");
  if (*place->range != asked)
    return make_error(errc::mismatch, "asked for " + to_string(asked)
                                          + ", the origin sent "
                                          + to_string(*place->range));
  if (response.content_length && *response.content_length != asked.size())
    return make_error(errc::bad_http,
                      "Content-Length and Content-Range of a 206 differ");
  return {};
}

} // namespace

request_head make_range_request(const request_head& original, byte_range range,
                                const representation& expected,
                                credentials what) {
  request_head out;
  out.method = "GET";
  out.target = original.target;
  out.from_elsewhere = original.from_elsewhere;
  auto keeps = [what](std::string_view name) {
    return what == credentials::keep ? !is_one_of(name, replaced_fields)
                                     : is_one_of(name, selecting_fields);
  };
  auto fields = original.fields;
  strip_hop_by_hop(fields);
  for (auto& field : fields)
    if (keeps(field.name))
      out.fields.add(field.name, field.value);
  add_range(out.fields, range, expected);
  return out;
}

request_head make_peer_request(const url& target, byte_range range,
                               const representation& expected) {
  request_head out;
  out.method = "GET";
  out.target = target;
  out.fields = {{"Accept", "*/*"},
                {"Accept-Encoding", "identity"},
                {"User-Agent", "PeaPod"}};
  add_range(out.fields, range, expected);
  return out;
}

result<void> check_range_response(const response_head& response,
                                  byte_range asked,
                                  const representation& expected) {
  if (response.status == 200)
    return make_error(errc::mismatch,
                      "the origin sent the whole body: it ignores ranges or "
                      "has another version");
  if (response.status != 206)
    return refused_by_origin(response);
  if (response.fields.has_token("Content-Type", "multipart/byteranges"))
    return make_error(errc::bad_http, "several ranges in answer to one");
  if (auto place = check_place(response, asked); !place)
    return place;
  if (!same_representation(expected, representation_of(response)))
    return make_error(errc::mismatch, "the origin has another version");
  // Bytes of another coding are those of another representation; only a
  // strong entity tag, compared above, tells the codings apart.
  if (is_encoded(response) && !has_strong_etag(expected))
    return make_error(errc::mismatch, "the origin encoded the body");
  return {};
}

std::optional<std::chrono::seconds> retry_after(const response_head& response) {
  using std::chrono::seconds;
  // As good as for ever, and cannot overflow any clock.
  constexpr uint64_t year = 365 * 24 * 3600;
  auto value = single(response.fields, "Retry-After");
  if (!value)
    return std::nullopt;
  if (auto number = parse_number(*value))
    return seconds{std::min(*number, year)};
  auto then = parse_http_date(*value);
  auto sent = single(response.fields, "Date");
  auto now = sent ? parse_http_date(*sent) : std::nullopt;
  if (!then || !now)
    return std::nullopt;
  return std::clamp(*then - *now, seconds{0}, seconds{year});
}

} // namespace peapod
