/// A TCP relay with nothing but splice(2) through pipes of 256 KiB and
/// epoll: what the daemon's tunnels are measured by (relay.py). Linux only.
///
///     splice_relay PORT
///
/// relays from a port of its own, which it prints, to PORT on loopback.

#include <arpa/inet.h>
#include <csignal>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>

namespace {

constexpr int pipe_size = 256 * 1024;

/// The value of a system call, unless it failed.
int must(int value, const char* what) {
  if (value < 0) {
    std::perror(what);
    std::exit(1);
  }
  return value;
}

/// One direction.
struct lane {
  int from = -1;
  int to = -1;
  std::array<int, 2> pipe{-1, -1};
  size_t held = 0;
  bool ended = false;
};

/// Both directions of one connection.
struct connection {
  lane up;
  lane down;
  ~connection() {
    for (auto* x : {&up, &down}) {
      close(x->pipe[0]);
      close(x->pipe[1]);
    }
    close(up.from);
    close(down.from);
  }
};

/// Moves what can be moved; false when the lane is of no more use.
bool run(lane& x) {
  constexpr unsigned flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
  while (!x.ended) {
    while (x.held > 0) {
      auto n = splice(x.pipe[0], nullptr, x.to, nullptr, x.held, flags);
      if (n <= 0)
        return n < 0 && errno == EAGAIN;
      x.held -= static_cast<size_t>(n);
    }
    auto n = splice(x.from, nullptr, x.pipe[1], nullptr, pipe_size, flags);
    if (n < 0)
      return errno == EAGAIN;
    x.held = static_cast<size_t>(n);
    x.ended = n == 0;
  }
  shutdown(x.to, SHUT_WR);
  return true;
}

sockaddr_in loopback(uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return out;
}

void make_lane(lane& x, int from, int to) {
  x.from = from;
  x.to = to;
  must(pipe2(x.pipe.data(), O_NONBLOCK | O_CLOEXEC), "pipe2");
  must(fcntl(x.pipe[1], F_SETPIPE_SZ, pipe_size), "F_SETPIPE_SZ");
}

void watch(int poller, int socket, connection* both) {
  must(fcntl(socket, F_SETFL, O_NONBLOCK), "O_NONBLOCK");
  int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLET;
  event.data.ptr = both;
  must(epoll_ctl(poller, EPOLL_CTL_ADD, socket, &event), "epoll_ctl");
}

void accept_one(int poller, int listener, uint16_t port) {
  auto client = must(accept(listener, nullptr, nullptr), "accept");
  auto origin = must(socket(AF_INET, SOCK_STREAM, 0), "socket");
  auto target = loopback(port);
  must(connect(origin, reinterpret_cast<sockaddr*>(&target), sizeof(target)),
       "connect");
  auto both = std::make_unique<connection>();
  make_lane(both->up, client, origin);
  make_lane(both->down, origin, client);
  auto* raw = both.release(); // until both directions have ended
  watch(poller, client, raw);
  watch(poller, origin, raw);
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: splice_relay PORT\n");
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  auto port = static_cast<uint16_t>(std::atoi(argv[1]));
  auto listener = must(socket(AF_INET, SOCK_STREAM, 0), "socket");
  auto address = loopback(0);
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof(address);
  must(bind(listener, raw, size), "bind");
  must(listen(listener, 16), "listen");
  must(getsockname(listener, raw, &size), "getsockname");
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  auto poller = must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  epoll_event event{};
  event.events = EPOLLIN;
  must(epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event), "epoll_ctl");
  while (epoll_wait(poller, &event, 1, -1) == 1 || errno == EINTR) {
    auto* both = static_cast<connection*>(event.data.ptr);
    if (both == nullptr)
      accept_one(poller, listener, port);
    else if (!run(both->up) || !run(both->down)
             || (both->up.ended && both->down.ended))
      delete both;
  }
}
