#pragma once

#include "actors/ports.hpp"
#include "core/egress_map.hpp"

#include <string>

/// What a host finds out about one own line.
namespace peapod {

/// How a line stands.
struct line_look {
  bool up = true;     ///< it is there, and a route leads over it
  egress_facts facts; ///< without public addresses
};

/// Where a line is seen from outside; empty: not known in this family.
struct public_addresses {
  std::string v4;
  std::string v6;
};

/// Looks at one line. Used on the io thread.
class line_probe {
public:
  virtual ~line_probe() = default;

  /// Never waits, and sends nothing.
  virtual line_look look() = 0;

  /// Whether there is somebody to ask for the public address.
  virtual bool can_ask() const = 0;

  /// Asks over this line. Errors: those of STUN
  /// (`core/stun.hpp`), of names and of the operating system.
  virtual void ask(handler<public_addresses> done) = 0;
};

} // namespace peapod
