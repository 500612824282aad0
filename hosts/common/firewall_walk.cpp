#include "core/address_policy.hpp"
#include "hosts/common/firewall_rules.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace peapod {

namespace {

std::optional<uint64_t> number_in(std::string_view x) {
  uint64_t out = 0;
  auto [end, ec] = std::from_chars(x.data(), x.data() + x.size(), out);
  return ec == std::errc{} && end == x.data() + x.size() ? std::optional{out}
                                                         : std::nullopt;
}

bool has_port(std::string_view value, uint16_t port) {
  auto dash = value.find('-');
  auto first = number_in(value.substr(0, dash));
  auto last = dash == std::string_view::npos
                  ? first
                  : number_in(value.substr(dash + 1));
  return first && last && *first <= port && port <= *last;
}

bool has_address(std::string_view value, const std::string& address) {
  auto ip = parse_ip(address);
  if (!ip)
    return false;
  auto dash = value.find('-');
  if (dash == std::string_view::npos) {
    auto net = parse_network(value);
    return net && net->contains(*ip);
  }
  auto first = parse_ip(value.substr(0, dash));
  auto last = parse_ip(value.substr(dash + 1));
  return first && last && first->is_v4() && last->is_v4() && ip->is_v4()
         && !std::ranges::lexicographical_compare(ip->bytes(), first->bytes())
         && !std::ranges::lexicographical_compare(last->bytes(), ip->bytes());
}

bool is_multicast(const std::string& address) {
  auto ip = parse_ip(address);
  return ip && ip->is_v4() && (ip->bytes()[0] & 0xf0) == 0xe0;
}

/// `eth*` stands for all that begin so.
bool has_interface(std::string_view value, std::string_view name) {
  return value.ends_with('*')
             ? name.starts_with(value.substr(0, value.size() - 1))
             : value == name;
}

/// More than that is a loop of rules, or a list that nobody has written.
constexpr unsigned max_steps = 20'000;
constexpr unsigned max_depth = 16;

} // namespace

/// The way of one packet through the rules.
class rule_walk {
public:
  rule_walk(const firewall_rules& rules, const incoming_packet& packet)
    : rules_(rules), packet_(packet) {}

  filter_verdict run() {
    filter_verdict out;
    for (auto& x : rules_.chains_) {
      if (!x.input)
        continue;
      unsure_ = {};
      auto outcome = walk(x, 0);
      bool falls = outcome == ending::open && x.drops;
      if (outcome == ending::drop || falls) {
        auto what = unsure_.accept ? filter_verdict::maybe_dropped
                                   : filter_verdict::dropped;
        return {what, falls ? "chain " + x.table + " " + x.name
                                  + " drops what no rule of it accepts"
                            : place_};
      }
      if (unsure_.drop && out.what == filter_verdict::passes)
        out = {filter_verdict::maybe_dropped, unsure_place_};
    }
    return out;
  }

private:
  using chain = firewall_rules::chain;
  using rule = firewall_rules::rule;
  using condition = firewall_rules::condition;

  enum class ending { open, accept, drop };
  enum class fit { yes, no, maybe };

  /// Whether a rule that is not understood could have ended it.
  struct doubts {
    bool accept = false;
    bool drop = false;
  };

  ending walk(const chain& in, unsigned depth) {
    using verdict = rule::verdict;
    if (depth > max_depth)
      return ending::open;
    for (auto& x : in.rules) {
      if (++steps_ > max_steps)
        return ending::open;
      auto fits = fit_of(x);
      if (fits == fit::no || x.ends == verdict::none)
        continue;
      if (fits == fit::maybe) {
        doubt(x, in);
        continue;
      }
      if (x.ends == verdict::accept)
        return ending::accept;
      if (x.ends == verdict::drop) {
        place_ = place_of(in);
        return ending::drop;
      }
      if (x.ends == verdict::back)
        return ending::open;
      auto* next = rules_.find(in, x.target);
      auto outcome = next ? walk(*next, depth + 1) : ending::open;
      if (outcome != ending::open || x.ends == verdict::go_to)
        return outcome;
    }
    return ending::open;
  }

  static std::string place_of(const chain& x) {
    return "a rule of chain " + x.table + " " + x.name;
  }

  void doubt(const rule& x, const chain& in) {
    using verdict = rule::verdict;
    unsure_.accept |= x.ends != verdict::drop;
    if (x.ends == verdict::drop) {
      unsure_.drop = true;
      unsure_place_ = place_of(in);
    }
  }

  fit fit_of(const rule& x) const {
    auto out = fit::yes;
    for (auto& one : x.conditions) {
      if (one.about == condition::field::unknown)
        out = fit::maybe;
      else if (holds(one) == one.negated)
        return fit::no;
    }
    return out;
  }

  bool holds(const condition& x) const {
    return std::ranges::any_of(
        x.values, [&](auto& value) { return holds(x.about, value); });
  }

  bool holds(condition::field about, const std::string& value) const {
    using enum condition::field;
    switch (about) {
      case protocol:
        return value == (packet_.udp ? "udp" : "tcp")
               || value == (packet_.udp ? "17" : "6");
      case port:
        return has_port(value, packet_.port);
      case from:
        return has_address(value, packet_.from);
      case to:
        return has_address(value, packet_.to);
      case interface:
        return has_interface(value, packet_.interface);
      case state:
        return value == "new";
      default:
        return is_multicast(packet_.to)
                   ? value == "multicast"
                   : value == "host" || value == "unicast" || value == "local";
    }
  }

  const firewall_rules& rules_;
  const incoming_packet& packet_;
  doubts unsure_;
  std::string place_;
  std::string unsure_place_;
  unsigned steps_ = 0;
};

filter_verdict firewall_rules::judge(const incoming_packet& x) const {
  return rule_walk{*this, x}.run();
}

} // namespace peapod
