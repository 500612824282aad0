#include "hosts/common/event_source.hpp"

namespace peapod {

namespace {

constexpr size_t max_line = 1_MiB;

} // namespace

event_parser::event_parser(std::function<void(server_event)> on_event)
  : on_event_(std::move(on_event)) {}

void event_parser::feed(std::string_view bytes) {
  for (auto c : bytes) {
    bool second = c == '\n' && after_return_;
    after_return_ = c == '\r';
    if (second)
      continue;
    if (c == '\n' || c == '\r') {
      take_line(line_);
      line_.clear();
    } else if (line_.size() < max_line) {
      line_ += c;
    }
  }
}

void event_parser::take_line(std::string_view text) {
  if (text.empty()) {
    if (next_.kind.empty())
      next_.kind = "message";
    if (has_data_)
      on_event_(next_);
    // The last id stays in force for events without one.
    next_ = {std::move(next_.id), "", ""};
    has_data_ = false;
    return;
  }
  auto colon = text.find(':');
  if (colon == 0)
    return;
  auto value = colon == text.npos ? "" : text.substr(colon + 1);
  if (value.starts_with(' '))
    value.remove_prefix(1);
  take_field(text.substr(0, colon), value);
}

void event_parser::take_field(std::string_view name, std::string_view value) {
  if (name == "data") {
    if (has_data_)
      next_.data += '\n';
    if (next_.data.size() + value.size() <= max_line)
      next_.data += value;
    has_data_ = true;
  } else if (name == "event") {
    next_.kind = value;
  } else if (name == "id") {
    next_.id = value;
  }
}

} // namespace peapod
