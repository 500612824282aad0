#pragma once

#include "actors/messages.hpp"
#include "core/origin_digest.hpp"
#include "hosts/get/daemon_lines.hpp"
#include "hosts/get/get_exit.hpp"
#include "hosts/get/part_file.hpp"
#include "hosts/get/upload_protocol.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/typed_actor.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

/// What the actors of `peapod get` and `peapod put` say to each other, besides
/// the messages of all actors.
namespace peapod {

// -- lines --------------------------------------------------------------------

/// What the daemon says of its lines, or that there is none.
struct lines_told {
  result<daemon_lines> outcome;
};

/// A line through the daemon has failed: is the daemon still there?
struct line_troubled {};

/// A line's answers are not to be trusted: it is not to be used any more.
struct line_distrusted {
  device_id id;
  error why;
};

/// There is a line for uploads.
struct line_joined {
  device_id id;
  std::shared_ptr<http_client> http;
  std::string name; ///< for people
  bool adds = true; ///< as in `tunnel_exit`
};

/// It is there no longer.
struct line_left {
  device_id id;
};

// -- the file -----------------------------------------------------------------

/// The next bytes of the file.
struct write_piece {
  slice bytes;
};

/// They are in the file, or not.
struct piece_written {
  uint64_t bytes = 0;
  result<void> outcome;
};

/// Bytes that are not their turn yet: kept in the file until it is.
struct write_ahead {
  uint64_t offset = 0;
  slice bytes;
};

/// The next bytes are in the file already.
struct take_ahead {};

/// So many were.
struct ahead_taken {
  uint64_t bytes = 0;
  uint64_t earlier = 0; ///< of them, from an earlier run
  result<void> outcome;
};

/// What is in the file behind gaps? Answered by `ahead_is`.
struct tell_ahead {
  uint64_t attempt = 0;
};

struct ahead_is {
  uint64_t attempt = 0;
  std::vector<byte_range> ranges; ///< in order
};

/// That was all: check it and give it its name.
struct finish_file {};

/// What became of it.
struct file_finished {
  result<digest> outcome; ///< SHA-256 of all bytes
};

/// No more will come now: keep what is there.
struct leave_file {};

struct file_left {
  result<void> outcome;
};

// -- both ----------------------------------------------------------------

/// Stop: a download so that it can be continued later.
struct stop_download {};

/// It is time to try again.
struct retry_due {
  uint64_t attempt = 0;
};

// -- uploads ------------------------------------------------------------------

/// A request has been answered, or not.
struct upload_answered {
  uint64_t job = 0;
  result<upload_answer> outcome;
};

// -- actors -------------------------------------------------------------------

/// One way to the internet: this device's own, or a tunnel through a peer.
using line_actor = caf::typed_actor<
    // Bring a range and send it to the sink in the message.
    caf::reacts_to<fetch_chunk>,
    // Stop bringing it.
    caf::reacts_to<cancel_chunk>,
    // The origin's head for a lease.
    caf::reacts_to<fetch_answered>,
    // The next piece of a lease's body.
    caf::reacts_to<fetch_read>>;

/// Follows which lines there are.
using line_keeper_actor = caf::typed_actor<
    // Ask the daemon.
    caf::reacts_to<tick>,
    // What it says.
    caf::reacts_to<lines_told>,
    // A line has failed, which may be because the daemon has ended.
    caf::reacts_to<line_troubled>,
    // A line's answers cannot be trusted.
    caf::reacts_to<line_distrusted>>;

/// Writes one file.
using file_writer_actor = caf::typed_actor<
    // Hash what is there already.
    caf::reacts_to<start_work>,
    // Write on: answered by `piece_written`.
    caf::reacts_to<write_piece>,
    // Keep what comes before its turn.
    caf::reacts_to<write_ahead>,
    // Go on behind what is there: answered by `ahead_taken`.
    caf::reacts_to<take_ahead>,
    // Say what is there behind gaps.
    caf::reacts_to<tell_ahead>,
    // Check, and give it its name: answered by `file_finished`.
    caf::reacts_to<finish_file>,
    // Keep what is there: answered by `file_left`.
    caf::reacts_to<leave_file>>;

/// One download.
using download_actor = caf::typed_actor<
    // Ask for it.
    caf::reacts_to<start_work>,
    // The server's head.
    caf::reacts_to<origin_answered>,
    // The next bytes of a body that no transfer brings.
    caf::reacts_to<spine_read>,
    // The next bytes of one that a transfer brings.
    caf::reacts_to<body_ready>,
    // A transfer cannot bring the rest.
    caf::reacts_to<body_failed>,
    // So much of the file was there already.
    caf::reacts_to<ahead_taken>,
    // So is this, behind gaps.
    caf::reacts_to<ahead_is>,
    // Bytes are in the file.
    caf::reacts_to<piece_written>,
    // The file is complete, or wrong.
    caf::reacts_to<file_finished>,
    // What there is of it is kept.
    caf::reacts_to<file_left>,
    // Try again.
    caf::reacts_to<retry_due>,
    // Stop.
    caf::reacts_to<stop_download>>;

/// One upload.
using upload_actor = caf::typed_actor<
    // Ask the server.
    caf::reacts_to<start_work>,
    // There is another line.
    caf::reacts_to<line_joined>,
    // There is one less.
    caf::reacts_to<line_left>,
    // What the server says.
    caf::reacts_to<upload_answered>,
    // Ask it once more.
    caf::reacts_to<retry_due>,
    // Look at how it goes.
    caf::reacts_to<tick>,
    // Stop.
    caf::reacts_to<stop_download>>;

} // namespace peapod

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::line_joined)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::line_left)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::upload_answered)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::lines_told)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::line_troubled)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::line_distrusted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::write_piece)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::piece_written)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::write_ahead)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::take_ahead)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::ahead_taken)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::tell_ahead)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::ahead_is)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::finish_file)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::file_finished)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::leave_file)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::file_left)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::stop_download)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::retry_due)
