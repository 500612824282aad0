#include "hosts/get/file_writer.hpp"

#include <chrono>

namespace peapod {

namespace {

using namespace std::chrono_literals;
using self_pointer = file_writer_state::self_pointer;

/// How much may be lost when the power fails.
constexpr uint64_t save_every = 64_MiB;
constexpr auto save_interval = 2s;

/// How much may be lost when the program is killed, whatever the rate.
constexpr uint64_t least_save = 1_MiB;

/// What lies before `at` is ahead no longer.
void move_on(file_writer_state& st, uint64_t bytes) {
  st.at += bytes;
  st.ahead.erase({0, st.at});
}

std::vector<byte_range> ranges_of(const interval_set& x) {
  std::vector<byte_range> out;
  for (auto y = x.first_from(0); y; y = x.first_from(y->end))
    out.push_back(*y);
  return out;
}

std::vector<byte_range> all_of(const file_writer_state& st) {
  auto all = st.ahead;
  if (st.at > 0)
    all.insert({0, st.at});
  return ranges_of(all);
}

/// Hashes cannot be kept over a restart, so they are made anew.
void read_what_is_there(self_pointer self, byte_range range) {
  auto& st = self->state;
  auto read = st.start->file->read(
      range, [&st](auto bytes) { st.check.update(bytes); });
  if (!read)
    st.broken = read.error();
}

result<void> save(self_pointer self) {
  auto& st = self->state;
  if (!st.start->beside || (st.at == 0 && st.ahead.empty()))
    return {};
  st.saved = st.written;
  st.saved_at = now_of(self);
  st.start->beside->have = all_of(st);
  auto done = st.start->file->save(*st.start->beside);
  st.is_told = st.is_told || done;
  return done;
}

result<void> save_now_and_then(self_pointer self) {
  auto& st = self->state;
  auto unsaved = st.written - st.saved;
  // The first bytes come with a sidecar: without it nobody knows them.
  if (st.saved > 0 && unsaved < save_every
      && (unsaved < least_save || now_of(self) - st.saved_at < save_interval))
    return {};
  return save(self);
}

/// Writes what is not there yet.
result<void> put(self_pointer self, uint64_t offset, const slice& bytes) {
  auto& st = self->state;
  if (st.ahead.contains({offset, offset + bytes.size()}))
    return {};
  st.written += bytes.size();
  return st.start->file->write(offset, bytes.bytes());
}

void on_write_piece(self_pointer self, const write_piece& msg) {
  auto& st = self->state;
  auto size = msg.bytes.size();
  if (!st.broken) {
    auto done = put(self, st.at, msg.bytes);
    if (done) {
      st.check.update(msg.bytes.bytes());
      move_on(st, size);
      done = save_now_and_then(self);
    }
    if (!done)
      st.broken = done.error();
  }
  self->send(st.start->download,
             piece_written{size, st.broken ? result<void>{*st.broken}
                                           : result<void>{}});
}

void on_write_ahead(self_pointer self, const write_ahead& msg) {
  auto& st = self->state;
  byte_range range{msg.offset, msg.offset + msg.bytes.size()};
  if (st.broken || !st.start->beside || range.begin < st.at)
    return;
  auto done = put(self, range.begin, msg.bytes);
  if (done) {
    st.ahead.insert(range);
    done = save_now_and_then(self);
  }
  if (!done)
    st.broken = done.error();
}

void on_take_ahead(self_pointer self) {
  auto& st = self->state;
  auto next = st.ahead.first_from(st.at);
  auto size = next && next->begin == st.at ? next->size() : 0;
  byte_range range{st.at, st.at + size};
  read_what_is_there(self, range);
  auto earlier = size;
  for (auto& x : st.earlier.gaps(range))
    earlier -= x.size();
  if (!st.broken)
    move_on(st, size);
  self->send(
      st.start->download,
      ahead_taken{size, earlier,
                  st.broken ? result<void>{*st.broken} : result<void>{}});
}

result<digest> finish(file_writer_state& st) {
  if (st.broken)
    return *st.broken;
  auto& file = *st.start->file;
  if (auto wrong = st.check.judge()) {
    auto name = file.names().target.string();
    auto aside = file.set_aside();
    return make_error(wrong->code,
                      name + ": " + wrong->detail
                          + (aside ? "; what came is kept as " + aside->string()
                                   : "; " + aside.error().detail));
  }
  if (auto ok = file.publish(st.start->force); !ok)
    return ok.error();
  return st.check.finish();
}

void on_leave_file(self_pointer self) {
  auto& st = self->state;
  auto kept = st.broken ? result<void>{*st.broken} : result<void>{};
  // What nothing tells of could not be continued.
  bool empty = st.at == 0 && st.ahead.empty();
  if (!st.start->beside || empty || (st.broken && !st.is_told))
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
  st.at = st.written = st.saved = st.start->offset;
  if (st.start->beside)
    for (auto& x : st.start->beside->have)
      if (x.begin > st.at)
        st.ahead.insert(x);
  st.earlier = st.ahead;
  st.is_told = st.at > 0 || !st.ahead.empty();
  st.check = whole_check{st.start->size, st.start->expected};
  return {
      [self](start_work) {
        auto& st = self->state;
        read_what_is_there(self, {0, st.at});
        st.saved_at = now_of(self);
      },
      [self](const write_piece& msg) { on_write_piece(self, msg); },
      [self](const write_ahead& msg) { on_write_ahead(self, msg); },
      [self](take_ahead) { on_take_ahead(self); },
      [self](const tell_ahead& msg) {
        auto& st = self->state;
        self->send(st.start->download,
                   ahead_is{msg.attempt, ranges_of(st.ahead)});
      },
      [self](finish_file) {
        auto& st = self->state;
        self->send(st.start->download, file_finished{finish(st)});
        self->quit();
      },
      [self](leave_file) { on_leave_file(self); },
  };
}

} // namespace peapod
