#pragma once

#include "hosts/get/upload_protocol.hpp"

#include <memory>

namespace peapod {

/// What a tus server can do (tus 1.0.0, the answer to OPTIONS).
struct tus_abilities {
  bool creation = false;
  bool concatenation = false;
  bool termination = false;
  std::optional<uint64_t> max_size;
};

/// Reads the answer to OPTIONS; nothing when it does not speak tus 1.0.0.
std::optional<tus_abilities> parse_tus_options(const response_head& head);

/// Asks what a server speaks.
upload_request make_tus_question(const url& target, const http_fields& fields);

/// An upload by tus 1.0.0. With more than one part the server has to know
/// concatenation.
std::unique_ptr<upload_protocol> make_tus_upload(upload_plan plan,
                                                 tus_abilities server);

/// One PUT of the whole.
std::unique_ptr<upload_protocol> make_plain_upload(upload_plan plan);

} // namespace peapod
