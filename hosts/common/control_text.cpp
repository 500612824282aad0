#include "hosts/common/control_text.hpp"

#include "hosts/common/size_text.hpp"
#include "hosts/common/text_table.hpp"
#include "hosts/common/time_text.hpp"

#include <algorithm>

namespace peapod::control {

namespace {

span number_cell(std::string text, bool worth_reading) {
  return {std::move(text), worth_reading ? tone::plain : tone::dim};
}

std::string mailbox_text(const actor& x) {
  return count_text(static_cast<double>(x.mailbox)) + "/"
         + count_text(static_cast<double>(x.mailbox_peak));
}

table_row actor_cells(const actor& x) {
  return {{std::to_string(x.id)},
          {x.name, x.answered ? tone::plain : tone::dim},
          {x.about},
          {x.state, tone_of_state(x)},
          number_cell(mailbox_text(x), x.mailbox > 0),
          number_cell(message_rate_text(x.rate), x.rate >= 0.05),
          number_cell(load_text(x.load), x.load >= 0.005),
          number_cell(span_text(x.busy), x.busy > 0),
          number_cell(span_text(x.longest), x.longest >= 0.001),
          number_cell(std::to_string(x.restarts), x.restarts > 0),
          {age_text(x.uptime)},
          {x.summary, tone::dim}};
}

/// `self 40 MiB, b 38 MiB`: who brought how much, this device first.
std::string shares_text(const std::map<std::string, uint64_t>& bytes) {
  std::string out;
  auto add = [&out](const std::string& who, uint64_t amount) {
    out.append(out.empty() ? "" : ", ").append(who).append(" ");
    out += size_text(amount);
  };
  if (auto own = bytes.find("self"); own != bytes.end())
    add(own->first, own->second);
  for (auto& [who, amount] : bytes)
    if (who != "self")
      add(who, amount);
  return out.empty() ? "-" : out;
}

std::string progress_text(const transfer& x) {
  auto out = size_text(x.delivered) + " of " + size_text(x.total);
  if (x.total > 0)
    out += " (" + std::to_string(x.delivered * 100 / x.total) + "%)";
  return out;
}

} // namespace

std::string checks_text(const transfer& x) {
  auto out = x.verified_by.empty() ? "-" : x.verified_by;
  auto add = [&out](uint64_t count, const char* word) {
    if (count > 0)
      out += ", " + std::to_string(count) + " " + word;
  };
  add(x.samples, "right");
  add(x.lies, "wrong");
  add(x.unchecked, "not compared");
  return out;
}

lines actors_text(const std::vector<actor>& actors) {
  std::vector<table_row> rows;
  for (auto& x : actors)
    rows.push_back(actor_cells(x));
  return table({{"ID", true},
                {"NAME"},
                {"ABOUT"},
                {"STATE"},
                {"MBOX", true},
                {"MSG/S", true},
                {"LOAD", true},
                {"BUSY", true},
                {"LONGEST", true},
                {"RST", true},
                {"UP", true},
                {"SUMMARY"}},
               rows);
}

lines figures_text(const actor& x) {
  line first{x.state, tone_of_state(x)};
  first.add(", " + x.restart + ", on " + x.runs_on);
  if (!x.answered)
    first.add("; did not answer, what follows is the last known", tone::warn);
  line family{x.parent ? "supervisor " + std::to_string(*x.parent)
                       : "the root of the tree"};
  std::string links;
  for (auto id : x.links)
    links += (links.empty() ? "" : ", ") + std::to_string(id);
  family.add(links.empty() ? "" : ", ends with " + links);
  family.add(", up " + age_text(x.uptime) + ", restarted "
             + std::to_string(x.restarts)
             + (x.restarts == 1 ? " time" : " times"));
  line work{"mailbox " + std::to_string(x.mailbox) + " (peak "
            + std::to_string(x.mailbox_peak) + "), handled "
            + std::to_string(x.handled) + ", " + message_rate_text(x.rate)
            + " msg/s"};
  line time{"load " + load_text(x.load) + ", busy " + span_text(x.busy)
            + ", longest handler " + span_text(x.longest)};
  lines out{first, family, work, time};
  if (!x.summary.empty())
    out.push_back(line{x.summary});
  return out;
}

lines actor_text(const actor_page& page) {
  lines out{line{title_of(page.actor), tone::strong}};
  for (auto& x : figures_text(page.actor))
    out.push_back(x);
  if (!page.fault.empty())
    out.push_back(line{"disturbed: " + page.fault, tone::warn});
  out.push_back({});
  out.push_back(line{"STATE", tone::heading});
  if (!page.has_data)
    out.push_back(line{"  not known: it did not answer", tone::dim});
  for (auto& x : outline_text(page.data))
    out.push_back(x);
  out.push_back({});
  out.push_back(line{"LAST MESSAGES", tone::heading});
  for (auto& x : page.recent)
    out.push_back(message_text(x, page.actor.id));
  if (page.recent.empty())
    out.push_back(line{"  none", tone::dim});
  return out;
}

lines crashes_text(const crash_list& crashes) {
  if (crashes.crashes.empty())
    return {line{"no actor has crashed"}};
  std::vector<table_row> rows;
  for (auto& x : crashes.crashes)
    rows.push_back({{clock_text(x.time)},
                    {std::to_string(x.actor)},
                    {x.name},
                    {x.about},
                    {age_text(x.uptime)},
                    {x.reason, tone::bad}});
  auto out = table({{"TIME"},
                    {"ID", true},
                    {"NAME"},
                    {"ABOUT"},
                    {"LIVED", true},
                    {"REASON"}},
                   rows);
  if (crashes.total > crashes.crashes.size())
    out.push_back(line{std::to_string(crashes.total)
                           + " in all; the earliest are not kept",
                       tone::dim});
  return out;
}

lines crash_text(const crash& x) {
  lines out{
      line{title_of(x.name, x.actor, x.about), tone::strong}.add(
          " crashed at " + clock_text(x.time)),
      line{x.reason, tone::bad},
      line{"lived " + age_text(x.uptime) + ", handled "
           + std::to_string(x.handled) + " messages"
           + (x.parent ? ", supervisor " + std::to_string(*x.parent) : "")},
      {},
      line{"LAST MESSAGES", tone::heading}.add(
          "  the last is the one it crashed on", tone::dim)};
  for (size_t i = 0; i < x.recent.size(); ++i) {
    out.push_back(message_text(x.recent[i], x.actor));
    if (i + 1 == x.recent.size())
      for (auto& piece : out.back().spans)
        piece.how = tone::bad;
  }
  if (x.recent.empty())
    out.push_back(line{"  none", tone::dim});
  out.push_back({});
  out.push_back(line{"STATE AT THE CRASH", tone::heading});
  if (!x.has_data)
    out.push_back(line{"  not known", tone::dim});
  for (auto& entry : outline_text(x.data))
    out.push_back(entry);
  return out;
}

std::optional<std::string> same_line_text(const peer& x,
                                          const std::vector<peer>& peers) {
  if (x.same_line.empty())
    return std::nullopt;
  auto other = std::ranges::find(peers, x.same_line, &peer::id);
  return name_of(x) + " adds nothing now: it shares a bottleneck with "
         + (other == peers.end() ? "this device" : name_of(*other))
         + " (the same internet line, or a limit of the origin)";
}

std::string typed_name(const peer& x, const std::vector<peer>& peers) {
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyz"
                                     "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  bool is_plain = !x.name.empty() && x.name.front() != '-'
                  && x.name.find_first_not_of(plain) == std::string::npos;
  bool is_own = std::ranges::none_of(peers, [&](auto& y) {
    return y.id != x.id && (y.name == x.name || y.id.starts_with(x.name));
  });
  return is_plain && is_own ? x.name : x.id.substr(0, 12);
}

std::string words_of(const std::vector<std::string>& code) {
  std::string out;
  for (auto& word : code)
    out += (out.empty() ? "" : " ") + word;
  return out;
}

std::string trust_command(const peer& x, const std::vector<peer>& peers) {
  return "peapod trust " + typed_name(x, peers) + " " + words_of(x.code);
}

std::string crowded_text() {
  return "more devices wait to be let in than there is room for, and some were "
         "sent away; one that is let in by its whole id needs no room: peapod "
         "id there, peapod trust ID here";
}

std::optional<std::string> waiting_text(const peer& x, std::string_view how) {
  if (x.trust == "trusted" && x.state == "waiting")
    return name_of(x) + " has to let this device in too: compare the words "
           + words_of(x.code) + " there";
  if (x.trust != "waiting")
    return std::nullopt;
  auto out = name_of(x) + " waits to be let in";
  if (x.code.empty())
    return out + "; its words are on their way";
  out += ". If it shows the words " + words_of(x.code);
  return out + " too, " + std::string{how};
}

std::optional<std::string> absence_text(const peer& x) {
  if (x.why.empty() || x.state != "backing off")
    return std::nullopt;
  return "no session with " + name_of(x) + ": " + x.why;
}

std::string label_text(const line_label& x) {
  return x.as.empty() ? x.label : x.label + " as " + x.as;
}

tone tone_of_label(const line_label& x) {
  return x.label == "adds capacity" ? tone::plain : tone::warn;
}

namespace {

/// A label with its evidence.
span label_cell(const line_label& x) {
  if (x.label.empty())
    return {"-", tone::dim};
  auto text = label_text(x);
  return {x.evidence.empty() ? text : text + " (" + x.evidence + ")",
          tone_of_label(x)};
}

std::string joined(const std::vector<std::string>& all) {
  std::string out;
  for (auto& x : all)
    out += (out.empty() ? "" : " ") + x;
  return out.empty() ? "-" : out;
}

} // namespace

lines own_lines_text(const std::vector<own_line>& all) {
  std::vector<table_row> rows;
  for (auto& x : all)
    rows.push_back({{x.name.empty() ? "as the system chooses" : x.name},
                    {x.up ? "up" : "down", x.up ? tone::good : tone::bad},
                    {x.interface.empty() ? "-" : x.interface},
                    {x.gateway.empty() ? "-" : x.gateway},
                    {joined(x.public_addresses)},
                    {size_text(x.bytes_own)},
                    {size_text(x.bytes_peers)},
                    label_cell(x.line)});
  return table({{"OWN LINE"},
                {"STATE"},
                {"INTERFACE"},
                {"GATEWAY"},
                {"PUBLIC ADDRESS"},
                {"FOR ITSELF", true},
                {"FOR OTHERS", true},
                {"LINE"}},
               rows);
}

/// Of so many devices it is said why there is no session: anybody can invent
/// more.
constexpr size_t max_absent = 4;

lines peers_text(const known_peers& data) {
  auto& peers = data.peers;
  if (peers.empty() && !data.crowded)
    return {line{"no other device is in the pod yet"}};
  std::vector<table_row> rows;
  for (auto& x : peers)
    rows.push_back({{name_of(x)},
                    {x.id.substr(0, 12), tone::dim},
                    {x.address},
                    {x.state, tone_of_peer(x.state)},
                    {x.trust, tone_of_trust(x.trust)},
                    {x.protocol},
                    {rate_text(static_cast<uint64_t>(x.rate_down))},
                    {rate_text(static_cast<uint64_t>(x.rate_up))},
                    {size_text(x.bytes_from)},
                    {size_text(x.bytes_to)},
                    label_cell(x.line)});
  auto out = table({{"PEER"},
                    {"ID"},
                    {"ADDRESS"},
                    {"STATE"},
                    {"TRUST"},
                    {"PROTOCOL"},
                    {"DOWN", true},
                    {"UP", true},
                    {"FROM IT", true},
                    {"TO IT", true},
                    {"LINE"}},
                   rows);
  for (auto& x : peers)
    if (auto said = same_line_text(x, peers))
      out.push_back(line{*said, tone::warn});
  for (auto& x : peers)
    if (auto said = waiting_text(x, "type: " + trust_command(x, peers)))
      out.push_back(line{*said, tone::warn});
  size_t absent = 0;
  for (auto& x : peers)
    if (auto said = absence_text(x); said && ++absent <= max_absent)
      out.push_back(line{*said, tone::dim});
  if (data.crowded)
    out.push_back(line{crowded_text(), tone::warn});
  return out;
}

lines transfers_text(const std::vector<transfer>& transfers) {
  if (transfers.empty())
    return {line{"nothing has been downloaded yet"}};
  std::vector<table_row> rows;
  for (auto& x : transfers)
    rows.push_back({{x.state, tone_of_transfer(x.state)},
                    {progress_text(x)},
                    {shares_text(x.bytes)},
                    {checks_text(x), x.lies > 0 ? tone::bad : tone::plain},
                    {x.url}});
  return table(
      {{"STATE"}, {"DELIVERED"}, {"BROUGHT BY"}, {"CHECKED BY"}, {"URL"}},
      rows);
}

line event_text(const event& x) {
  line out{fit_to(clock_text(x.time), 8) + " ", tone::dim};
  out.add(fit_to(x.kind, 17) + " ", tone_of_kind(x.kind));
  if (x.actor || !x.name.empty())
    out.add(title_of(x.name, x.actor.value_or(0), x.about)
            + (x.text.empty() ? "" : ": "));
  return out.add(x.text);
}

line message_text(const message& x, uint64_t self) {
  line out{"  " + clock_text(x.time, true) + " ", tone::dim};
  auto from =
      x.from ? x.from_name + " " + std::to_string(*x.from) : x.from_name;
  out.add(fit_to(x.from == self ? "itself" : from, 24) + " ");
  out.add(fit_to(x.type, 22), tone::active);
  out.add(" " + fit_to(x.size == 0 ? "" : size_text(x.size), 9, true)
              + fit_to(span_text(x.took), 7, true),
          tone::dim);
  return out;
}

lines outline_text(const std::vector<outline_line>& data) {
  lines out;
  for (auto& x : data)
    out.push_back(line{std::string(2 * x.depth + 2, ' ')}
                      .add(x.key + ":", tone::dim)
                      .add(x.value.empty() ? "" : " " + x.value));
  if (data.empty())
    out.push_back(line{"  nothing", tone::dim});
  return out;
}

} // namespace peapod::control
