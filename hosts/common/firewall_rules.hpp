#pragma once

#include "core/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// What a packet filter does with what other devices send, read from the rules
/// as `nft --json list ruleset` and `iptables-legacy-save` print them.
namespace peapod {

/// What comes in from another device of the local network.
struct incoming_packet {
  bool udp = false;  ///< else the first of a TCP connection
  uint16_t port = 0; ///< that it is sent to
  std::string to;    ///< the IPv4 address that it is sent to
  std::string from;  ///< an IPv4 address
  std::string interface;
};

/// What becomes of a packet.
struct filter_verdict {
  enum kind : uint8_t {
    passes,
    maybe_dropped, ///< it depends on a rule that is not understood
    dropped,
  };

  kind what = passes;
  std::string rule; ///< of a packet that does not pass: who drops it

  bool operator==(const filter_verdict&) const = default;
};

class firewall_rules {
public:
  /// Error: `bad_config` when the text is not what `nft --json list ruleset`
  /// prints.
  static result<firewall_rules> parse(std::string_view json);

  /// Error: `bad_config` when the text is not what `iptables-legacy-save`
  /// prints, or not all of it.
  static result<firewall_rules> parse_legacy(std::string_view text);

  /// Rules that the kernel asks as well.
  void add(firewall_rules other);

  /// Goes through the chains of the input hook, as the kernel does.
  filter_verdict judge(const incoming_packet& x) const;

  /// Whether a chain or table has this in its name, as in `ufw`.
  bool mentions(std::string_view name) const;

private:
  friend class rule_walk; // goes through them

  /// One condition of a rule that is understood, or not.
  struct condition {
    enum class field : uint8_t {
      unknown,
      protocol,
      port,
      from,
      to,
      interface,
      state,
      kind
    };
    field about = field::unknown;
    bool negated = false;
    std::vector<std::string> values; ///< `a`, `a-b` for ranges, `a/8`
  };

  struct rule {
    std::vector<condition> conditions;
    enum class verdict : uint8_t { none, accept, drop, jump, go_to, back };
    verdict ends = verdict::none;
    std::string target; ///< of a jump
  };

  struct chain {
    std::string family;
    std::string table;
    std::string name;
    bool input = false; ///< a base chain of the input hook
    int64_t priority = 0;
    bool drops = false; ///< what no rule has accepted
    std::vector<rule> rules;
  };

  struct reader;
  struct legacy_reader;

  const chain* find(const chain& near, std::string_view name) const;

  std::vector<chain> chains_;
};

} // namespace peapod
