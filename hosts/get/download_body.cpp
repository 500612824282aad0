#include "hosts/get/download_body.hpp"

#include "core/http_semantics.hpp"
#include "hosts/get/download_end.hpp"
#include "hosts/get/download_file.hpp"
#include "hosts/get/download_request.hpp"

#include <algorithm>
#include <utility>

namespace peapod {

namespace {

using self_pointer = download_state::self_pointer;

constexpr size_t piece_size = 256_KiB;

/// How far the disk may be behind.
constexpr uint64_t max_unwritten = 4_MiB;

/// The next piece, unless the disk is behind.
void read_on(self_pointer self) {
  auto& st = self->state;
  if (st.reading || st.last || !st.exchange || st.unwritten > max_unwritten)
    return;
  st.reading = true;
  st.exchange->read_body(piece_size,
                         send_back(self, [](result<body_part> outcome) {
                           return spine_read{std::move(outcome)};
                         }));
}

/// All lines bring it.
void start_transfer(self_pointer self, byte_range body, bool encoded) {
  auto& st = self->state;
  auto source = std::make_shared<body_source>();
  st.env->ports.random(source->id.bytes);
  source->request = make_request(st);
  source->rep = st.rep;
  source->encoded = encoded;
  st.task.shown->add_transfer(source->id);
  st.task.desk->close(std::exchange(st.transfer_is, source->id));
  if (!st.task.to_stdout)
    st.task.desk->open(source->id, st.writer);
  // Their hash is checked where the file is written.
  st.transfer = spawn_on<transfer_actor, transfer_state>(
      st.env->io, transfer_behavior, st.env,
      transfer_start{std::move(source), body, std::move(st.exchange),
                     caf::actor_cast<proxy_connection_actor>(self),
                     std::nullopt});
  st.exchange.reset();
}

/// The verdict is the one of the daemon, but nobody else sees what is personal.
std::optional<byte_range> in_ranges(const download_state& st,
                                    const response_head& head) {
  if (st.target.scheme != "https" && st.task.has_daemon)
    return std::nullopt;
  auto request = make_request(st);
  if (head.status == 206)
    request = make_range_request(request, rest_of(st), st.rep);
  pool_policy policy;
  policy.share_credentials = true;
  auto verdict = judge(request, head, policy);
  auto* good = std::get_if<eligible>(&verdict);
  return good != nullptr && st.skip == 0 ? std::optional{good->body}
                                         : std::nullopt;
}

/// Brings a body into the file, by whatever way.
void take_body(self_pointer self, const response_head& head) {
  auto& st = self->state;
  if (!open_file(self, head))
    return;
  st.last = false;
  if (auto body = in_ranges(st, head))
    return start_transfer(self, *body,
                          head.fields.count("Content-Encoding") > 0);
  if (head.framing == body_framing::none) {
    st.last = true;
    return finish_if_complete(self);
  }
  read_on(self);
}

void changed(self_pointer self) {
  fail(self, {get_exit::changed,
              "the file at the server has changed since it was begun; "
              "--restart begins anew"});
}

/// The server has no more than what is here, though it announced more.
bool is_at_end(const download_state& st, const response_head& head) {
  auto text = head.fields.find("Content-Range");
  auto place = text ? parse_content_range(*text) : std::nullopt;
  return head.status == 416 && st.at > 0 && place && place->total == st.at;
}

} // namespace

void take_whole(download_state::self_pointer self, const response_head& head) {
  auto& st = self->state;
  st.rep = representation_of(head);
  st.total = head.framing == body_framing::none ? std::optional<uint64_t>{0}
                                                : head.content_length;
  st.rep.total_length = st.total;
  if (st.task.size && st.total && *st.task.size != *st.total)
    return fail(self, {get_exit::changed, "the server has "
                                              + std::to_string(*st.total)
                                              + " bytes, and the Metalink says "
                                              + std::to_string(*st.task.size)});
  take_body(self, head);
}

void take_rest(download_state::self_pointer self, const response_head& head) {
  auto& st = self->state;
  st.skip = 0;
  if (std::exchange(st.foreign, false)) {
    st.outcome.spliced = true;
    st.rep = representation_of(head);
    st.rep.total_length = st.total;
  }
  if (head.status == 200) {
    auto now = representation_of(head);
    now.total_length = head.content_length;
    if (!same_representation(st.rep, now))
      return changed(self);
    // No ranges: what is here already comes once more.
    st.skip = st.at;
    st.until.reset();
    return take_body(self, head);
  }
  auto good = check_range_response(head, rest_of(st), st.rep);
  if (good)
    return take_body(self, head);
  if (is_at_end(st, head))
    return fail(self, {get_exit::checksum,
                       "the server announces " + std::to_string(*st.total)
                           + " bytes and has " + std::to_string(st.at)});
  if (head.status == 416 || good.error().code == errc::mismatch)
    return changed(self);
  fail(self, good.error());
}

void on_spine_read(download_state::self_pointer self, spine_read& msg) {
  auto& st = self->state;
  st.reading = false;
  if (st.failing || !st.exchange
      || (!msg.outcome && msg.outcome.error().code == errc::cancelled))
    return;
  if (!msg.outcome)
    return try_again(self, msg.outcome.error());
  auto bytes = std::move(msg.outcome->bytes);
  st.task.shown->add_own(bytes.size());
  auto known = std::min<uint64_t>(st.skip, bytes.size());
  st.skip -= known;
  bytes = bytes.sub(known);
  st.last = msg.outcome->last;
  if (!bytes.empty())
    pass_on(self, std::move(bytes), nullptr);
  read_on(self);
  finish_if_complete(self);
}

void on_body_ready(download_state::self_pointer self, const body_ready& msg) {
  auto& st = self->state;
  if (st.failing || !st.transfer
      || self->current_sender()
             != caf::actor_cast<caf::strong_actor_ptr>(st.transfer))
    return;
  st.last = msg.last;
  for (auto& piece : msg.bytes)
    pass_on(self, piece, self->current_sender());
}

void on_piece_written(download_state::self_pointer self,
                      const piece_written& msg) {
  auto& st = self->state;
  st.unwritten -= msg.bytes;
  auto from = std::move(st.writing.front());
  st.writing.pop_front();
  if (st.failing)
    return; // what else is wrong is told when the file is left
  if (!msg.outcome)
    return fail(self, msg.outcome.error());
  st.task.shown->set_done(st.at - st.unwritten);
  tell(from, body_taken{msg.bytes});
  read_on(self);
  finish_if_complete(self);
}

} // namespace peapod
