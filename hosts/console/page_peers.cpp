#include "hosts/console/cursor.hpp"
#include "hosts/console/page.hpp"

#include "hosts/common/control_text.hpp"
#include "hosts/common/size_text.hpp"
#include "hosts/common/status_text.hpp"

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

class peers_page : public page {
public:
  lines draw(const model& data, extent size, instant now) override {
    lines all;
    for (auto& x : data.status().peers)
      add_peer(x, data, size, now, all);
    if (all.empty())
      all = {line{}, line{"  No other device is in the pod yet.", tone::dim}};
    if (!data.status().sharing.state.empty())
      add_share(data.status(), all);
    scroller_.settle(all.size(), size.rows);
    auto begin = all.begin() + static_cast<std::ptrdiff_t>(scroller_.top());
    auto shown = std::min(size.rows, all.size() - scroller_.top());
    lines out{begin, begin + static_cast<std::ptrdiff_t>(shown)};
    for (auto& x : out)
      x.cut(size.columns);
    return out;
  }

  bool take(const input& x, desk&) override {
    return scroller_.take(x);
  }

  std::vector<std::string> hints() const override {
    return {"arrows scroll", "rates of the last minute"};
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

  static void add_peer(const peer& x, const model& data, extent size,
                       instant now, lines& out) {
    out.push_back(line{" "}
                      .add(fit_to(name_of(x), 23), tone::strong)
                      .add(fit_to(x.state, 13), tone_of_peer(x.state))
                      .add(fit_to(x.id.substr(0, 8), 10), tone::dim)
                      .add(fit_to(x.address, 23))
                      .add("protocol " + x.protocol, tone::dim));
    if (x.state == "connected" || x.state == "set aside") {
      auto& rates = data.rates_of(x.id);
      out.push_back(direction("down", rates.down,
                              size_text(x.bytes_from) + " from it", size, now));
      out.push_back(direction("up  ", rates.up,
                              size_text(x.bytes_to) + " to it", size, now));
    }
    if (auto said = same_line_text(x, data.status().peers))
      out.push_back(line{"   " + *said, tone::warn});
    out.push_back({});
  }

  scroller scroller_;
};

} // namespace

std::unique_ptr<page> make_peers_page() {
  return std::make_unique<peers_page>();
}

} // namespace peapod::console
