#include "core/address_sanitizer.hpp"
#include "hosts/net/descriptors.hpp"
#include "hosts/net/http_ports.hpp"
#include "tests/hosts/scripted_origin.hpp"

#include <sys/resource.h>

#include <fcntl.h>
#include <unistd.h>

#include <vector>

#define CAF_SUITE descriptors
#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace peapod::net;
using namespace peapod::net::test;

namespace {

using stream_ptr = std::shared_ptr<http_server_stream>;

known_limit& limit_known_to(loop& l) {
  return net::limit_known_to(l.io.get_executor());
}

/// Leaves this process `count` descriptors, until its end; `l` knows that.
class shortage {
public:
  shortage(loop& l, int count) : known_(limit_known_to(l)) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    auto low = before_;
    low.rlim_cur = 256;
    ::setrlimit(RLIMIT_NOFILE, &low);
    known_.forget();
    for (int fd = ::open("/dev/null", O_RDONLY); fd >= 0;
         fd = ::open("/dev/null", O_RDONLY))
      held_.push_back(fd);
    for (; count > 0; --count)
      release();
  }

  ~shortage() {
    while (!held_.empty())
      release();
    ::setrlimit(RLIMIT_NOFILE, &before_);
    known_.forget();
  }

  void release() {
    ::close(held_.back());
    held_.pop_back();
  }

private:
  known_limit& known_;
  rlimit before_{};
  std::vector<int> held_;
};

} // namespace

CAF_TEST(clients go without before dials of origins do) {
  for (size_t limit : {64u, 256u, 1024u, 65536u})
    CAF_CHECK(kept_free(descriptor_use::client, limit)
              >= kept_free(descriptor_use::origin, limit) + 8);
}

CAF_TEST(most descriptors can be used) {
  for (size_t limit : {64u, 256u, 1024u, 65536u})
    CAF_CHECK(kept_free(descriptor_use::client, limit) <= limit / 2);
}

CAF_TEST(the number of a new socket tells how many are left) {
  CAF_CHECK(!is_scarce(3, descriptor_use::client, 1024));
  CAF_CHECK(is_scarce(1023, descriptor_use::origin, 1024));
  CAF_CHECK(!is_scarce(-1, descriptor_use::client, 1024));
}

CAF_TEST(the count does not take low free numbers for many) {
  loop l;
  shortage few{l, static_cast<int>(kept_free(descriptor_use::client, 256)) - 2};
  CAF_CHECK(is_scarce_by_count(descriptor_use::client, 256));
  CAF_CHECK(!is_scarce_by_count(descriptor_use::origin, 256));
  few.release();
  few.release();
  CAF_CHECK(!is_scarce_by_count(descriptor_use::client, 256));
}

CAF_TEST(an event loop knows the limit and forgets it when it is told to) {
  loop l;
  auto& known = limit_known_to(l);
  auto before = known.get();
  CAF_CHECK_EQUAL(before, descriptor_limit());
  {
    shortage few{l, 8};
    CAF_CHECK_EQUAL(known.get(), 256u);
    CAF_CHECK_EQUAL(&limit_known_to(l), &known);
  }
  CAF_CHECK_EQUAL(known.get(), before);
}

CAF_TEST(what one event loop knows is of no concern to another one) {
  loop one;
  loop other;
  CAF_CHECK_NOT_EQUAL(&limit_known_to(one), &limit_known_to(other));
}

CAF_TEST(the limit can be raised and is never lowered) {
  auto x = raise_descriptor_limit();
  CAF_CHECK(x.now >= x.before);
  CAF_CHECK_EQUAL(descriptor_limit(), x.now);
}

// The sanitizer looks at an object's memory through a pipe, and takes every
// object for a broken one when there is none to be had.
#ifndef PEAPOD_ADDRESS_SANITIZER
CAF_TEST(without a descriptor a client still gets an answer) {
  loop l;
  auto acceptor =
      listen_http(l.io.get_executor(), endpoint{"127.0.0.1", 0}).value();
  auto client = connect_raw(l, acceptor->local());
  client->send("GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n");
  // The listener takes its spare one, and nothing is left.
  shortage no_descriptors{l, 1};
  auto server =
      l.await<stream_ptr>([&](auto done) { acceptor->accept(done); }).value();
  CAF_CHECK(server->is_one_too_many());
  CAF_CHECK(!server->can_be_served());
  server->turn_away("there is nothing left");
  l.until([&] { return client->ended; });
  CAF_CHECK(client->received.starts_with("HTTP/1.1 503 "));
  CAF_CHECK(client->received.find("Retry-After: 1") != std::string::npos);
}
#endif

CAF_TEST(with few descriptors a client is one too many but can be served) {
  loop l;
  auto acceptor =
      listen_http(l.io.get_executor(), endpoint{"127.0.0.1", 0}).value();
  auto client = connect_raw(l, acceptor->local());
  shortage few{l, static_cast<int>(kept_free(descriptor_use::client, 256)) - 8};
  auto server =
      l.await<stream_ptr>([&](auto done) { acceptor->accept(done); }).value();
  CAF_CHECK(server->is_one_too_many());
  CAF_CHECK(server->can_be_served());
  server->close(true);
}
