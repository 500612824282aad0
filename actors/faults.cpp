#include "actors/faults.hpp"

namespace peapod {

namespace {

std::string_view verb(fault::kind x) {
  switch (x) {
    case fault::kind::none:
      break;
    case fault::kind::crash:
      return "crash on";
    case fault::kind::drop:
      return "drop";
    case fault::kind::delay:
      return "delay";
    case fault::kind::duplicate:
      return "duplicate";
    case fault::kind::hang:
      return "hang on";
  }
  return "";
}

} // namespace

std::string to_string(const fault& x) {
  if (x.what == fault::kind::none)
    return {};
  std::string out{verb(x.what)};
  out += x.every == 1 ? " the next message"
                      : " every message whose number " + std::to_string(x.every)
                            + " divides";
  if (x.times > 1)
    out += ", " + std::to_string(x.times) + " times";
  return out;
}

fault::kind fault_plan::next() {
  if (plan_.what == fault::kind::none || ++seen_ % plan_.every != 0)
    return fault::kind::none;
  auto out = plan_.what;
  if (--plan_.times == 0)
    plan_.what = fault::kind::none;
  return out;
}

} // namespace peapod
