#pragma once

#include "actors/line_probe.hpp"
#include "actors/ports.hpp"
#include "core/egress_map.hpp"
#include "core/error.hpp"
#include "core/exit_choice.hpp"
#include "core/http_message.hpp"
#include "core/pairing.hpp"
#include "core/part_map.hpp"
#include "core/representation.hpp"
#include "core/roster.hpp"
#include "core/scheduler.hpp"
#include "core/transfer.hpp"
#include "core/types.hpp"

#include <caf/actor_addr.hpp>
#include <caf/actor_control_block.hpp>
#include <caf/allowed_unsafe_message_type.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// Every message that actors exchange. Requests are imperatives, facts are
/// past participles. None of them leaves the process.
namespace peapod {

// -- chunks -------------------------------------------------------------------

/// What a body is made of: enough for any source to ask for a part of it.
struct body_source {
  transfer_id id;
  request_head request; ///< as the client sent it, for the own line only
  representation rep;   ///< what every part must belong to
  /// In a content coding that was negotiated: who asks with nothing but the
  /// URL, as foreign peers do, may get other bytes.
  bool encoded = false;
};

/// Bring `range`; the answer goes to `sink` as `chunk_arrived` and then
/// `chunk_settled`.
struct fetch_chunk {
  lease_id lease = 0;
  std::shared_ptr<const body_source> source;
  byte_range range;
  caf::strong_actor_ptr sink; ///< a `chunk_sink_actor`
  bool for_peer = false;      ///< under the exit policy and the share's rate
  bool fresh = false;         ///< over a connection of its own
};

/// What `lease` would bring is no longer needed.
struct cancel_chunk {
  lease_id lease = 0;
  caf::strong_actor_ptr sink; ///< as in `fetch_chunk`
};

/// A part of a chunk, hash and validators checked.
struct chunk_arrived {
  lease_id lease = 0;
  device_id source;
  uint64_t offset = 0;
  slice bytes;
  bool verified = true; ///< false: only the source's word says what it is of
  unsigned status = 206;
  representation rep; ///< as the origin answered
};

/// A lease has ended: all of it arrived (`failure` is empty) or not.
struct chunk_settled {
  lease_id lease = 0;
  device_id source;
  std::optional<chunk_failure> failure;
  std::string reason; ///< in words, when it failed
  /// When a busy origin wants to be asked again, if it said so.
  std::optional<duration> retry_after = std::nullopt;
  bool spoiled = false;   ///< what has arrived of it is wrong
  bool forbidden = false; ///< refused by this device, not by the origin
};

/// The origin's head for one lease.
struct fetch_answered {
  lease_id lease = 0;
  caf::actor_addr sink; ///< leases of different sinks may share a number
  result<response_head> outcome;
};

/// The next piece of one lease's body.
struct fetch_read {
  lease_id lease = 0;
  caf::actor_addr sink;
  result<body_part> outcome;
};

/// The share's rate may allow one lease to begin, or to read on.
struct fetch_resumed {
  lease_id lease = 0;
  caf::actor_addr sink;
};

// -- own lines ----------------------------------------------------------------

/// An own line is there, or no longer.
struct line_changed {
  bool up = false;
};

/// The network may have changed: look at the lines now.
struct look_at_lines {};

/// Where a line is seen from outside, or not.
struct address_learned {
  size_t line = 0;
  unsigned round = 0; ///< of the question
  result<public_addresses> outcome;
};

// -- scheduler ----------------------------------------------------------------

/// A source is there; `handle` is a `chunk_source_actor`.
struct source_joined {
  device_id id;
  caf::strong_actor_ptr handle;
  source_traits traits;
};

/// A source has gone (or is no longer the one behind `handle`).
struct source_lost {
  device_id id;
  caf::strong_actor_ptr handle;
};

/// A body wants sources; its spine stands at `body.begin`.
struct transfer_opened {
  std::shared_ptr<const body_source> source;
  byte_range body;
  caf::strong_actor_ptr handle; ///< a `transfer_actor`
  /// How far it has come, if another scheduler looked after it before.
  std::optional<body_progress> so_far = std::nullopt;
};

/// How far a transfer's spine is, and how much its client has taken.
struct transfer_advanced {
  transfer_id id;
  uint64_t spine = 0;
  uint64_t taken = 0;
};

/// The spine of a transfer has ended at this offset.
struct spine_finished {
  transfer_id id;
  uint64_t spine = 0;
};

/// A transfer needs nothing more.
struct transfer_closed {
  transfer_id id;
};

/// How far one lease has come.
struct lease_advanced {
  lease_id lease = 0;
  uint64_t upto = 0;
};

/// One lease has ended, at offset `upto`.
struct lease_ended {
  lease_id lease = 0;
  uint64_t upto = 0;
  std::optional<chunk_failure> failure;
  std::optional<duration> retry_after = std::nullopt; ///< of a busy origin
};

/// A source brought what the origin does not have; what of it was dropped is to
/// be brought by others.
struct lie_found {
  transfer_id id;
  device_id source;
  std::vector<byte_range> dropped;
};

/// Another scheduler has taken over and knows nobody yet.
struct scheduler_started {};

// -- transfer -----------------------------------------------------------------

/// The transfer's range was leased.
struct lease_granted {
  lease_id lease = 0;
  device_id source;
  byte_range range;
  bool hedge = false;
};

/// The spine need not read beyond `limit` once the own line takes over.
struct spine_switch_planned {
  uint64_t limit = 0;
};

/// Nobody can bring the rest.
struct transfer_given_up {
  std::string reason;
};

/// The outcome of reading the spine.
struct spine_read {
  result<body_part> outcome;
};

/// The client has taken `bytes` of the body.
struct body_taken {
  uint64_t bytes = 0;
};

// -- proxy connection ---------------------------------------------------------

/// The next bytes of a pooled body.
struct body_ready {
  slice bytes;
  bool last = false;
};

/// A pooled body cannot be completed.
struct body_failed {
  error why;
};

/// The origin's answer to the request for the rest of a body whose transfer
/// has crashed.
struct rest_answered {
  uint64_t step = 0;
  result<response_head> outcome;
};

/// A request's head has come from the client, or not. Here and below `step`
/// is the one that the connection had reached when it asked: answers to older
/// steps are stale.
struct head_received {
  uint64_t step = 0;
  result<request_head> outcome;
};

/// The origin's final head.
struct origin_answered {
  uint64_t step = 0;
  result<response_head> outcome;
};

/// An interim (1xx) head of the origin.
struct interim_answered {
  uint64_t step = 0;
  response_head head;
};

/// A head has gone to the client, or not.
struct head_written {
  uint64_t step = 0;
  result<void> outcome;
};

/// A piece of the body has gone to the client, or not.
struct body_written {
  uint64_t step = 0;
  uint64_t bytes = 0;
  bool last = false;
  result<void> outcome;
};

/// A pass-through body or a tunnel has ended.
struct relay_ended {
  uint64_t step = 0;
  result<relay_totals> outcome;
};

/// The client's request body has gone to the origin, or not.
struct request_relayed {
  uint64_t step = 0;
  result<relay_totals> outcome;
};

/// The origin has not said `100 Continue` in time.
struct continue_timeout {
  uint64_t step = 0;
};

/// The origin has not answered to a request whose body did not reach it, or
/// that went through a peer.
struct answer_overdue {
  uint64_t step = 0;
  error why;            ///< what befell the body
  bool at_exit = false; ///< it went through a peer
};

/// A client has connected to the proxy.
struct client_accepted {
  result<std::shared_ptr<http_server_stream>> outcome;
};

// -- tunnels ------------------------------------------------------------------

/// Which line is a tunnel to leave through? Answered by `exit_chosen`.
struct choose_exit {
  tunnel_wish wish; ///< its site is looked up
  /// The only line that the client wants, if it has said so.
  std::optional<device_id> wanted = std::nullopt;
};

/// The line for a tunnel.
struct exit_chosen {
  device_id line;
  /// The session with that device; null: the own line, or, if another one was
  /// wanted, there is no such line.
  caf::strong_actor_ptr session;
  /// How long it may take to connect before another line takes over.
  duration patience{};
};

/// A peer opens tunnels for us; `offers`: it does not pause.
struct exit_stands {
  device_id id;
  bool offers = true;
  caf::strong_actor_ptr session;
};

/// It does not any more.
struct exit_lost {
  device_id id;
  caf::strong_actor_ptr session;
};

/// A tunnel leaves through this line.
struct tunnel_begun {
  uint64_t tunnel = 0; ///< numbers the tunnels of this process
  device_id line;
};

/// A peer has connected a tunnel to its site.
struct exit_answered {
  device_id line;
  duration took{}; ///< from the question on
};

/// Something has come through a tunnel.
struct tunnel_moved {
  uint64_t tunnel = 0;
  uint64_t bytes = 0;
};

/// A tunnel has ended.
struct tunnel_over {
  uint64_t tunnel = 0;
};

/// A tunnel through a peer came to nothing.
struct tunnel_failed {
  tunnel_wish wish;
  device_id line;
  tunnel_failure why = tunnel_failure::peer;
};

/// Ask the peer for a tunnel; `end` is a `relay_end_actor` and learns how it
/// goes.
struct open_relay {
  uint64_t tunnel = 0;
  host_port target;
  caf::strong_actor_ptr end;
};

/// The connection to the target stands: from the exit's end to its session,
/// from the asking session to its end.
struct relay_opened {
  uint64_t tunnel = 0;
  caf::strong_actor_ptr end; ///< of the exit; else null
};

/// Bytes of a tunnel, between a session and an end.
struct relay_bytes {
  uint64_t tunnel = 0;
  slice bytes;
};

/// So many bytes of a tunnel have gone on: as many may follow.
struct relay_credit {
  uint64_t tunnel = 0;
  uint64_t bytes = 0;
};

/// Nothing more comes (`finished`), or the tunnel is no more.
struct relay_closed {
  uint64_t tunnel = 0;
  wire2::tunnel_end how = wire2::tunnel_end::reset;
  std::string detail;
  bool session_lost = false; ///< it ended with its session
};

/// One end of a tunnel is connected, or not.
struct stream_opened {
  result<std::shared_ptr<tunnel_stream>> outcome;
};

/// A peer's line is of no use for a tunnel: it has to go on over another one,
/// and nothing has come yet.
struct relay_bounced {
  uint64_t step = 0;
  bool accepted = false; ///< the client knows that the tunnel stands
  slice first;           ///< what it has sent then
  error why;
};

// -- peers --------------------------------------------------------------------

/// A peer has connected to us, or the acceptor failed.
struct peer_accepted {
  result<std::shared_ptr<byte_stream>> outcome;
};

/// Bytes from a peer, or the end of its connection.
struct stream_read {
  result<slice> outcome;
};

/// Bytes to a peer have gone, or not.
struct stream_written {
  result<void> outcome;
};

/// A datagram of the discovery group.
struct datagram_received {
  result<datagram> outcome;
};

/// A beacon or an answer to one was heard.
struct beacon_heard {
  roster::sighting who;
  endpoint from;            ///< where the datagram came from
  bool wants_reply = false; ///< it was a beacon, not an answer
};

/// It is time to announce this device, unless the roster minds.
struct announcement_due {};

/// Announce this device to the group, or answer one device.
struct send_beacon {
  std::optional<endpoint> to;
};

/// Announce this device as at the start: it is somewhere else now.
struct announce_anew {};

/// This device's networks have changed, or it was asleep.
struct network_changed {
  result<network_change> outcome;
};

/// A connection to a peer was made, or not.
struct peer_dialled {
  roster::dial what;
  result<std::shared_ptr<byte_stream>> outcome;
};

/// A responder has read who wants to talk; answered by `admission`.
struct admission_requested {
  device_id id;
  public_key key;
  bool secure = false; ///< by protocol 2
  endpoint remote;
  caf::strong_actor_ptr session;
};

/// Whether to go on with a session.
struct admission {
  bool admitted = false;
};

/// A session stands: the peer has proven its key by its first message.
struct session_opened {
  uint64_t connection = 0; ///< numbers connections of this process
  device_id id;
  public_key key;
  std::optional<roster::dial> dialled; ///< how we reached it, if we did
  endpoint remote;
  std::string local; ///< our address on the connection
  std::string name;
  bool foreign = false;
  bool secure = false;  ///< protocol 2
  bool tunnels = false; ///< it opens tunnels
  caf::strong_actor_ptr session;
};

/// Whether the peer of a session belongs to our pod.
struct trust_decided {
  bool trusted = false;
};

/// Both sides of a session want each other.
struct session_ready {
  uint64_t connection = 0;
};

/// Whether the peer of a session brings anything at the moment, as it says.
struct sharing_told {
  uint64_t connection = 0;
  bool on = true;
  bool metered = false; ///< its line is paid for by the byte
};

/// Where the lines of a session's peer leave for the internet.
struct egress_told {
  uint64_t connection = 0;
  std::vector<egress_tags> lines;
};

/// A session waits until people have compared this code.
struct session_waiting {
  uint64_t connection = 0;
  pairing_code code;
};

/// A session has ended, or a connection has not become one.
struct session_ended {
  uint64_t connection = 0;
  std::optional<device_id> id; ///< nothing when it never stood
  std::optional<roster::dial> dialled;
  bool left = false; ///< the peer said that it leaves
  error why;
};

/// End the session.
struct drop_session {
  std::string reason;
  wire2::goodbye_reason how = wire2::goodbye_reason::refused;
};

/// What one member of the pod shows of its actors.
struct member_view {
  device_id id;
  std::string name;
  result<std::string> actors; ///< JSON, from another device: not to be trusted
};

/// Ask the peer for its live actors; `done` is called once, from any thread.
struct ask_view {
  std::function<void(member_view)> done;
};

/// Our own live actors, for the peer that has asked, as JSON.
struct view_ready {
  std::string text;
};

/// Take note that a device gets nothing to do until then.
struct source_set_aside {
  device_id id;
  instant until;
};

/// Take note that a device shares a bottleneck with another source; without
/// `with`, no more.
struct line_shared {
  device_id id;
  std::optional<device_id> with;
};

/// What a session has carried so far, for status.
struct session_reported {
  device_id id;
  uint64_t bytes_from = 0; ///< payload it brought to us
  uint64_t bytes_to = 0;   ///< payload we brought to it
};

// -- status -------------------------------------------------------------------

struct peer_status {
  device_id id;
  std::string name;
  std::string address;
  std::string state;
  std::string protocol;
  uint64_t bytes_from = 0;
  uint64_t bytes_to = 0;
  double rate_down = 0; ///< bytes a second from it, lately
  double rate_up = 0;   ///< bytes a second to it, lately
  /// Who has the same bottleneck, so that both bring what one would.
  std::optional<device_id> same_line = std::nullopt;
  /// How it stands with us: `trusted`, `waiting` for a person to let it in,
  /// `stranger`, `open` (everybody is let in) or `insecure` (speaks what has no
  /// real confidentiality).
  std::string trust = {};
  std::vector<std::string> code = {}; ///< words to compare while it waits
  bool secure = false;  ///< its session has authentication and confidentiality
  bool pauses = false;  ///< it says that it brings nothing at the moment
  bool tunnels = false; ///< tunnels may leave through it
  /// Whether it adds capacity, of one that is connected.
  std::optional<egress_label> line = std::nullopt;
};

/// One of this device's own lines.
struct line_status {
  device_id id; ///< as a source
  std::string name;
  bool up = true;
  egress_facts facts;
  egress_label line;
  uint64_t own_bytes = 0;  ///< of ranges for own downloads
  uint64_t peer_bytes = 0; ///< of ranges for peers
};

struct transfer_status {
  transfer_id id;
  std::string url;
  std::string state; ///< `running`, `done` or `failed: why`
  uint64_t total = 0;
  uint64_t delivered = 0;
  transfer_ledger ledger;
  std::vector<part_map::run> map; ///< who brought which part
  rung verified_by = rung::validator;
};

struct pod_status {
  device_id id;
  std::string name;
  std::vector<peer_status> peers;
  std::vector<transfer_status> transfers;
  std::vector<line_status> lines;
};

/// Ask for the pod's state.
struct get_status {};

/// Ask the roster for the devices it knows.
struct list_peers {};

/// The devices that the roster knows, and what this one has to leave by.
struct peer_list {
  std::vector<peer_status> peers;
  std::vector<line_status> lines; ///< our own
};

/// Let a device into the pod, or out of it. `who` is as in `find_device`.
struct change_trust {
  std::string who;
  bool trusted = true;
};

/// How the device stands now. Errors: those of `find_device`,
/// `trust_store::trust` and of saving.
struct trust_change {
  result<peer_status> outcome;
};

/// A transfer tells how it stands.
struct transfer_reported {
  transfer_status status;
};

// -- general ------------------------------------------------------------------

/// A timer has run out; `generation` tells the current one from older ones.
struct tick {
  uint64_t generation = 0;
};

/// Begin: accept, listen, announce.
struct start_work {};

/// Say goodbye and end.
struct leave_pod {};

} // namespace peapod

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::fetch_chunk)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::cancel_chunk)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::chunk_arrived)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::chunk_settled)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::fetch_answered)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::fetch_read)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::fetch_resumed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::line_changed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::look_at_lines)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::address_learned)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::source_joined)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::source_lost)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::transfer_opened)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::transfer_advanced)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::spine_finished)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::transfer_closed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::lease_advanced)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::lease_ended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::lie_found)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::lease_granted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::spine_switch_planned)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::transfer_given_up)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::spine_read)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::body_taken)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::body_ready)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::body_failed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::scheduler_started)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::rest_answered)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::head_received)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::origin_answered)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::interim_answered)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::head_written)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::body_written)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::relay_ended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::request_relayed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::continue_timeout)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::answer_overdue)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::client_accepted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::choose_exit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::exit_chosen)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::exit_stands)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::exit_lost)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::tunnel_begun)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::exit_answered)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::tunnel_moved)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::tunnel_over)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::tunnel_failed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::open_relay)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::relay_opened)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::relay_bytes)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::relay_credit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::relay_closed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::stream_opened)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::relay_bounced)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::peer_accepted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::stream_read)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::stream_written)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::datagram_received)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::beacon_heard)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::peer_dialled)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::admission_requested)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::admission)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::session_opened)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::trust_decided)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::session_ready)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::sharing_told)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::egress_told)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::session_waiting)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::announcement_due)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::send_beacon)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::announce_anew)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::network_changed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::session_ended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::drop_session)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::source_set_aside)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::line_shared)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::ask_view)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::view_ready)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::session_reported)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::get_status)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::pod_status)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::list_peers)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::peer_list)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::change_trust)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::trust_change)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::transfer_reported)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::tick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::start_work)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::leave_pod)
