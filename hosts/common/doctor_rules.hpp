#pragma once

#include "hosts/common/doctor.hpp"

#include <string>
#include <vector>

/// The rules by which `examine` judges, by what they are about. Each adds what
/// it has found.
namespace peapod::rules {

using findings = std::vector<finding>;

/// The configuration, the daemon and its ports.
void judge_daemon(const doctor_facts& x, findings& out);

/// The clock.
void judge_clock(const doctor_facts& x, findings& out);

/// Interfaces, routes and VPNs.
void judge_interfaces(const doctor_facts& x, findings& out);

/// Multicast and the firewall of this device.
void judge_multicast(const doctor_facts& x, findings& out);

/// Whether other devices can be heard and reached, and speak what we do.
void judge_neighbours(const doctor_facts& x, findings& out);

/// Who is let in.
void judge_trust(const doctor_facts& x, findings& out);

/// Whether there is anything to gain: lines, pauses, what is switched off.
void judge_lines(const doctor_facts& x, findings& out);

/// Whether HTTPS, and what is pooled, may use the lines of others at all.
void judge_https(const doctor_facts& x, findings& out);

/// Whose line adds nothing, of other devices and of this one.
void judge_egress(const doctor_facts& x, findings& out);

/// Whether all devices are behind one gateway.
void judge_same_gateway(const doctor_facts& x, findings& out);

// -- what several of them ask -------------------------------------------------

/// The devices of the pod that are connected.
std::vector<const control::peer*> connected_peers(const doctor_facts& x);

/// What people call a device.
std::string called(const control::peer& x);

/// The same of the one with this id, as far as the daemon knows it.
std::string name_of(const doctor_facts& x, const std::string& id);

/// The address that a peer is connected by, without its port.
std::string address_of(const control::peer& x);

/// Whether one of the multicast tests was heard on the interface.
bool multicast_works(const doctor_facts& x, const std::string& interface);

/// The interface that `address` is a neighbour on; empty: none.
std::string interface_of(const doctor_facts& x, const std::string& address);

/// The gateway of an interface; empty: none.
std::string gateway_of(const doctor_facts& x, const std::string& interface);

/// Whether the address has told its hardware address; nothing: not known.
std::optional<bool> is_neighbour(const doctor_facts& x,
                                 const std::string& address);

} // namespace peapod::rules
