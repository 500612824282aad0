// A trust store's text is refused, or is of a store that is the same when it is
// written and read again, within its bounds.

#include "core/trust_text.hpp"
#include "tests/fuzz/check.hpp"

using namespace peapod;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto x = parse_trust({reinterpret_cast<const char*>(data), size});
  if (!x) {
    check(x.error().code == errc::bad_config, "another code");
    check(!x.error().detail.empty(), "no sentence");
    return 0;
  }
  check(x->list().size() + x->known().size() <= trust_store::max_keys,
        "too many keys");
  auto text = trust_text(*x);
  check(text.size() <= max_trust_text, "a text that is too long");
  auto again = parse_trust(text);
  check(again && *again == *x, "a store changes when it is read");
  return 0;
}
