/// Load for tunnels (relay.py) that costs next to nothing itself, so that the
/// relay in the middle is the limit: the source sends pages of a file without
/// a copy, the sink drops in the kernel what arrives. Linux only.
///
///     tunnel_load source              prints its port, sends to who connects
///     tunnel_load sink PORT BYTES [TARGET]
///
/// connects to PORT on loopback, asks for a tunnel to TARGET (host:port) if
/// there is one, takes BYTES and prints how many seconds they took.

#include <arpa/inet.h>
#include <csignal>
#include <netinet/in.h>
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

int run_source() {
  std::signal(SIGPIPE, SIG_IGN);
  auto file = file_of_zeros();
  auto listener = must(socket(AF_INET, SOCK_STREAM, 0), "socket");
  auto address = loopback(0);
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof(address);
  must(bind(listener, raw, size), "bind");
  must(listen(listener, 16), "listen");
  must(getsockname(listener, raw, &size), "getsockname");
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  while (true) {
    auto client = must(accept(listener, nullptr, nullptr), "accept");
    std::thread{send_endlessly, client, file}.detach();
  }
}

// -- sink ---------------------------------------------------------------------

/// CONNECT (RFC 9110, 9.3.6); the head ends with an empty line.
void ask_for_tunnel(int socket, const std::string& target) {
  auto request =
      "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n\r\n";
  must(send(socket, request.data(), request.size(), 0), "send");
  std::string head;
  for (char byte = 0; !head.ends_with("\r\n\r\n"); head += byte)
    if (recv(socket, &byte, 1, 0) != 1)
      give_up("no tunnel");
  if (!head.starts_with("HTTP/1.1 200")) {
    std::fprintf(stderr, "no tunnel: %s", head.c_str());
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
  if (!target.empty())
    ask_for_tunnel(socket, target);
  auto start = std::chrono::steady_clock::now();
  take(socket, bytes);
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::printf("%.6f\n", took.count());
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  std::string_view mode = argc > 1 ? argv[1] : "";
  if (mode == "source" && argc == 2)
    return run_source();
  if (mode == "sink" && (argc == 4 || argc == 5))
    return run_sink(static_cast<uint16_t>(std::atoi(argv[2])),
                    std::strtoull(argv[3], nullptr, 10),
                    argc == 5 ? argv[4] : "");
  std::fprintf(stderr, "usage: tunnel_load source\n"
                       "       tunnel_load sink PORT BYTES [TARGET]\n");
  return 2;
}
