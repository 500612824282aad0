// Any datagram is an answer to a question, one to ignore, or an error; what
// ends a question has its id, and an address of one of the families.

#include "core/stun.hpp"
#include "tests/fuzz/check.hpp"

#include <algorithm>
#include <chrono>

using namespace peapod;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::span in{data, size};
  // The question that the datagram would answer, so that most are read on.
  stun_id id;
  if (size >= 20)
    id = stun_id::from(in.subspan(8, stun_id::size));
  auto x = read_stun_answer(in, id);
  if (x) {
    auto bytes = x->address.bytes().size();
    check(bytes == 4 || bytes == 16, "an address of no family");
    check(size >= 28, "an address without room for it");
  } else {
    auto code = x.error().code;
    check(code == errc::not_found || code == errc::bad_http
              || code == errc::origin_refused,
          "another code");
  }
  stun_query query{id};
  query.start({});
  query.receive(in);
  bool ignored = !x && x.error().code == errc::not_found;
  check(query.outcome().has_value() != ignored, "a question ends otherwise");
  auto other = id;
  other.bytes[0] ^= 1;
  auto foreign = read_stun_answer(in, other);
  check(!foreign && foreign.error().code == errc::not_found,
        "an answer to another question");
  return 0;
}
