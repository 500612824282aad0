#include "hosts/common/status_text.hpp"

#include "hosts/common/size_text.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace peapod {

namespace {

namespace json = boost::json;

// -- reading members that may be missing --------------------------------------

const json::object& object_of(const json::object& in, std::string_view name) {
  static const json::object none;
  auto* x = in.if_contains(name);
  return x != nullptr && x->is_object() ? x->get_object() : none;
}

const json::array& array_of(const json::object& in, std::string_view name) {
  static const json::array none;
  auto* x = in.if_contains(name);
  return x != nullptr && x->is_array() ? x->get_array() : none;
}

uint64_t number(const json::value& x) {
  boost::system::error_code ec;
  auto out = x.to_number<double>(ec);
  return ec || out < 0 || out >= 1.8e19 ? 0 : static_cast<uint64_t>(out);
}

uint64_t number_of(const json::object& in, std::string_view name) {
  auto* x = in.if_contains(name);
  return x != nullptr ? number(*x) : 0;
}

/// Text or a number as text. Peers choose their names: nothing in them may
/// move the cursor of a terminal.
std::string text_of(const json::object& in, std::string_view name) {
  auto* x = in.if_contains(name);
  if (x == nullptr || x->is_null())
    return "-";
  std::string out =
      x->is_string() ? std::string{x->get_string()} : json::serialize(*x);
  for (auto& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      c = '?';
  return out.empty() ? "-" : out;
}

// -- tables -------------------------------------------------------------------

using row = std::vector<std::string>;

/// How many columns UTF-8 text takes, counting every code point as one.
size_t width_of(const std::string& text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

/// Rows as aligned columns, two spaces apart.
std::string table(const std::vector<row>& rows) {
  std::vector<size_t> widths;
  for (auto& cells : rows) {
    widths.resize(std::max(widths.size(), cells.size()));
    for (size_t i = 0; i < cells.size(); ++i)
      widths[i] = std::max(widths[i], width_of(cells[i]));
  }
  std::string out;
  for (auto& cells : rows) {
    for (size_t i = 0; i < cells.size(); ++i) {
      out += "  " + cells[i];
      if (i + 1 < cells.size())
        out.append(widths[i] - width_of(cells[i]), ' ');
    }
    out += '\n';
  }
  return out;
}

std::string peers_text(const json::array& peers) {
  if (peers.empty())
    return "no other device is in the pod yet\n";
  std::vector<row> rows{{"PEER", "ID", "ADDRESS", "STATE", "PROTOCOL", "DOWN",
                         "UP", "FROM IT", "TO IT"}};
  for (auto& entry : peers) {
    if (!entry.is_object())
      continue;
    auto& x = entry.get_object();
    rows.push_back({text_of(x, "name"), text_of(x, "id").substr(0, 12),
                    text_of(x, "address"), text_of(x, "state"),
                    text_of(x, "protocol"),
                    rate_text(number_of(x, "rate_down")),
                    rate_text(number_of(x, "rate_up")),
                    size_text(number_of(x, "bytes_from")),
                    size_text(number_of(x, "bytes_to"))});
  }
  return "\n" + table(rows);
}

std::string progress_text(const json::object& transfer) {
  auto total = number_of(transfer, "total");
  auto delivered = number_of(transfer, "delivered");
  auto out = size_text(delivered) + " of " + size_text(total);
  if (total > 0)
    out += " (" + std::to_string(delivered * 100 / total) + "%)";
  return out;
}

/// `self 40 MiB, b 38 MiB`: who brought how much.
std::string shares_text(const json::object& bytes) {
  std::string out;
  for (auto& [who, amount] : bytes)
    out += (out.empty() ? "" : ", ") + text_of({{"name", who}}, "name") + " "
           + size_text(number(amount));
  return out.empty() ? "-" : out;
}

std::string transfers_text(const json::array& transfers) {
  if (transfers.empty())
    return "";
  std::vector<row> rows{{"STATE", "DELIVERED", "BROUGHT BY", "URL"}};
  for (auto& entry : transfers) {
    if (!entry.is_object())
      continue;
    auto& x = entry.get_object();
    rows.push_back({text_of(x, "state"), progress_text(x),
                    shares_text(object_of(x, "bytes")), text_of(x, "url")});
  }
  return "\n" + table(rows);
}

std::string proxy_text(const json::object& proxy) {
  if (proxy.empty())
    return "";
  auto count = [&](const char* name) {
    return std::to_string(number_of(proxy, name));
  };
  return "\nproxy: " + count("requests") + " requests, " + count("pooled")
         + " pooled, " + count("passed_through") + " passed through, "
         + count("tunnels") + " tunnels, " + count("active") + " active\n";
}

} // namespace

result<std::string> status_text(std::string_view text) {
  boost::system::error_code ec;
  auto parsed = json::parse(text, ec);
  if (ec || !parsed.is_object())
    return make_error(errc::bad_http,
                      "the daemon's status cannot be read: it is not JSON of "
                      "this version");
  auto& status = parsed.get_object();
  auto& device = object_of(status, "device");
  auto out = text_of(device, "name") + " (" + text_of(device, "id")
             + "), pod of " + std::to_string(number_of(status, "pod_size"))
             + "\n";
  out += peers_text(array_of(status, "peers"));
  out += transfers_text(array_of(status, "transfers"));
  out += proxy_text(object_of(status, "proxy"));
  auto& share = object_of(status, "share");
  if (!share.empty())
    out += "share: " + size_text(number_of(share, "served_bytes"))
           + " fetched for others\n";
  return out;
}

} // namespace peapod
