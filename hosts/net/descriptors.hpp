#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>

/// How many descriptors (sockets, files) this process may have open, and who
/// goes without when they run short.
namespace peapod::net {

/// Who opens a socket. The later ones find descriptors left when the earlier
/// ones find none: clients only come in while there is enough to serve them,
/// and what dials origins leaves some to peers, the control socket and files.
enum class descriptor_use { client, origin };

/// Descriptors that stay free of a kind of use, of `limit` in all.
size_t kept_free(descriptor_use use, size_t limit);

/// Whether a socket that was just opened took one of those, of `limit` in all.
/// The system gives out the lowest free number, so at least `handle` are in
/// use; perhaps more, when earlier ones were closed.
bool is_scarce(int handle, descriptor_use use, size_t limit);

/// Whether that is so by the count of what is open, which costs a look at each
/// possible number.
bool is_scarce_by_count(descriptor_use use, size_t limit);

/// The most descriptors that this process may have open now, as the system
/// says.
size_t descriptor_limit();

/// The same as one event loop knows it: each client and each origin would ask
/// the system, which is asked about once a second.
class known_limit {
public:
  /// As it was within the last second.
  size_t get();

  /// The limit has changed: the system is asked again at once.
  void forget() {
    good_until_ = {};
  }

private:
  size_t limit_ = 0;
  std::chrono::steady_clock::time_point good_until_;
};

/// That of the event loop behind `ex`, on whose thread it is used; it lives as
/// long as the loop.
known_limit& limit_known_to(const boost::asio::any_io_executor& ex);

/// Raises that to what the system allows this process; the limits before and
/// after.
struct raised_limit {
  size_t before = 0;
  size_t now = 0;
};
raised_limit raise_descriptor_limit();

} // namespace peapod::net
