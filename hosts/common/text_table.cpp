#include "hosts/common/text_table.hpp"

#include <algorithm>

namespace peapod {

namespace {

/// Between two columns; screens are narrow, files are not.
size_t gap_for(size_t width) {
  return width == SIZE_MAX ? 2 : 1;
}

size_t total(const std::vector<size_t>& widths, size_t gap) {
  size_t out = 0;
  for (auto x : widths)
    out += x == 0 ? 0 : x + gap;
  return out == 0 ? 0 : out - gap;
}

/// Cuts flexible columns, the widest first, until the table fits.
void shrink(const std::vector<column>& columns, std::vector<size_t>& widths,
            size_t width) {
  while (total(widths, gap_for(width)) > width) {
    size_t widest = columns.size();
    for (size_t i = 0; i < columns.size(); ++i)
      if (columns[i].flexible
          && widths[i] > std::max<size_t>(columns[i].least, 1)
          && (widest == columns.size() || widths[i] > widths[widest]))
        widest = i;
    if (widest == columns.size())
      return;
    --widths[widest];
  }
}

/// The next column to leave out, or the number of columns.
size_t most_expendable(const std::vector<column>& columns,
                       const std::vector<size_t>& widths) {
  size_t out = columns.size();
  for (size_t i = 0; i < columns.size(); ++i)
    if (widths[i] > 0 && columns[i].expendable > 0
        && (out == columns.size()
            || columns[i].expendable > columns[out].expendable))
      out = i;
  return out;
}

line draw(const std::vector<column>& columns, const std::vector<size_t>& widths,
          const table_row& row, size_t gap) {
  line out;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (widths[i] == 0)
      continue;
    if (!out.spans.empty())
      out.add(std::string(gap, ' '));
    auto& cell = i < row.size() ? row[i] : span{};
    out.add(fit_to(cell.text, widths[i], columns[i].right), cell.how);
  }
  return out;
}

/// How wide each column is; 0: left out.
std::vector<size_t> layout(const std::vector<column>& columns,
                           const std::vector<table_row>& rows, size_t width) {
  std::vector<size_t> natural;
  for (auto& x : columns)
    natural.push_back(std::max({width_of(x.title), x.least, size_t{1}}));
  for (auto& row : rows)
    for (size_t i = 0; i < std::min(row.size(), columns.size()); ++i)
      natural[i] = std::max(natural[i], width_of(row[i].text));
  for (;;) {
    auto widths = natural;
    shrink(columns, widths, width);
    auto out = most_expendable(columns, natural);
    if (total(widths, gap_for(width)) <= width || out == columns.size())
      return widths;
    natural[out] = 0;
  }
}

} // namespace

lines table(std::vector<column> columns, const std::vector<table_row>& rows,
            size_t width) {
  auto widths = layout(columns, rows, width);
  table_row titles;
  for (auto& x : columns)
    titles.push_back({x.title, tone::heading});
  auto gap = gap_for(width);
  lines out{draw(columns, widths, titles, gap)};
  for (auto& row : rows)
    out.push_back(draw(columns, widths, row, gap));
  for (auto& x : out)
    x.cut(width);
  return out;
}

} // namespace peapod
