#pragma once

#include "actors/ports.hpp"
#include "hosts/net/discovery_choice.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <memory>

namespace peapod::net {

/// Joins the groups of IPv4 and IPv6 on every suitable interface and follows
/// interfaces as they come and go; that there is none yet is not an error.
/// Datagrams are sent from the discovery port with a TTL of 1. Those of hosts
/// that are no neighbours on the interface are ignored, and so are those beyond
/// the bounds of a `datagram_gate`. Errors: `bad_config`, `address_in_use`,
/// `io_failed`.
result<std::unique_ptr<discovery_port>>
open_discovery(boost::asio::any_io_executor executor, discovery_config config);

} // namespace peapod::net
