#pragma once

#include "actors/ports.hpp"
#include "core/error.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

/// Coroutines inside, handlers outside.
namespace peapod::net {

namespace asio = boost::asio;

/// A coroutine whose outcome is a value or an error.
template <class T = void>
using task = asio::awaitable<result<T>>;

/// Awaits an Asio operation; its error code is part of the value.
inline constexpr auto as_value = asio::as_tuple(asio::use_awaitable);

/// What an exception says.
inline std::string words_of(const std::exception_ptr& x) {
  try {
    std::rethrow_exception(x);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an unknown exception";
  }
}

/// What `work` gives, for handlers that are no coroutines: an exception is a
/// bug and becomes `internal`, as in `start`.
template <class Work>
auto guarded(Work work) -> decltype(work()) {
  try {
    return work();
  } catch (...) {
    return make_error(errc::internal, words_of(std::current_exception()));
  }
}

/// Runs `work` and then calls `done`, never from within this call. `owner`
/// lives until then. An exception is a bug: `done` gets `internal`, which makes
/// the actor that waits for it crash (`send_back`).
template <class Owner, class T>
void start(const asio::any_io_executor& ex, std::shared_ptr<Owner> owner,
           task<T> work, handler<T> done) {
  auto finish = [owner = std::move(owner), done = std::move(done)](
                    std::exception_ptr failure, result<T> outcome) {
    if (failure)
      outcome = make_error(errc::internal, words_of(failure));
    if (done)
      done(std::move(outcome));
  };
  asio::co_spawn(ex, std::move(work), std::move(finish));
}

/// Gives `outcome` to `done`, not from within this call.
template <class T>
void answer_later(const asio::any_io_executor& ex, handler<T> done,
                  std::type_identity_t<result<T>> outcome) {
  asio::post(ex,
             [done = std::move(done), outcome = std::move(outcome)]() mutable {
               done(std::move(outcome));
             });
}

/// Awaits an operation of a port: `operation` is called with its handler.
template <class T, class Operation>
task<T> await_handler(Operation operation) {
  auto initiate = [&operation](auto resume) {
    auto shared = std::make_shared<decltype(resume)>(std::move(resume));
    operation(handler<T>{[shared](result<T> outcome) {
      std::move (*shared)(std::move(outcome));
    }});
  };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>,
                                          void(result<T>)>(initiate,
                                                           asio::use_awaitable);
}

} // namespace peapod::net
