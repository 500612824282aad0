#pragma once

#include "hosts/get/download.hpp"

/// What a download asks for, and over which line.
namespace peapod {

/// The request for the whole file. What names the user goes only to the server
/// that it was meant for.
request_head make_request(const download_state& st);

/// What is to be asked for: up to what is there already behind a gap.
byte_range rest_of(const download_state& st);

/// Whether some of the file is here.
bool has_begun(const download_state& st);

/// Asks for what is missing.
void ask(download_state::self_pointer self);

/// Asks over another line, if it is the line that has failed. A server that
/// another line shows with a wrong certificate ends that line alone.
bool ask_elsewhere(download_state::self_pointer self, const error& why);

/// The own line comes first again.
void own_line_first(download_state& st);

/// Whether the answer says where else the file is.
bool is_redirect(const response_head& head);

/// Asks there instead.
void redirect(download_state::self_pointer self, const response_head& head);

/// Keeps the cookies of an answer for later requests.
void store_cookies(download_state& st, const response_head& head);

} // namespace peapod
