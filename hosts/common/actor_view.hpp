#pragma once

#include "actors/observation.hpp"
#include "core/error.hpp"
#include "core/host_pattern.hpp"

#include <string>
#include <string_view>
#include <vector>

/// What members of the pod show each other of their actors: a JSON list of
/// actors as in docs/openapi.yaml.
namespace peapod {

/// Our actors, the oldest first and as many as fit into a view. Which of them
/// are about a host of `never` is not told.
std::string view_text(const std::vector<actor_row>& rows,
                      std::vector<host_pattern> never = {});

/// The actors of another device, which may say anything: members that are
/// missing or of another type, texts of more than 4 KiB, lists of more than
/// 4096 elements and rates or seconds of more than 1e9 are errors
/// (`peer_misbehaved`); unknown members are not. A device of another version
/// that says too little is not shown.
result<std::vector<actor_row>> parse_view(std::string_view text);

} // namespace peapod
