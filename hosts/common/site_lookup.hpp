#pragma once

#include <functional>
#include <string>

namespace peapod {

/// A function that gives the registrable domain of a host by the Public Suffix
/// List (https://publicsuffix.org), as in `example.co.uk` for
/// `www.example.co.uk`; a host that has none, or an address, is its own. Reads
/// the list here, once.
std::function<std::string(const std::string& host)> make_site_lookup();

} // namespace peapod
