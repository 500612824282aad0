#pragma once

#include "actors/faults.hpp"
#include "actors/observation.hpp"

#include <boost/system/result.hpp>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// What may be asked on the control socket (docs/openapi.yaml), as values.
namespace peapod {

/// Everything that can be asked for.
enum class control_route {
  status,
  peers,
  trust,
  untrust,
  transfers,
  actors,
  actor,
  kill,
  restart,
  fault,
  tree,
  crashes,
  events,
  trace,
  pod,
  metrics,
};

/// One thing that is asked for.
struct control_call {
  control_route route = control_route::status;
  actor_number actor = 0; ///< of `actor`, `kill`, `restart`, `fault`, `trace`
  std::optional<uint64_t> since{}; ///< of `events`
  std::string who{}; ///< of `trust`, `untrust`: as in `find_device`

  bool operator==(const control_call&) const = default;
};

/// Why a request is not answered.
struct control_refusal {
  unsigned status = 400; ///< of HTTP
  std::string sentence;
  std::string allow{}; ///< of a 405: the methods that are allowed
};

/// A request that means nothing; `sentence` says why.
inline control_refusal bad_request(std::string sentence) {
  return {400, std::move(sentence)};
}

[[noreturn]] inline void
throw_exception_from_error(const control_refusal& x,
                           const boost::source_location&) {
  throw std::logic_error("unchecked refusal: " + x.sentence);
}

template <class T>
using or_refusal = boost::system::result<T, control_refusal>;

/// What a request line asks for. `last_event_id` is the field of that name: a
/// client that comes back repeats its first target, so the field counts more
/// than `since`. Refusals: 404 for an unknown path, 405, and 400 for whatever
/// is wrong with numbers, parameters and escapes.
or_refusal<control_call> parse_call(std::string_view method,
                                    std::string_view target,
                                    std::string_view last_event_id = {});

/// The target that lets a device in, or out: `/v1/peers/{who}/trust`.
std::string trust_target(std::string_view who, bool trusted);

/// The words that a person has typed, whether quoted together or not, in lower
/// case.
std::vector<std::string> compared_words(const std::vector<std::string>& typed);

/// The body of `POST /v1/peers/{who}/trust` for words that were compared; empty
/// for none.
std::string trust_body(const std::vector<std::string>& code);

/// The words in such a body, in lower case. Refusal: 400 when it is not exactly
/// as docs/openapi.yaml says.
or_refusal<std::vector<std::string>> parse_trust_body(std::string_view body);

/// The body of `POST /v1/actors/{id}/fault`. Refusal: 400 when it is not
/// exactly as docs/openapi.yaml says.
or_refusal<fault> parse_fault(std::string_view body);

} // namespace peapod
