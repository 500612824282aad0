#pragma once

#include "core/types.hpp"
#include "hosts/console/actor_tree.hpp"
#include "hosts/console/series.hpp"
#include "hosts/console/updates.hpp"

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace peapod::console {

/// What is known of the daemon, put together from its answers. It has no clock
/// and asks nobody.
class model {
public:
  /// Something has come. While paused, only the connection and the answers to
  /// wishes are taken over; events wait.
  void apply(update x, instant now);

  void pause(bool wanted, instant now);
  bool is_paused() const {
    return paused_;
  }

  // -- the daemon -------------------------------------------------------------

  enum class link { connecting, up, down };

  link connection() const {
    return link_;
  }
  /// Why the daemon does not answer.
  const std::string& trouble() const {
    return trouble_;
  }
  const control::daemon& daemon() const {
    return daemon_;
  }
  const control::status& status() const {
    return status_;
  }
  const control::crash_list& crashes() const {
    return crashes_;
  }
  const std::vector<control::member>& members() const {
    return members_;
  }

  // -- actors -----------------------------------------------------------------

  /// Those that live, and for some seconds those that have ended.
  const std::vector<seen_actor>& actors() const {
    return actors_;
  }
  size_t live_actors() const;
  /// Whether a crash of this actor is known.
  bool has_crashed(uint64_t actor) const;
  /// The page of the actor that is being watched.
  const std::optional<control::actor_page>& page() const {
    return page_;
  }
  /// Why the watched actor has no page; empty while it has.
  const std::string& page_trouble() const {
    return page_trouble_;
  }
  /// The messages of the watched actor, oldest first.
  const std::deque<control::message>& messages() const {
    return messages_;
  }
  /// Another actor is going to be watched.
  void forget_page();

  // -- events -----------------------------------------------------------------

  /// The last of them, oldest first. Events that were lost are one of kind
  /// `dropped`, a new daemon one of kind `console`.
  const std::deque<control::event>& events() const {
    return events_;
  }

  /// What the user should be told now; empty when there is nothing.
  struct notice {
    std::string text;
    tone how = tone::plain;
    instant since{};
  };
  const notice& last_notice() const {
    return notice_;
  }
  void tell(std::string text, tone how, instant now);

  // -- the last minute --------------------------------------------------------

  const series& message_rate() const {
    return message_rate_;
  }
  /// Payload bytes a second from all peers, and to them.
  const series& down_rate() const {
    return down_rate_;
  }
  const series& up_rate() const {
    return up_rate_;
  }
  struct peer_rates {
    series down;
    series up;
  };
  const peer_rates& rates_of(const std::string& peer) const;
  /// Bytes of a transfer that its client has got, over time.
  const series& delivery_of(const std::string& transfer) const;

private:
  void take(control::actor_list x, instant now);
  void take(control::status x, instant now);
  void take(control::crash_list x, instant now);
  void take(control::actor_page x, instant now);
  void take(std::vector<control::member> x, instant now);
  void take(control::event x, instant now);
  void take(connection_lost x, instant now);
  void take(page_missing x, instant now);
  void take(message_traced x, instant now);
  void take(events_dropped x, instant now);
  void take(wish_answered x, instant now);

  void connected(const control::daemon& x, instant now);
  void begin_anew(const control::daemon& x, instant now);
  void note_actors(std::vector<control::actor> now_alive, instant now);
  void add_message(control::message x);
  void note_event(std::string kind, std::string text);

  link link_ = link::connecting;
  std::string trouble_;
  control::daemon daemon_;
  control::status status_;
  control::crash_list crashes_;
  std::vector<control::member> members_;
  std::vector<seen_actor> actors_;
  std::optional<control::actor_page> page_;
  std::string page_trouble_;
  std::deque<control::message> messages_;
  std::deque<control::event> events_;
  std::deque<update> waiting_; ///< events that came while paused
  bool paused_ = false;
  notice notice_;
  series message_rate_;
  series down_rate_;
  series up_rate_;
  std::map<std::string, peer_rates> peer_rates_;
  std::map<std::string, series> deliveries_;
};

} // namespace peapod::console
