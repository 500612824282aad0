#pragma once

#include "actors/messages.hpp"
#include "actors/supervision.hpp"

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

/// The program in one page: every actor and what may be said to it.
///
/// The way of a chunk: a `transfer` asks the `scheduler` for sources, which
/// sends `fetch_chunk` to one; the source sends `chunk_arrived` and
/// `chunk_settled` to the transfer, which passes bytes in order to its
/// `proxy_connection` and reports back to the scheduler.
namespace peapod {

/// Who can bring ranges of a body: a peer's session or the own line.
using chunk_source_actor = caf::typed_actor<
    // Bring a range and send it to the sink in the message.
    caf::reacts_to<fetch_chunk>,
    // Stop bringing it.
    caf::reacts_to<cancel_chunk>>;

/// Who asked for ranges: a transfer, or a session that serves its peer.
using chunk_sink_actor = caf::typed_actor<
    // Part of what was asked for.
    caf::reacts_to<chunk_arrived>,
    // All of it is here, or no more will come.
    caf::reacts_to<chunk_settled>>;

/// Leases ranges of all bodies to all sources.
using scheduler_actor = caf::typed_actor<
    // Tell who can bring ranges that there is a scheduler.
    caf::reacts_to<start_work>,
    // A peer's session stands, or the own line is ready.
    caf::reacts_to<source_joined>,
    // It does no longer.
    caf::reacts_to<source_lost>,
    // A body wants sources.
    caf::reacts_to<transfer_opened>,
    // How far its spine and its client are.
    caf::reacts_to<transfer_advanced>,
    // Its spine has ended.
    caf::reacts_to<spine_finished>,
    // It needs nothing more.
    caf::reacts_to<transfer_closed>,
    // A lease has come this far.
    caf::reacts_to<lease_advanced>,
    // A lease has ended.
    caf::reacts_to<lease_ended>,
    // A source brought wrong bytes.
    caf::reacts_to<lie_found>,
    // Look for overdue leases.
    caf::reacts_to<tick>>;

/// HTTP ranges over this device's own internet connection.
using wan_fetcher_actor = chunk_source_actor::extend<
    // The origin's head for a lease.
    caf::reacts_to<fetch_answered>,
    // The next piece of a lease's body.
    caf::reacts_to<fetch_read>,
    // A share's rate may allow to read on.
    caf::reacts_to<fetch_resumed>,
    // Look at what own use needs of the line.
    caf::reacts_to<tick>,
    // The line is there, or no longer.
    caf::reacts_to<line_changed>,
    // There is a new scheduler: tell it of the own line.
    caf::reacts_to<scheduler_started>>;

/// Looks after this device's own lines.
using line_watcher_actor = caf::typed_actor<
    // Begin to look.
    caf::reacts_to<start_work>,
    // Look again.
    caf::reacts_to<tick>,
    // The network may have changed.
    caf::reacts_to<look_at_lines>,
    // Where a line is seen from outside.
    caf::reacts_to<address_learned>>;

/// One pooled body on its way to one client.
using transfer_actor = chunk_sink_actor::extend<
    // Somebody was asked for a range.
    caf::reacts_to<lease_granted>,
    // The own line is about to take over from the spine.
    caf::reacts_to<spine_switch_planned>,
    // Nobody can bring the rest.
    caf::reacts_to<transfer_given_up>,
    // The spine's next bytes.
    caf::reacts_to<spine_read>,
    // The client took some of the body.
    caf::reacts_to<body_taken>,
    // Report how it stands.
    caf::reacts_to<tick>>;

/// Chooses the line that each tunnel leaves through.
using exits_actor = caf::typed_actor<
    // Which one for this tunnel?
    caf::replies_to<choose_exit>::with<exit_chosen>,
    // A peer opens tunnels for us; told again and again.
    caf::reacts_to<exit_stands>,
    // It does not any more.
    caf::reacts_to<exit_lost>,
    // A tunnel leaves through a line.
    caf::reacts_to<tunnel_begun>,
    // A peer has connected it.
    caf::reacts_to<exit_answered>,
    // Something has come through it.
    caf::reacts_to<tunnel_moved>,
    // It has ended.
    caf::reacts_to<tunnel_over>,
    // One through a peer came to nothing.
    caf::reacts_to<tunnel_failed>,
    // Look at the own line.
    caf::reacts_to<tick>>;

/// One end of a relayed tunnel, between a session and a connection: the end of
/// the client that wants it, or that of the origin, at the exit.
using relay_end_actor = caf::typed_actor<
    // Connect, or ask for it.
    caf::reacts_to<start_work>,
    // The exit is connected to the origin.
    caf::reacts_to<relay_opened>,
    // The next bytes from the other end.
    caf::reacts_to<relay_bytes>,
    // The other end takes more.
    caf::reacts_to<relay_credit>,
    // It sends nothing more, or the tunnel is no more.
    caf::reacts_to<relay_closed>,
    // This end's connection stands, or not.
    caf::reacts_to<stream_opened>,
    // Bytes from it.
    caf::reacts_to<stream_read>,
    // Bytes to it have gone.
    caf::reacts_to<stream_written>,
    // A deadline.
    caf::reacts_to<tick>>;

/// One client's connection to the proxy.
using proxy_connection_actor = caf::typed_actor<
    // A request's head.
    caf::reacts_to<head_received>,
    // An interim (1xx) response of the origin.
    caf::reacts_to<interim_answered>,
    // The origin's final head.
    caf::reacts_to<origin_answered>,
    // The request's body has gone to the origin.
    caf::reacts_to<request_relayed>,
    // The origin did not say `100 Continue` in time.
    caf::reacts_to<continue_timeout>,
    // The origin did not answer to half a request, or through a peer.
    caf::reacts_to<answer_overdue>,
    // The client has gone while it was being answered.
    caf::reacts_to<client_gone>,
    // A head has gone to the client.
    caf::reacts_to<head_written>,
    // A piece of the body has gone to the client.
    caf::reacts_to<body_written>,
    // A pass-through body or a tunnel has ended.
    caf::reacts_to<relay_ended>,
    // The next bytes of a pooled body.
    caf::reacts_to<body_ready>,
    // A pooled body cannot be completed.
    caf::reacts_to<body_failed>,
    // A tunnel through a peer came to nothing and goes on elsewhere.
    caf::reacts_to<relay_bounced>,
    // The origin's answer about what a crashed transfer has not brought.
    caf::reacts_to<rest_answered>>;

/// Listens for clients of the proxy.
using proxy_acceptor_actor =
    caf::typed_actor<caf::reacts_to<start_work>,
                     // A client has connected.
                     caf::reacts_to<client_accepted>,
                     // One of them had to be refused.
                     caf::reacts_to<request_turned_away>,
                     // Tell who was turned away since.
                     caf::reacts_to<tick>>;

/// One connected peer: its chunks for us, ours for it.
using peer_session_actor =
    chunk_source_actor::extend_with<chunk_sink_actor>::extend<
        // Say hello.
        caf::reacts_to<start_work>,
        // Bytes from the peer.
        caf::reacts_to<stream_read>,
        // Bytes to the peer have gone.
        caf::reacts_to<stream_written>,
        // The roster's word on whether to go on.
        caf::reacts_to<admission>,
        // The roster's word on whether the peer belongs to the pod.
        caf::reacts_to<trust_decided>,
        // Liveness and deadlines.
        caf::reacts_to<tick>,
        // What are the peer's live actors?
        caf::reacts_to<ask_view>,
        // These are ours, which it has asked for.
        caf::reacts_to<view_ready>,
        // Ask the peer for a tunnel.
        caf::reacts_to<open_relay>,
        // What the peer has asked us for stands.
        caf::reacts_to<relay_opened>,
        // Send bytes through a tunnel.
        caf::reacts_to<relay_bytes>,
        // Its end takes more.
        caf::reacts_to<relay_credit>,
        // Its end sends nothing more, or has ended.
        caf::reacts_to<relay_closed>,
        // End the session.
        caf::reacts_to<drop_session>,
        // Tell the peer that we leave, and end.
        caf::reacts_to<leave_pod>>;

/// Listens for peers.
using peer_acceptor_actor = caf::typed_actor<caf::reacts_to<start_work>,
                                             // A peer has connected.
                                             caf::reacts_to<peer_accepted>>;

/// Knows the devices around, dials them and decides which connection stays.
using roster_actor = caf::typed_actor<
    // Dial static peers.
    caf::reacts_to<start_work>,
    // A device has announced itself.
    caf::reacts_to<beacon_heard>,
    // May this device be announced now?
    caf::reacts_to<announcement_due>,
    // This device has other addresses, or was asleep.
    caf::reacts_to<network_changed>,
    // A connection was made, or not.
    caf::reacts_to<peer_dialled>,
    // A device wants in: answered by `admission`.
    caf::reacts_to<admission_requested>,
    // A session stands: answered by `trust_decided`.
    caf::reacts_to<session_opened>,
    // Both of its sides want each other.
    caf::reacts_to<session_ready>,
    // Whether a peer brings anything at the moment.
    caf::reacts_to<sharing_told>,
    // Where its lines leave for the internet.
    caf::reacts_to<egress_told>,
    // Somebody has to compare a code.
    caf::reacts_to<session_waiting>,
    // A session has ended.
    caf::reacts_to<session_ended>,
    // A source fails too often.
    caf::reacts_to<source_set_aside>,
    // A device adds nothing to another one, or does again.
    caf::reacts_to<line_shared>,
    // There is a new scheduler: tell it of the sessions.
    caf::reacts_to<scheduler_started>,
    // Redial, forget.
    caf::reacts_to<tick>,
    // Tell all peers that we leave.
    caf::reacts_to<leave_pod>,
    // Who is there?
    caf::replies_to<list_peers>::with<peer_list>,
    // A person lets a device in, or out.
    caf::replies_to<change_trust>::with<trust_change>>;

/// Announces this device and hears others.
using discovery_listener_actor =
    caf::typed_actor<caf::reacts_to<start_work>,
                     // A datagram of the group.
                     caf::reacts_to<datagram_received>,
                     // Announce this device, or answer another.
                     caf::reacts_to<send_beacon>,
                     // Announce it in a burst, as at the start.
                     caf::reacts_to<announce_anew>,
                     // It is time to announce.
                     caf::reacts_to<tick>>;

/// Keeps what people ask for: the pod's state.
using console_actor = caf::typed_actor<
    // A transfer tells how it stands.
    caf::reacts_to<transfer_reported>,
    // A session tells what it has carried.
    caf::reacts_to<session_reported>,
    // How does the pod stand?
    caf::replies_to<get_status>::with<pod_status>>;

} // namespace peapod
