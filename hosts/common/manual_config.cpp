#include "hosts/common/config_keys.hpp"
#include "hosts/common/manual_text.hpp"
#include "hosts/common/roff.hpp"

#include <algorithm>
#include <map>
#include <vector>

namespace peapod {

namespace {

/// Keys that one comment explains.
struct explained {
  struct key {
    std::string name;    ///< `section.key`
    std::string initial; ///< as it is written; empty where it depends
  };
  std::vector<key> keys;
  std::string comment;
};

/// What the file says, in its order.
struct explained_file {
  std::string head; ///< the comment before all sections
  std::vector<std::pair<std::string, std::vector<explained>>> sections;
};

/// `name` when `line` is `name=...`, else nothing.
std::string_view key_in(std::string_view line) {
  auto name = line.substr(0, line.find('='));
  auto plain = name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-")
               == std::string_view::npos;
  return plain && name.size() < line.size() ? name : std::string_view{};
}

bool is_key(std::string_view name) {
  for (auto& x : config_keys())
    if (x.name == name)
      return true;
  return false;
}

/// Puts the lines of the file together.
class reader {
public:
  explained_file read(std::string_view text) {
    while (!text.empty()) {
      auto end = std::min(text.find('\n'), text.size());
      take(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    end_block();
    return std::move(out_);
  }

private:
  void take(std::string_view line) {
    if (line.empty())
      return end_block();
    if (line.front() == '[') {
      end_block();
      section_ = line.substr(1, line.find(']') - 1);
      out_.sections.push_back({section_, {}});
    } else if (line.front() == ';') {
      comment(line.substr(std::min<size_t>(2, line.size())));
    } else if (auto name = key_in(line); !name.empty()) {
      block_.keys.push_back({section_ + "." + std::string{name},
                             std::string{line.substr(name.size() + 1)}});
    }
  }

  /// A key that is commented out has a default that depends.
  void comment(std::string_view line) {
    auto name = section_ + "." + std::string{key_in(line)};
    if (is_key(name)) {
      block_.keys.push_back({name, ""});
      return;
    }
    // A comment behind keys explains the next ones.
    if (!block_.keys.empty())
      end_block();
    if (!block_.comment.empty())
      block_.comment += '\n';
    block_.comment += line;
  }

  void end_block() {
    if (!block_.keys.empty())
      out_.sections.back().second.push_back(std::move(block_));
    else if (out_.sections.empty() && !block_.comment.empty())
      out_.head += block_.comment + "\n";
    block_ = {};
  }

  explained_file out_;
  std::string section_;
  explained block_;
};

/// The name of a key as it stands in the file.
std::string tag_name(const explained::key& x) {
  return roff::bold(x.name.substr(x.name.find('.') + 1));
}

std::string block_text(const explained& x,
                       std::map<std::string, std::string>& left) {
  std::string out;
  std::map<std::string, std::string> accepted; // and the keys that do
  for (auto& key : x.keys) {
    auto tag = tag_name(key);
    if (!key.initial.empty())
      tag += "=" + roff::typed(key.initial);
    out += (out.empty() ? ".TP\n" : ".TQ\n") + tag + "\n";
    if (auto takes = left.extract(key.name)) {
      auto& names = accepted[takes.mapped()];
      names += (names.empty() ? "" : ", ") + tag_name(key);
    }
  }
  out += roff::text(x.comment) + "\n";
  for (auto& [what, names] : accepted)
    out += ".br\n" + (accepted.size() > 1 ? names + " takes " : "Takes ")
           + roff::text(what) + ".\n";
  return out;
}

/// What the file does not explain.
std::string rest_text(const std::map<std::string, std::string>& left) {
  std::string out;
  for (auto& [name, accepted] : left)
    out +=
        roff::tagged(roff::bold(name), "Takes " + roff::text(accepted) + ".");
  return out.empty() ? out : roff::subsection("Others") + out;
}

} // namespace

std::string config_manual(std::string_view pod_ini, const manual_title& title) {
  auto file = reader{}.read(pod_ini);
  std::map<std::string, std::string> left;
  for (auto& x : config_keys())
    left.emplace(x.name, x.expected);
  auto out = ".TH POD.INI 5 \"" + roff::text(title.date) + "\" \"PeaPod "
             + roff::typed(title.version) + "\" \"PeaPod\"\n";
  out += roff::section("NAME") + "pod.ini \\- configuration of PeaPod\n";
  out +=
      roff::section("DESCRIPTION") + ".nf\n" + roff::typed(file.head) + ".fi\n";
  out += roff::section("KEYS");
  for (auto& [name, blocks] : file.sections) {
    out += roff::subsection("[" + name + "]");
    for (auto& x : blocks)
      out += block_text(x, left);
  }
  return out + rest_text(left) + roff::section("SEE ALSO") + ".BR peapod (1)\n";
}

} // namespace peapod
