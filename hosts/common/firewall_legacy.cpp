#include "hosts/common/firewall_rules.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <utility>

namespace peapod {

namespace {

using word_list = std::vector<std::string>;

/// The words of a line; quotes hold some together, in which `\` stands before
/// what would end them.
word_list words_of(std::string_view line) {
  word_list out;
  bool open = false;
  bool inside = false;
  for (size_t i = 0; i < line.size(); ++i) {
    if (!inside && (line[i] == ' ' || line[i] == '\t')) {
      open = false;
      continue;
    }
    if (!std::exchange(open, true))
      out.emplace_back();
    if (line[i] == '"')
      inside = !inside;
    else
      out.back() += inside && line[i] == '\\' && i + 1 < line.size() ? line[++i]
                                                                     : line[i];
  }
  return out;
}

std::string lower(std::string x) {
  for (auto& c : x)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return x;
}

/// As in `22,1000:2000`, in small letters; ranges become `1000-2000`.
word_list list_of(const std::string& text) {
  word_list out(1);
  for (auto c : lower(text)) {
    if (c == ',')
      out.emplace_back();
    else
      out.back() += c == ':' ? '-' : c;
  }
  return out;
}

/// What begins an option, not its value.
bool is_option(const std::string& x) {
  return x == "!" || (x.size() > 1 && x.front() == '-');
}

/// The tables in the order in which the kernel asks their INPUT chains.
std::optional<int64_t> priority_of(std::string_view table) {
  constexpr std::array<std::pair<std::string_view, int64_t>, 4> known{
      {{"mangle", -150}, {"filter", 0}, {"security", 50}, {"nat", 100}}};
  auto i = std::ranges::find(known, table,
                             &std::pair<std::string_view, int64_t>::first);
  return i == known.end() ? std::nullopt : std::optional{i->second};
}

} // namespace

/// Reads the lines in their order.
struct firewall_rules::legacy_reader {
  firewall_rules out;
  std::string table; ///< that is open; empty: none
  bool fails = false;

  void read(std::string_view line) {
    auto words = words_of(line);
    if (words.empty() || words.front().starts_with('#'))
      return;
    auto& first = words.front();
    if (first.starts_with('*') && table.empty())
      table = first.substr(1);
    else if (table.empty())
      fails = true;
    else if (first == "COMMIT")
      table.clear();
    else if (first.starts_with(':') && words.size() >= 2)
      add_chain(first.substr(1), words[1]);
    else if (first == "-A" && words.size() >= 2)
      add_rule(words);
    else
      fails = true;
  }

  void add_chain(std::string name, const std::string& policy) {
    chain made;
    made.family = "ip";
    made.table = "iptables-legacy " + table;
    auto priority = priority_of(table);
    made.input = name == "INPUT" && priority;
    made.priority = priority.value_or(0);
    made.drops = policy == "DROP";
    made.name = std::move(name);
    out.chains_.push_back(std::move(made));
  }

  void add_rule(const word_list& words) {
    auto* where = find(words[1]);
    if (where == nullptr)
      return;
    rule made;
    for (size_t i = 2; i < words.size();) {
      if (words[i] == "-j" || words[i] == "-g") {
        // What follows is about the target.
        end(made, words[i] == "-g", i + 1 < words.size() ? words[i + 1] : "");
        break;
      }
      i = add_option(words, i, made);
    }
    where->rules.push_back(std::move(made));
  }

  chain* find(const std::string& name) {
    chain key;
    key.family = "ip";
    key.table = "iptables-legacy " + table;
    auto* found = out.find(key, name);
    return found ? &out.chains_[static_cast<size_t>(found - out.chains_.data())]
                 : nullptr;
  }

  /// Targets that are no chains let the packet go on, as LOG does.
  void end(rule& to, bool goes, const std::string& target) {
    using verdict = rule::verdict;
    if (target == "ACCEPT")
      to.ends = verdict::accept;
    else if (target == "DROP" || target == "REJECT" || target == "TARPIT")
      to.ends = verdict::drop;
    else if (target == "RETURN")
      to.ends = verdict::back;
    else if (find(target) != nullptr) {
      to.ends = goes ? verdict::go_to : verdict::jump;
      to.target = target;
    }
  }

  /// Takes an option with its values; gives the place after them.
  static size_t add_option(const word_list& words, size_t at, rule& to) {
    bool negated = words[at] == "!";
    at += negated;
    if (at == words.size())
      return at;
    auto& name = words[at++];
    auto begin = at;
    while (at < words.size() && !is_option(words[at]))
      ++at;
    std::string value = begin < at ? words[begin] : "";
    // A module says nothing yet, its options do.
    if (name != "-m" && name != "--comment")
      to.conditions.push_back(condition_of(name, std::move(value), negated));
    return at;
  }

  static condition condition_of(const std::string& name, std::string value,
                                bool negated) {
    using field = condition::field;
    if (name == "-i") {
      if (value.ends_with('+'))
        value.back() = '*';
      return {field::interface, negated, {std::move(value)}};
    }
    constexpr std::array<std::pair<std::string_view, field>, 9> known{{
        {"-p", field::protocol},
        {"-s", field::from},
        {"-d", field::to},
        {"--dport", field::port},
        {"--dports", field::port},
        {"--ctstate", field::state},
        {"--state", field::state},
        {"--dst-type", field::kind},
        {"--pkt-type", field::kind},
    }};
    auto i = std::ranges::find(known, name,
                               &std::pair<std::string_view, field>::first);
    return i == known.end() ? condition{}
                            : condition{i->second, negated, list_of(value)};
  }
};

result<firewall_rules> firewall_rules::parse_legacy(std::string_view text) {
  legacy_reader all;
  while (!text.empty()) {
    auto end = std::min(text.find('\n'), text.size());
    all.read(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  // What was cut off has no COMMIT.
  if (all.fails || !all.table.empty())
    return make_error(errc::bad_config, "not a list of rules");
  std::ranges::stable_sort(all.out.chains_, {}, &chain::priority);
  return std::move(all.out);
}

void firewall_rules::add(firewall_rules other) {
  std::ranges::move(other.chains_, std::back_inserter(chains_));
  std::ranges::stable_sort(chains_, {}, &chain::priority);
}

} // namespace peapod
