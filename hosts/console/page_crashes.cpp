#include "hosts/console/cursor.hpp"
#include "hosts/console/page.hpp"

#include "hosts/common/control_text.hpp"
#include "hosts/common/text_table.hpp"
#include "hosts/common/time_text.hpp"

namespace peapod::console {

namespace {

using namespace control;
using key = input::key;

class crashes_page : public page {
public:
  lines draw(const model& data, extent size, instant) override {
    auto out = open_ ? report(data, size) : list(data, size);
    for (auto& x : out)
      x.cut(size.columns);
    return out;
  }

  bool take(const input& x, desk&) override {
    if (open_ && (x.what == key::escape || x.what == key::backspace))
      open_.reset();
    else if (open_)
      return report_.take(x);
    else if (x.what == key::enter && cursor_.chosen())
      open(*cursor_.chosen());
    else
      return cursor_.take(x);
    return true;
  }

  std::vector<std::string> hints() const override {
    if (open_)
      return {"Esc back", "arrows scroll"};
    return {"Enter read the report"};
  }

private:
  void open(uint64_t seq) {
    open_ = seq;
    report_ = {};
  }

  /// The latest first: it is what one looks for.
  lines list(const model& data, extent size) {
    auto& all = data.crashes().crashes;
    if (all.empty())
      return {line{}, line{"  No actor has crashed.", tone::dim}};
    std::vector<uint64_t> keys;
    std::vector<table_row> rows;
    for (auto x = all.rbegin(); x != all.rend(); ++x) {
      keys.push_back(x->seq);
      rows.push_back({{clock_text(x->time), tone::dim},
                      {std::to_string(x->actor)},
                      {x->name},
                      {x->about},
                      {age_text(x->uptime)},
                      {x->reason, tone::bad}});
    }
    cursor_.settle(keys, size.rows - 1);
    auto shown = table({{"TIME", false, 8},
                        {"ID", true, 3},
                        {"NAME", false, 12, true},
                        {"ABOUT", false, 6, true},
                        {"LIVED", true, 5},
                        {"REASON", false, 20, true}},
                       rows, size.columns);
    lines out{shown.front()};
    for (auto i = cursor_.top(); i < rows.size() && out.size() < size.rows;
         ++i) {
      out.push_back(shown[i + 1]);
      out.back().selected = i == cursor_.index();
    }
    return out;
  }

  lines report(const model& data, extent size) {
    for (auto& x : data.crashes().crashes)
      if (x.seq == *open_)
        last_ = x;
    auto all = wrapped(crash_text(last_), size.columns);
    report_.settle(all.size(), size.rows);
    auto begin = all.begin() + static_cast<std::ptrdiff_t>(report_.top());
    auto shown = std::min(size.rows, all.size() - report_.top());
    return {begin, begin + static_cast<std::ptrdiff_t>(shown)};
  }

  /// A reason may be longer than a line, and nothing of it is unimportant.
  static lines wrapped(const lines& all, size_t columns) {
    lines out;
    for (auto& x : all) {
      bool is_long = x.spans.size() == 1 && x.width() > columns;
      if (!is_long) {
        out.push_back(x);
        continue;
      }
      std::string_view rest = x.spans.front().text;
      while (!rest.empty()) {
        auto piece = beginning_of(rest, columns);
        if (piece.empty())
          break;
        out.push_back(line{std::string{piece}, x.spans.front().how});
        rest.remove_prefix(piece.size());
      }
    }
    return out;
  }

  list_cursor<uint64_t> cursor_;
  std::optional<uint64_t> open_;
  control::crash last_; ///< stays readable when the daemon drops it
  scroller report_;
};

} // namespace

std::unique_ptr<page> make_crashes_page() {
  return std::make_unique<crashes_page>();
}

} // namespace peapod::console
