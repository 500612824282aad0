#pragma once

#include "core/error.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>

#include <future>
#include <memory>
#include <utility>

namespace peapod {

/// Opens a port now, so that an error can be shown at the start, and again
/// each time that its owner restarts: then on the thread that runs the
/// sockets, because a port may begin to work while it is being opened.
template <class Port, class Open>
class reopened {
public:
  reopened(boost::asio::any_io_executor executor, Open open)
    : executor_(std::move(executor)), open_(std::move(open)) {}

  /// The error of the first time, if there was one.
  result<std::shared_ptr<Port>> open_first() {
    auto port = open();
    if (port)
      first_ = *port;
    return port;
  }

  /// Waits for the thread that runs the sockets, so never call it there.
  result<std::shared_ptr<Port>> operator()() {
    if (auto port = std::exchange(first_, nullptr))
      return port;
    auto opened =
        std::make_shared<std::promise<result<std::shared_ptr<Port>>>>();
    boost::asio::post(executor_, [this, opened] { opened->set_value(open()); });
    return opened->get_future().get();
  }

private:
  result<std::shared_ptr<Port>> open() {
    auto port = open_();
    if (!port)
      return port.error();
    return std::shared_ptr<Port>{std::move(*port)};
  }

  boost::asio::any_io_executor executor_;
  Open open_;
  std::shared_ptr<Port> first_;
};

/// The same with its type deduced.
template <class Port, class Open>
auto make_reopened(boost::asio::any_io_executor executor, Open open) {
  return std::make_shared<reopened<Port, Open>>(std::move(executor),
                                                std::move(open));
}

} // namespace peapod
