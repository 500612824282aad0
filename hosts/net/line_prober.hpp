#pragma once

#include "actors/line_probe.hpp"
#include "core/http_message.hpp"
#include "core/types.hpp"
#include "hosts/net/http_ports.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <optional>

namespace peapod::net {

/// Looks at the line that `from` names. Without a STUN `server` nobody is asked
/// for its public address.
std::shared_ptr<line_probe> make_line_probe(boost::asio::any_io_executor ex,
                                            source_bind from,
                                            std::optional<host_port> server,
                                            random_source random);

} // namespace peapod::net
