#pragma once

#include "core/host_pattern.hpp"
#include "core/http_message.hpp"
#include "core/site_memory.hpp"
#include "core/types.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Which line a tunnel leaves through: the own one, or that of a peer.
namespace peapod {

/// How tunnels spread over the lines.
enum class tunnel_mode {
  off,    ///< all of them use the own line
  sticky, ///< what a client opens to one site uses one line
  spread, ///< each one uses the line with the most room
};

/// What the user decided about tunnels.
struct tunnel_rules {
  tunnel_mode mode = tunnel_mode::sticky;
  std::vector<host_pattern> home_hosts; ///< never leave through a peer
  /// Ports behind which TLS is expected: to others nothing leaves through a
  /// peer.
  std::vector<uint16_t> ports{443};
  /// What is not TLS may leave, too: a peer can read and change it.
  bool plain = false;
};

/// The port of plain HTTP (RFC 9110, 4.2.1).
constexpr uint16_t http_port = 80;

/// Whether a name or an address is one of the internet: not a literal of a
/// private network, a name without a dot, or one of a domain that means this
/// network or this device (RFC 6761, RFC 6762, RFC 8375, .internal of ICANN).
bool is_internet_host(std::string_view host);

/// Whether a name looks like that of a service where people sign in for other
/// sites, as in `accounts.example`.
bool looks_like_sign_in(std::string_view host);

/// Where a tunnel is to lead, and whose it is.
struct tunnel_wish {
  std::string client; ///< the client's address
  host_port target;
  std::string site; ///< the registrable domain of the target's host
  /// Lines that were tried for it already.
  std::vector<device_id> tried;
  /// For a request of plain HTTP.
  bool plain = false;
};

/// Why a tunnel through a peer came to nothing.
enum class tunnel_failure {
  peer,    ///< the peer did not answer, or cannot reach anything
  rejected ///< the site closed before it said anything of use, or forbids it
};

/// Machine: chooses lines for tunnels.
///
/// What a client opens to a site keeps its line for a day after its last use,
/// because logins may be bound to the address that they came from. A new site
/// gets the line that has the fewest tunnels in use for what it can carry. A
/// service where people sign in takes the line of the site that the client
/// opened before it, and a site opened after it takes its line: they may look
/// at each other's addresses. A site that does not like the address of a peer
/// stays at home for an hour, and if it does it again for a day.
class exit_choice {
public:
  /// `known`: what an earlier one knew of sites.
  exit_choice(tunnel_rules rules, device_id self,
              const site_memory& known = {});

  // -- lines ------------------------------------------------------------------

  /// A peer opens tunnels, or says that it pauses; to be repeated every
  /// `line_lifetime` at least.
  void stands(const device_id& peer, bool offers, instant now);

  /// A peer does not any more.
  void lost(const device_id& peer);

  /// Whether a peer would be asked at all.
  bool has_peers(instant now) const;

  // -- tunnels ----------------------------------------------------------------

  /// The line for a tunnel: a peer, or this device itself.
  device_id choose(const tunnel_wish& x, instant now);

  /// A tunnel was opened, and by the time it closes it has been `closed`.
  void opened(uint64_t tunnel, const device_id& line, instant now);
  void moved(uint64_t tunnel, uint64_t bytes, instant now);
  void closed(uint64_t tunnel);

  /// A peer took so long to connect to a site.
  void connected(const device_id& peer, duration took);

  /// How long to wait for a peer to connect before the own line takes over:
  /// several times what it takes, from `least_patience` to `most_patience`.
  duration patience(const device_id& peer) const;

  static constexpr duration least_patience = std::chrono::milliseconds(400);
  static constexpr duration most_patience = std::chrono::seconds(1);

  /// A tunnel through a peer came to nothing.
  void failed(const tunnel_wish& x, const device_id& line, tunnel_failure why,
              instant now);

  /// So many bytes have come over the own line since the start.
  void own_total(uint64_t bytes, instant now);

  // -- for those who look -----------------------------------------------------

  struct line_view {
    device_id id;
    size_t in_use = 0;  ///< tunnels
    double peak = 0;    ///< bytes a second, lately
    bool rests = false; ///< it failed several times in a row
  };

  std::vector<line_view> lines(instant now) const;

  /// Sites that stay at home because they did not like a peer's address.
  std::vector<std::string> kept_home(instant now) const;

  size_t sites() const {
    return places_.size();
  }

  /// What is known of sites, for a successor.
  site_memory memory() const;

  /// Counts what changes in it.
  uint64_t changes() const {
    return changes_;
  }

  static constexpr duration line_lifetime = std::chrono::seconds(3);

private:
  /// Bytes a second over the last second, and the most of it lately.
  struct pace {
    uint64_t bytes = 0;
    instant since{};
    double rate = 0;
    double peak = 0;

    void add(uint64_t n, instant now);
  };

  struct line {
    bool offers = true;
    instant seen{};
    pace speed;
    unsigned failures = 0; ///< in a row
    instant rests_until{};
    /// How long connecting takes, smoothed, and by how much that varies
    /// (as RFC 6298 does it for round trips).
    std::optional<duration> connects;
    duration varies{};
  };

  struct flow {
    device_id line;
    instant active{}; ///< opened, or last moved something
  };

  struct place {
    device_id line;
    instant used{};
  };

  struct pin {
    instant until{};
    unsigned times = 0;
  };

  site_key key_of(const std::string& client, const std::string& site) const {
    return make_site_key(salt_, client, site);
  }
  bool is_usable(const device_id& id, instant now) const;
  bool is_open(const tunnel_wish& x) const;
  bool may_leave(const tunnel_wish& x, instant now) const;
  size_t in_use(const device_id& id, instant now) const;
  double capacity(const line& x) const;
  device_id least_loaded(const tunnel_wish& x, instant now) const;
  std::optional<device_id> companion(const tunnel_wish& x, instant now) const;
  device_id settle(const tunnel_wish& x, const device_id& line, instant now);
  void make_room(instant now);

  tunnel_rules rules_;
  device_id self_;
  std::map<device_id, line> lines_; ///< the own one among them
  std::map<uint64_t, flow> flows_;
  site_salt salt_;
  std::map<site_key, place> places_; ///< by client and site
  uint64_t changes_ = 0;
  std::map<std::string, pin> pins_; ///< by site
  /// What each client has opened last, and when.
  struct visit {
    std::string site;
    bool signs_in = false;
    instant when{};
  };
  std::map<std::string, visit> visits_; ///< by client
  uint64_t own_total_ = 0;
};

} // namespace peapod
