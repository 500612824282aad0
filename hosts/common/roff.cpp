#include "hosts/common/roff.hpp"

namespace peapod::roff {

namespace {

std::string escaped(std::string_view plain, bool minus) {
  std::string out;
  bool begins = true;
  for (auto c : plain) {
    // A line that begins with one of these would be a request.
    if (begins && (c == '.' || c == '\''))
      out += "\\&";
    begins = c == '\n';
    if (c == '\\')
      out += "\\e";
    else if (c == '-' && minus)
      out += "\\-";
    else
      out += c;
  }
  return out;
}

} // namespace

std::string text(std::string_view plain) {
  return escaped(plain, false);
}

std::string typed(std::string_view plain) {
  return escaped(plain, true);
}

std::string bold(std::string_view plain) {
  return "\\fB" + typed(plain) + "\\fR";
}

std::string italic(std::string_view plain) {
  return "\\fI" + typed(plain) + "\\fR";
}

std::string section(std::string_view title) {
  return ".SH " + std::string{title} + "\n";
}

std::string subsection(std::string_view title) {
  return ".SS " + std::string{title} + "\n";
}

std::string tagged(std::string_view tag, std::string_view body) {
  return ".TP\n" + std::string{tag} + "\n" + std::string{body} + "\n";
}

} // namespace peapod::roff
