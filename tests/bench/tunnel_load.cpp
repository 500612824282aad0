/// Load for tunnels (relay.py) that costs next to nothing itself, so that the
/// relay in the middle is the limit: the source sends pages of a file without
/// a copy, the sink drops in the kernel what arrives. Linux only.
///
///     tunnel_load source              prints its port, sends to who connects
///     tunnel_load sink PORT BYTES [TARGET]
///
/// connects to PORT on loopback, asks for a tunnel to TARGET (host:port) or
/// for TARGET (a URL) if there is one, takes BYTES and prints how many seconds
/// they took.
///
///     tunnel_load doors           prints its port, waits for who connects to
///     go tunnel_load setups PORT TARGET CLIENTS SECONDS
///
/// opens tunnels to TARGET through PORT and closes them again, CLIENTS at a
/// time, and prints how many it opened a second, and how many failed.

#include <arpa/inet.h>
#include <csignal>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

constexpr size_t file_size = 4 << 20;
constexpr size_t step = 1 << 20;

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::exit(1);
}

/// The value of a system call, unless it failed.
template <class T>
T must(T value, const char* what) {
  if (value < 0)
    give_up(what);
  return value;
}

sockaddr_in loopback(uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return out;
}

// -- source -------------------------------------------------------------------

int file_of_zeros() {
  auto file = must(memfd_create("zeros", 0), "memfd_create");
  must(ftruncate(file, file_size), "ftruncate");
  // Pages that do not exist yet would be made while the clock runs.
  std::string zeros(file_size, '\0');
  must(pwrite(file, zeros.data(), zeros.size(), 0), "pwrite");
  return file;
}

/// Sends until the other side has enough.
void send_endlessly(int socket, int file) {
  off_t offset = 0;
  while (sendfile(socket, file, &offset, file_size - offset) > 0)
    offset %= static_cast<off_t>(file_size);
  close(socket);
}

/// Listens at a port of its own, which it prints.
int listen_somewhere() {
  auto listener = must(socket(AF_INET, SOCK_STREAM, 0), "socket");
  auto address = loopback(0);
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof(address);
  must(bind(listener, raw, size), "bind");
  must(listen(listener, 4096), "listen");
  must(getsockname(listener, raw, &size), "getsockname");
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return listener;
}

int run_source() {
  std::signal(SIGPIPE, SIG_IGN);
  auto file = file_of_zeros();
  auto listener = listen_somewhere();
  while (true) {
    auto client = must(accept(listener, nullptr, nullptr), "accept");
    std::thread{send_endlessly, client, file}.detach();
  }
}

// -- sink ---------------------------------------------------------------------

/// RFC 9110, 9.3.6
std::string connect_request(const std::string& target) {
  return "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n\r\n";
}

/// Sends a request and takes the answer's head, which ends with an empty line.
void ask(int socket, const std::string& request) {
  must(send(socket, request.data(), request.size(), 0), "send");
  std::string head;
  for (char byte = 0; !head.ends_with("\r\n\r\n"); head += byte)
    if (recv(socket, &byte, 1, 0) != 1)
      give_up("no answer");
  if (!head.starts_with("HTTP/1.1 200")) {
    std::fprintf(stderr, "refused: %s", head.c_str());
    std::exit(1);
  }
}

void take(int socket, size_t bytes) {
  static char unused[step];
  while (bytes > 0) {
    auto wanted = bytes < step ? bytes : step;
    auto n = recv(socket, unused, wanted, MSG_TRUNC);
    if (n <= 0)
      give_up("recv");
    bytes -= static_cast<size_t>(n);
  }
}

int run_sink(uint16_t port, size_t bytes, const std::string& target) {
  auto socket = must(::socket(AF_INET, SOCK_STREAM, 0), "socket");
  auto address = loopback(port);
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  must(connect(socket, raw, sizeof(address)), "connect");
  if (target.starts_with("http://"))
    ask(socket, "GET " + target + " HTTP/1.1\r\nHost: bench\r\n\r\n");
  else if (!target.empty())
    ask(socket, connect_request(target));
  auto start = std::chrono::steady_clock::now();
  take(socket, bytes);
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::printf("%.6f\n", took.count());
  return 0;
}

// -- tunnels that come and go -------------------------------------------------

void watch(int poller, int socket, uint32_t what, uint64_t number, int how) {
  epoll_event event{};
  event.events = what;
  event.data.u64 = number;
  must(epoll_ctl(poller, how, socket, &event), "epoll_ctl");
}

int run_doors() {
  auto listener = listen_somewhere();
  auto poller = must(epoll_create1(0), "epoll_create1");
  watch(poller, listener, EPOLLIN, static_cast<uint64_t>(listener),
        EPOLL_CTL_ADD);
  epoll_event events[64];
  while (true) {
    auto n = epoll_wait(poller, events, 64, -1);
    for (int i = 0; i < n; ++i) {
      auto ready = static_cast<int>(events[i].data.u64);
      char unused[256];
      if (ready != listener) {
        if (recv(ready, unused, sizeof(unused), MSG_DONTWAIT) <= 0)
          close(ready);
        continue;
      }
      auto client = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
      if (client >= 0)
        watch(poller, client, EPOLLIN, static_cast<uint64_t>(client),
              EPOLL_CTL_ADD);
    }
  }
}

/// Clients that open tunnels one after the other, on one thread.
class setups {
public:
  setups(uint16_t port, std::string target, size_t clients)
    : port_(port),
      request_(connect_request(target)),
      clients_(clients),
      poller_(must(epoll_create1(0), "epoll_create1")) {}

  int run(std::chrono::seconds time) {
    auto begin = std::chrono::steady_clock::now();
    for (size_t i = 0; i < clients_.size(); ++i)
      connect_one(i);
    epoll_event events[64];
    while (std::chrono::steady_clock::now() - begin < time) {
      auto n = epoll_wait(poller_, events, 64, 100);
      for (int i = 0; i < n; ++i)
        go_on(events[i].data.u64);
    }
    std::chrono::duration<double> took =
        std::chrono::steady_clock::now() - begin;
    std::printf("%.1f %zu\n", static_cast<double>(opened_) / took.count(),
                failed_);
    return 0;
  }

private:
  struct client {
    int socket = -1;
    bool asked = false;
    std::string head;
  };

  void connect_one(size_t i) {
    auto& x = clients_[i];
    x = {must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), "socket"),
         false,
         {}};
    auto address = loopback(port_);
    connect(x.socket, reinterpret_cast<sockaddr*>(&address), sizeof(address));
    watch(poller_, x.socket, EPOLLOUT, i, EPOLL_CTL_ADD);
  }

  void go_on(size_t i) {
    auto& x = clients_[i];
    if (!std::exchange(x.asked, true)) {
      if (send(x.socket, request_.data(), request_.size(), MSG_NOSIGNAL) < 0)
        return begin_again(i, false);
      watch(poller_, x.socket, EPOLLIN, i, EPOLL_CTL_MOD);
      return;
    }
    char piece[1024];
    auto n = recv(x.socket, piece, sizeof(piece), 0);
    if (n <= 0)
      return begin_again(i, false);
    x.head.append(piece, static_cast<size_t>(n));
    if (x.head.find("\r\n\r\n") != std::string::npos)
      begin_again(i, x.head.find(" 200 ") < 16);
  }

  void begin_again(size_t i, bool good) {
    ++(good ? opened_ : failed_);
    close(clients_[i].socket);
    connect_one(i);
  }

  uint16_t port_;
  std::string request_;
  std::vector<client> clients_;
  int poller_;
  size_t opened_ = 0;
  size_t failed_ = 0;
};

} // namespace

int main(int argc, char** argv) {
  std::string_view mode = argc > 1 ? argv[1] : "";
  if (mode == "source" && argc == 2)
    return run_source();
  if (mode == "sink" && (argc == 4 || argc == 5))
    return run_sink(static_cast<uint16_t>(std::atoi(argv[2])),
                    std::strtoull(argv[3], nullptr, 10),
                    argc == 5 ? argv[4] : "");
  if (mode == "doors" && argc == 2)
    return run_doors();
  if (mode == "setups" && argc == 6)
    return setups{static_cast<uint16_t>(std::atoi(argv[2])), argv[3],
                  static_cast<size_t>(std::atoi(argv[4]))}
        .run(std::chrono::seconds{std::atoi(argv[5])});
  std::fprintf(stderr, "usage: tunnel_load source\n"
                       "       tunnel_load sink PORT BYTES [TARGET]\n"
                       "       tunnel_load doors\n"
                       "       tunnel_load setups PORT TARGET CLIENTS "
                       "SECONDS\n");
  return 2;
}
