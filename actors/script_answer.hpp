#pragma once

#include "actors/ports.hpp"
#include "core/http_message.hpp"

#include <optional>
#include <string>

namespace peapod {

/// The script by which browsers find this proxy (`core/pac_script.hpp`).
struct script_answer {
  response_head head;
  std::string text;
};

/// The answer to a request for the script of this proxy itself, nothing for
/// all others. The request has to name the very address that the client has
/// connected to, or `localhost`, so that other servers' scripts are fetched
/// from them.
std::optional<script_answer> answer_script(const request_head& request,
                                           const http_server_stream& client);

} // namespace peapod
