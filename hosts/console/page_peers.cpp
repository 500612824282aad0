#include "hosts/console/cursor.hpp"
#include "hosts/console/page.hpp"

#include "hosts/common/control_text.hpp"
#include "hosts/common/size_text.hpp"
#include "hosts/common/status_text.hpp"

#include <algorithm>

namespace peapod::console {

namespace {

using namespace control;

/// One direction: its rate, the last minute, and what it has come to.
line direction(const char* name, const series& rates, const std::string& sum,
               extent size, instant now) {
  line out{std::string{"    "} + name, tone::dim};
  auto rate = rates.last();
  out.add(fit_to(rate_text(static_cast<uint64_t>(rate)), 13, true) + "  ",
          rate > 0 ? tone::plain : tone::dim);
  auto room = size.columns > 50 ? size.columns - 50 : 10;
  out.add(rates.sparkline(now, std::min<size_t>(60, room)), tone::active);
  return out.add("  " + sum);
}

/// Whether something adds capacity, and why.
line line_line(std::string begin, const line_label& x) {
  return line{std::move(begin), tone::dim}
      .add(label_text(x), tone_of_label(x))
      .add(x.evidence.empty() ? "" : " (" + x.evidence + ")", tone::dim);
}

/// Own lines, where there are several.
void add_own_lines(const status& x, lines& out) {
  if (x.lines.size() < 2)
    return;
  out.push_back(line{" This device's own lines", tone::heading});
  for (auto& y : x.lines) {
    auto begin = "    " + fit_to(y.name, 20) + fit_to(y.up ? "up" : "down", 6);
    begin += fit_to(size_text(y.bytes_own) + " for itself", 22)
             + fit_to(size_text(y.bytes_peers) + " for others", 22);
    out.push_back(line_line(std::move(begin), y.line));
  }
  out.push_back({});
}

/// What is shown of one device.
lines peer_block(const peer& x, const model& data, extent size, instant now) {
  lines out;
  out.push_back(line{" "}
                    .add(fit_to(name_of(x), 23), tone::strong)
                    .add(fit_to(x.state, 13), tone_of_peer(x.state))
                    .add(fit_to(x.trust, 10), tone_of_trust(x.trust))
                    .add(fit_to("protocol " + x.protocol, 12), tone::dim)
                    .add(fit_to(x.id.substr(0, 8), 10), tone::dim)
                    .add(x.address));
  if (x.state == "connected" || x.state == "set aside") {
    auto& rates = data.rates_of(x.id);
    out.push_back(direction("down", rates.down,
                            size_text(x.bytes_from) + " from it", size, now));
    out.push_back(direction("up  ", rates.up, size_text(x.bytes_to) + " to it",
                            size, now));
  }
  if (!x.line.label.empty())
    out.push_back(line_line("    line  ", x.line));
  if (auto said = same_line_text(x, data.status().peers))
    out.push_back(line{"   " + *said, tone::warn});
  if (auto said = waiting_text(x, "press t"))
    out.push_back(line{"   " + *said, tone::warn});
  if (auto said = absence_text(x))
    out.push_back(line{"   " + *said, tone::dim});
  out.push_back({});
  return out;
}

class peers_page : public page {
public:
  lines draw(const model& data, extent size, instant now) override {
    auto& peers = data.status().peers;
    std::vector<std::string> ids;
    for (auto& x : peers)
      ids.push_back(x.id);
    cursor_.settle(std::move(ids), std::max<size_t>(size.rows / 4, 1));
    lines all;
    size_t begin = 0, end = 0;
    if (peers.empty())
      all = {line{}, line{"  No other device is in the pod yet.", tone::dim}};
    for (size_t i = 0; i < peers.size(); ++i) {
      auto block = peer_block(peers[i], data, size, now);
      if (i == cursor_.index()) {
        block.front().selected = true;
        begin = all.size();
        end = begin + block.size();
      }
      all.insert(all.end(), block.begin(), block.end());
    }
    if (data.status().crowded)
      all.push_back(line{" " + crowded_text(), tone::warn});
    add_own_lines(data.status(), all);
    if (!data.status().sharing.state.empty())
      add_share(data.status(), all);
    return window(all, begin, end, size);
  }

  bool take(const input& x, desk& where) override {
    if (cursor_.take(x))
      return true;
    if (!x.is('t') && !x.is('u'))
      return false;
    auto& peers = where.data().status().peers;
    auto id = cursor_.chosen();
    auto found = std::ranges::find(peers, id.value_or(""), &peer::id);
    if (found == peers.end())
      where.data().tell("no device is chosen", tone::warn, where.now());
    else
      ask_about(*found, x.is('t'), where);
    return true;
  }

  std::vector<std::string> hints() const override {
    return {"arrows choose", "t trust", "u untrust"};
  }

private:
  static void add_share(const status& x, lines& out) {
    out.push_back({});
    for (auto& said : share_lines(x)) {
      out.push_back(line{" "});
      for (auto& piece : said.spans)
        out.back().add(piece.text, piece.how);
    }
  }

  /// The part of all lines in which those from `begin` to `end` are.
  lines window(const lines& all, size_t begin, size_t end, extent size) {
    if (end > top_ + size.rows)
      top_ = end - size.rows;
    top_ = std::min(top_, begin);
    lines out;
    for (auto i = top_; i < all.size() && out.size() < size.rows; ++i) {
      out.push_back(all[i]);
      out.back().cut(size.columns);
    }
    return out;
  }

  /// Without words only the whole id says who is let in.
  static std::string question_about(const peer& x, bool trusted) {
    auto name = name_of(x);
    if (!trusted)
      return "Let " + name + " out of the pod?";
    if (x.code.empty())
      return "Does peapod id on " + name + " show " + x.id + "?";
    return "Does " + name + " show " + words_of(x.code) + "?";
  }

  static void ask_about(const peer& x, bool trusted, desk& where) {
    question q;
    q.text = question_about(x, trusted) + " y/n ";
    auto code = trusted ? x.code : std::vector<std::string>{};
    q.answered = [&where, id = x.id, name = name_of(x), trusted,
                  code](const std::string& answer) {
      if (answer == "y")
        where.daemon().trust(id, name, trusted, code);
    };
    where.ask(std::move(q));
  }

  list_cursor<std::string> cursor_;
  size_t top_ = 0; ///< the first line that is shown
};

} // namespace

std::unique_ptr<page> make_peers_page() {
  return std::make_unique<peers_page>();
}

} // namespace peapod::console
