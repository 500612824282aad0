#include "hosts/get/file_writer.hpp"

#include <chrono>

namespace peapod {

namespace {

using namespace std::chrono_literals;
using self_pointer = file_writer_state::self_pointer;

/// How much may be lost when the power fails.
constexpr uint64_t save_every = 64_MiB;
constexpr auto save_interval = 5s;

/// How much may be lost when the program is killed, whatever the rate.
constexpr uint64_t least_save = 1_MiB;

void update(file_writer_state& st, std::span<const uint8_t> bytes) {
  st.hash.update(bytes);
  for (auto& x : st.checks)
    x.hash.update(bytes);
}

/// Hashes cannot be kept over a restart, so they are made anew.
void read_what_is_there(self_pointer self) {
  auto& st = self->state;
  auto read = st.start->file->read(st.start->offset,
                                   [&st](auto bytes) { update(st, bytes); });
  if (!read)
    st.broken = read.error();
  st.saved_at = now_of(self);
}

result<void> save(self_pointer self) {
  auto& st = self->state;
  if (!st.start->beside || st.at == 0)
    return {};
  st.saved = st.at;
  st.saved_at = now_of(self);
  st.start->beside->have = {{0, st.at}};
  return st.start->file->save(*st.start->beside);
}

result<void> save_now_and_then(self_pointer self) {
  auto& st = self->state;
  auto unsaved = st.at - st.saved;
  // The first bytes come with a sidecar: without it nobody knows them.
  if (st.saved > 0 && unsaved < save_every
      && (unsaved < least_save || now_of(self) - st.saved_at < save_interval))
    return {};
  return save(self);
}

void on_write_piece(self_pointer self, const write_piece& msg) {
  auto& st = self->state;
  auto size = msg.bytes.size();
  if (!st.broken) {
    auto done = st.start->file->write(st.at, msg.bytes.bytes());
    if (done) {
      update(st, msg.bytes.bytes());
      st.at += size;
      done = save_now_and_then(self);
    }
    if (!done)
      st.broken = done.error();
  }
  self->send(st.start->download,
             piece_written{size, st.broken ? result<void>{*st.broken}
                                           : result<void>{}});
}

/// What of the file is wrong, if anything.
std::optional<error> judge(file_writer_state& st) {
  if (st.start->size && *st.start->size != st.at)
    return make_error(errc::integrity_failed,
                      "it has " + std::to_string(st.at)
                          + " bytes and should have "
                          + std::to_string(*st.start->size));
  for (auto& x : st.checks)
    if (!x.hash.matches())
      return make_error(errc::integrity_failed,
                        "it does not have the hash that " + x.said_by
                            + " says");
  return std::nullopt;
}

result<digest> finish(file_writer_state& st) {
  if (st.broken)
    return *st.broken;
  auto& file = *st.start->file;
  if (auto wrong = judge(st)) {
    auto name = file.names().target.string();
    auto aside = file.set_aside();
    return make_error(wrong->code,
                      name + ": " + wrong->detail
                          + (aside ? "; what came is kept as " + aside->string()
                                   : "; " + aside.error().detail));
  }
  if (auto ok = file.publish(st.start->force); !ok)
    return ok.error();
  return st.hash.finish();
}

void on_leave_file(self_pointer self) {
  auto& st = self->state;
  auto kept = st.broken ? result<void>{*st.broken} : result<void>{};
  if (!st.start->beside || st.at == 0)
    st.start->file->remove();
  else if (auto saved = save(self); kept && !saved)
    kept = saved;
  self->send(st.start->download, file_left{kept});
  self->quit();
}

} // namespace

file_writer_actor::behavior_type file_writer_behavior(self_pointer self,
                                                      file_writer_start start) {
  auto& st = self->state;
  st.start.emplace(std::move(start));
  st.at = st.saved = st.start->offset;
  for (auto& x : st.start->expected)
    st.checks.push_back({digest_check{x.value}, x.said_by});
  return {
      [self](start_work) { read_what_is_there(self); },
      [self](const write_piece& msg) { on_write_piece(self, msg); },
      [self](finish_file) {
        auto& st = self->state;
        self->send(st.start->download, file_finished{finish(st)});
        self->quit();
      },
      [self](leave_file) { on_leave_file(self); },
  };
}

} // namespace peapod
