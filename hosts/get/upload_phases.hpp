#pragma once

#include "hosts/get/upload.hpp"

#include <functional>
#include <memory>
#include <string>

/// The requests of an upload that carry no part of the file: the question what
/// the server speaks, the beginning, and the end, in which it puts the parts
/// together.
namespace peapod {

/// Sends the request that the present phase waits for, once more if need be.
void ask_alone(upload_state::self_pointer self);

/// It is known how the server takes the file. `why_one`: why it goes in one
/// piece, if it does.
void use_protocol(
    upload_state::self_pointer self,
    std::function<std::shared_ptr<upload_protocol>(upload_plan)> make,
    bool in_parts, const std::string& why_one);

/// A request that is no part's, sent over the line `over`, has ended.
void on_alone_answered(upload_state::self_pointer self, const device_id& over,
                       const result<upload_answer>& outcome);

} // namespace peapod
