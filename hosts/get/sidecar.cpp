#include "hosts/get/sidecar.hpp"

#include <boost/json.hpp>

#include <optional>

namespace peapod {

namespace {

namespace json = boost::json;

constexpr uint64_t format = 1;

/// More ranges than any download leaves.
constexpr size_t max_ranges = 1'000'000;

error damaged(std::string what) {
  return make_error(errc::bad_config, std::move(what));
}

std::optional<uint64_t> number_in(const json::value* x) {
  if (x == nullptr || !x->is_number())
    return std::nullopt;
  boost::system::error_code ec;
  auto out = x->to_number<uint64_t>(ec);
  return ec ? std::nullopt : std::optional{out};
}

/// A member that may be missing, but must be text. False: it is not.
bool read_text(const json::object& in, std::string_view name,
               std::optional<std::string>& to) {
  auto* x = in.if_contains(name);
  if (x == nullptr)
    return true;
  if (!x->is_string())
    return false;
  to = std::string{x->get_string()};
  return true;
}

/// Ranges in order, with a gap between two of them, inside the body.
bool read_ranges(const json::object& in, sidecar& to) {
  auto* list = in.if_contains("have");
  if (list == nullptr || !list->is_array()
      || list->get_array().size() > max_ranges)
    return false;
  for (auto& x : list->get_array()) {
    if (!x.is_array() || x.get_array().size() != 2)
      return false;
    auto begin = number_in(&x.get_array()[0]);
    auto end = number_in(&x.get_array()[1]);
    if (!begin || !end || *begin >= *end || *end > *to.rep.total_length
        || (!to.have.empty() && *begin <= to.have.back().end))
      return false;
    to.have.push_back({*begin, *end});
  }
  return true;
}

} // namespace

std::string resource_name(const url& x) {
  return x.origin() + x.target.substr(0, x.target.find('?'));
}

std::string to_text(const sidecar& x) {
  json::object out{{"peapod", format}, {"from", x.from}};
  if (x.rep.etag)
    out["etag"] = *x.rep.etag;
  if (x.rep.last_modified)
    out["last_modified"] = *x.rep.last_modified;
  out["length"] = x.rep.total_length.value_or(0);
  json::array have;
  for (auto& range : x.have)
    have.push_back(json::array{range.begin, range.end});
  out["have"] = std::move(have);
  return json::serialize(out) + "\n";
}

result<sidecar> parse_sidecar(std::string_view text) {
  json::parse_options options;
  options.allow_invalid_utf8 = true;
  options.max_depth = 4;
  boost::system::error_code ec;
  auto parsed = json::parse(text, ec, {}, options);
  if (ec || !parsed.is_object())
    return damaged("it is not complete, or was never one");
  auto& in = parsed.get_object();
  auto version = number_in(in.if_contains("peapod"));
  if (!version)
    return damaged("it does not say what it is");
  if (*version != format)
    return damaged("another version of PeaPod has written it");
  sidecar out;
  std::optional<std::string> from;
  out.rep.total_length = number_in(in.if_contains("length"));
  if (!read_text(in, "from", from) || !from
      || !read_text(in, "etag", out.rep.etag)
      || !read_text(in, "last_modified", out.rep.last_modified)
      || !out.rep.total_length)
    return damaged("it does not say what it belongs to");
  out.from = std::move(*from);
  if (!read_ranges(in, out))
    return damaged("its list of ranges makes no sense");
  return out;
}

} // namespace peapod
