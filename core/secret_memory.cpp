#include "core/secret_memory.hpp"

#include <sodium.h>

#include <new>

namespace peapod {

void erase_secret(std::span<uint8_t> bytes) {
  sodium_memzero(bytes.data(), bytes.size());
}

secret_pages::secret_pages(size_t size) {
  // It is here that libsodium learns how large a page is.
  static const int ready = sodium_init();
  static_cast<void>(ready);
  data_.reset(static_cast<uint8_t*>(sodium_malloc(size)));
  if (!data_)
    throw std::bad_alloc{};
}

void secret_pages::seal() {
  sodium_mprotect_readonly(data_.get());
}

void secret_pages::release::operator()(uint8_t* data) const {
  sodium_free(data);
}

} // namespace peapod
