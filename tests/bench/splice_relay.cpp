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

struct connection;

/// One socket of a connection: where one lane begins and the other ends.
struct side {
  connection* both = nullptr;
  lane* from_here = nullptr;
  lane* to_here = nullptr;
};

/// Both directions of one connection.
struct connection {
  lane up;
  lane down;
  side near;
  side far;
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

void watch(int poller, int socket, side* here) {
  must(fcntl(socket, F_SETFL, O_NONBLOCK), "O_NONBLOCK");
  int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLET;
  event.data.ptr = here;
  must(epoll_ctl(poller, EPOLL_CTL_ADD, socket, &event), "epoll_ctl");
}

/// What there is to do at one socket; false when the connection is over.
bool serve(const side& x, uint32_t events) {
  if ((events & ~EPOLLOUT) != 0 && !run(*x.from_here))
    return false;
  if ((events & EPOLLOUT) != 0 && x.to_here->held > 0 && !run(*x.to_here))
    return false;
  return !x.from_here->ended || !x.to_here->ended;
}

void accept_one(int poller, int listener, uint16_t port) {
  auto client = must(accept(listener, nullptr, nullptr), "accept");
  auto origin = must(socket(AF_INET, SOCK_STREAM, 0), "socket");
  auto target = loopback(port);
  must(connect(origin, reinterpret_cast<sockaddr*>(&target), sizeof(target)),
       "connect");
  auto* both = new connection; // until both directions have ended
  make_lane(both->up, client, origin);
  make_lane(both->down, origin, client);
  both->near = {both, &both->up, &both->down};
  both->far = {both, &both->down, &both->up};
  watch(poller, client, &both->near);
  watch(poller, origin, &both->far);
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
    auto* here = static_cast<side*>(event.data.ptr);
    if (here == nullptr)
      accept_one(poller, listener, port);
    else if (!serve(*here, event.events))
      delete here->both;
  }
}
