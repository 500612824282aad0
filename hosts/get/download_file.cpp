#include "hosts/get/download_file.hpp"

#include "core/http_semantics.hpp"
#include "hosts/get/download_end.hpp"
#include "hosts/get/download_request.hpp"
#include "hosts/get/stdout_writer.hpp"

#include <utility>

namespace peapod {

namespace {

/// What hashes the file has to have, the server's own among them.
std::vector<expected_digest> digests(const download_state& st,
                                     const response_head& head) {
  auto out = st.task.expected;
  auto field = parse_digest_dictionary(head.fields.joined("Repr-Digest"));
  if (field)
    out.push_back({std::move(*field), "the server's Repr-Digest"});
  else if (head.status == 200 && st.total)
    if (auto other = digest_of(head, {0, *st.total}, *st.total))
      out.push_back({std::move(*other), "the server's digest"});
  return out;
}

} // namespace

bool open_file(download_state::self_pointer self, const response_head& head) {
  auto& st = self->state;
  if (st.writer)
    return true;
  auto expected = digests(st, head);
  for (auto& x : expected)
    st.outcome.verified_by.push_back(x.said_by);
  st.task.shown->set_total(st.total, st.outcome.begun);
  st.task.shown->set_done(st.at);
  if (st.task.to_stdout) {
    st.writer = spawn_on<file_writer_actor, stdout_writer_state>(
        st.env->workers, stdout_writer_behavior,
        stdout_writer_start{st.total, std::move(expected),
                            caf::actor_cast<download_actor>(self), st.stop});
    return true;
  }
  auto file = st.begun ? part_file::resume(st.names, *st.begun)
                       : part_file::create(st.names, st.total);
  if (!file) {
    fail(self, file.error());
    return false;
  }
  std::optional<sidecar> beside;
  if (st.total && has_usable_validator(st.rep))
    beside = sidecar{resource_name(st.task.from),
                     st.rep,
                     {st.ahead.begin(), st.ahead.end()}};
  st.writer = spawn_on<file_writer_actor, file_writer_state>(
      st.env->workers, file_writer_behavior,
      file_writer_start{std::make_shared<part_file>(std::move(*file)), st.at,
                        std::move(beside), st.total, std::move(expected),
                        st.task.force, caf::actor_cast<download_actor>(self)});
  self->send(st.writer, start_work{});
  return true;
}

void pass_on(download_state::self_pointer self, slice bytes,
             caf::strong_actor_ptr from) {
  auto& st = self->state;
  st.at += bytes.size();
  st.unwritten += bytes.size();
  st.writing.push_back(std::move(from));
  self->send(st.writer, write_piece{std::move(bytes)});
}

void finish_if_complete(download_state::self_pointer self) {
  auto& st = self->state;
  if (!st.last || !st.writing.empty() || st.failing)
    return;
  if (st.total && st.at != rest_of(st).end)
    return try_again(
        self, make_error(errc::connection_closed, "the body ended early"));
  if (st.until) {
    st.last = false;
    st.transfer = transfer_actor{};
    return self->send(st.writer, take_ahead{});
  }
  self->send(st.writer, finish_file{});
}

} // namespace peapod
