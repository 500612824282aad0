#pragma once

#include "hosts/common/doctor.hpp"
#include "hosts/common/styled_text.hpp"

#include <boost/json/object.hpp>

#include <span>

/// What `peapod doctor` prints.
namespace peapod {

/// Each finding with its evidence and its fix, or that there are none.
lines doctor_lines(const doctor_facts& facts,
                   const std::vector<finding>& findings);

/// `{"ok": ..., "version": ..., "daemon": ..., "findings": [...],
/// "facts": {...}}`
boost::json::object doctor_json(const doctor_facts& facts,
                                const std::vector<finding>& findings);

} // namespace peapod
