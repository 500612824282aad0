#include "hosts/console/cursor.hpp"
#include "hosts/console/page.hpp"
#include "hosts/console/source_map.hpp"

#include "hosts/common/control_text.hpp"
#include "hosts/common/size_text.hpp"
#include "hosts/common/time_text.hpp"

#include <array>

namespace peapod::console {

namespace {

using namespace control;
using namespace std::chrono_literals;

std::string bar(double part, size_t width) {
  auto full = static_cast<size_t>(std::clamp(part, 0.0, 1.0)
                                  * static_cast<double>(width));
  std::string out;
  for (size_t i = 0; i < width; ++i)
    out += i < full ? "█" : "░";
  return out;
}

double part_of(const transfer& x) {
  return x.total == 0
             ? 1
             : static_cast<double>(x.delivered) / static_cast<double>(x.total);
}

class transfers_page : public page {
public:
  lines draw(const model& data, extent size, instant) override {
    lines all;
    auto& transfers = data.status().transfers;
    // Letters in the order of names, not of the first part that came.
    for (auto& x : transfers)
      for (auto& [who, bytes] : x.bytes)
        legend_.of(who);
    // The latest first: those that run are last in the answer.
    for (auto x = transfers.rbegin(); x != transfers.rend(); ++x)
      add_transfer(*x, data, size, all);
    if (all.empty())
      all = {line{}, line{"  Nothing has been downloaded yet.", tone::dim}};
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
    return {"arrows scroll", "the letters show who brought which part"};
  }

private:
  void add_transfer(const transfer& x, const model& data, extent size,
                    lines& out) {
    out.push_back(line{" " + x.url, tone::strong});
    out.push_back(progress(x, data, size));
    auto map = map_line(x, size.columns - 2, legend_);
    line shown{" "};
    for (auto& piece : map.spans)
      shown.add(piece.text, piece.how);
    if (!x.map.empty())
      out.push_back(shown);
    add_ledger(x, size, out);
    out.push_back({});
  }

  line progress(const transfer& x, const model& data, extent size) const {
    auto how = tone_of_transfer(x.state);
    auto width = std::max<size_t>(size.columns / 4, 10);
    line out{" "};
    out.add(bar(part_of(x), width), how);
    out.add(fit_to(load_text(part_of(x)), 5, true) + "  "
            + size_text(x.delivered) + " of " + size_text(x.total) + "  ");
    if (x.state != "running")
      return out.add(x.state, how);
    auto rate = data.delivery_of(x.id).slope(4s);
    out.add(rate_text(static_cast<uint64_t>(rate)));
    auto left = static_cast<double>(x.total - std::min(x.total, x.delivered));
    return out.add(rate > 0 ? "  " + age_text(left / rate + 1) + " left" : "");
  }

  /// Who brought how much, with the marks of the map, then what it cost.
  void add_ledger(const transfer& x, extent size, lines& out) {
    line now{" "};
    auto add = [&](line piece) {
      if (now.width() + piece.width() > size.columns) {
        out.push_back(std::move(now));
        now = line{" "};
      }
      for (auto& y : piece.spans)
        now.add(y.text, y.how);
    };
    auto add_share = [&](const std::string& who, uint64_t bytes) {
      auto mark = legend_.of(who);
      line piece{mark.letter, mark.how};
      piece.add(" ").add(who == "self" ? "this device" : who, tone::strong);
      add(piece.add(" ").add(size_text(bytes)).add("   "));
    };
    if (auto own = x.bytes.find("self"); own != x.bytes.end())
      add_share(own->first, own->second);
    for (auto& [who, bytes] : x.bytes)
      if (who != "self")
        add_share(who, bytes);
    auto cost = [&](const char* name, uint64_t bytes) {
      add(line{std::string{name} + " " + size_text(bytes) + "   ", tone::dim});
    };
    cost("wasted", x.wasted);
    cost("hedged", x.hedged);
    cost("rechecked", x.rechecked);
    if (!x.verified_by.empty())
      add(line{"checked by " + checks_text(x),
               x.lies > 0 ? tone::bad : tone::dim});
    out.push_back(std::move(now));
  }

  scroller scroller_;
  legend legend_;
};

} // namespace

std::unique_ptr<page> make_transfers_page() {
  return std::make_unique<transfers_page>();
}

} // namespace peapod::console
