#include "hosts/linux/doctor_linux.hpp"

#include "hosts/linux/run_program_linux.hpp"

#ifdef PEAPOD_SYSTEM_BUS
#include "hosts/linux/metered_linux.hpp"
#endif

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>

#include <sys/timex.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace peapod {

namespace {

namespace fs = std::filesystem;

/// The words of a line.
std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in{line};
  std::vector<std::string> out;
  for (std::string word; in >> word;)
    out.push_back(word);
  return out;
}

template <class Take>
void each_line(const fs::path& file, Take take) {
  std::ifstream in{file};
  for (std::string line; std::getline(in, line);)
    take(words_of(line));
}

// -- routes and neighbours ----------------------------------------------------

/// An address as /proc/net/route writes it: hexadecimal, in the machine's
/// order, which is the other one.
std::string route_address(const std::string& hex) {
  auto bytes = from_hex(hex);
  if (bytes.size() != 4)
    return {};
  std::string out;
  for (auto i = bytes.rbegin(); i != bytes.rend(); ++i)
    out += (out.empty() ? "" : ".") + std::to_string(*i);
  return out == "0.0.0.0" ? "" : out;
}

/// Lines are interface, destination, gateway, flags, and others up to the mask,
/// the eighth.
std::vector<system_facts::route> ways_out() {
  std::vector<system_facts::route> out;
  each_line("/proc/net/route", [&](const std::vector<std::string>& x) {
    if (x.size() >= 8 && x[1] == "00000000" && x[7] == "00000000")
      out.push_back({x[0], route_address(x[2])});
  });
  return out;
}

/// Lines are address, type, flags, hardware address, mask, interface. Flag 2:
/// the hardware address is known.
std::vector<system_facts::neighbour> neighbours() {
  std::vector<system_facts::neighbour> out;
  each_line("/proc/net/arp", [&](const std::vector<std::string>& x) {
    if (x.size() >= 6 && x[0] != "IP")
      out.push_back(
          {x[0], x[5], (std::strtoul(x[2].c_str(), nullptr, 16) & 2) != 0});
  });
  return out;
}

/// Makes the kernel ask gateways for their hardware addresses, by a datagram
/// to the port of nothing (RFC 863).
void wake(const std::vector<system_facts::route>& routes) {
  namespace ip = boost::asio::ip;
  boost::asio::io_context io;
  for (auto& x : routes) {
    boost::system::error_code ec;
    auto gateway = ip::make_address_v4(x.gateway, ec);
    if (ec)
      continue;
    ip::udp::socket socket{io, ip::udp::v4()};
    socket.send_to(boost::asio::buffer("", 0), {gateway, 9}, 0, ec);
  }
}

/// Whether all gateways have answered, or will not.
bool are_known(const std::vector<system_facts::route>& routes,
               const std::vector<system_facts::neighbour>& around) {
  return std::ranges::all_of(routes, [&](auto& x) {
    return x.gateway.empty() || std::ranges::any_of(around, [&](auto& y) {
             return y.address == x.gateway && y.answers;
           });
  });
}

/// The neighbours, once gateways have had their time to answer.
std::vector<system_facts::neighbour>
neighbours_of(const std::vector<system_facts::route>& routes) {
  constexpr auto pause = std::chrono::milliseconds(20);
  auto out = neighbours();
  wake(routes);
  for (int i = 0; i < 20 && !are_known(routes, out); ++i) {
    std::this_thread::sleep_for(pause);
    out = neighbours();
  }
  return out;
}

/// A tunnel of a VPN; the modems that also speak bare IP are none.
bool is_tunnel(const fs::path& device) {
  std::error_code ec;
  if (fs::exists(device / "tun_flags", ec))
    return true;
  bool wireguard = false;
  each_line(device / "uevent", [&](const std::vector<std::string>& x) {
    wireguard = wireguard || (x.size() == 1 && x[0] == "DEVTYPE=wireguard");
  });
  // IP in IP, IPv6 in IPv4, GRE (if_arp.h), and PPP as of PPTP and L2TP.
  constexpr std::array<int, 6> types{768, 769, 776, 778, 823, 512};
  int type = 0;
  std::ifstream{device / "type"} >> type;
  return wireguard || std::ranges::find(types, type) != types.end();
}

std::vector<std::string> tunnels() {
  std::vector<std::string> out;
  std::error_code ec;
  fs::directory_iterator devices{"/sys/class/net", ec};
  for (; !ec && devices != fs::directory_iterator{}; devices.increment(ec))
    if (is_tunnel(devices->path()))
      out.push_back(devices->path().filename().string());
  return out;
}

// -- who has a port -----------------------------------------------------------

/// The sockets that a port belongs to, by the numbers of their inodes.
std::vector<std::string> sockets_at(const char* file, bool udp, uint16_t port) {
  std::vector<std::string> out;
  std::array<char, 8> ending{};
  std::snprintf(ending.data(), ending.size(), ":%04X", port);
  each_line(file, [&](const std::vector<std::string>& x) {
    constexpr auto listening = "0A";
    if (x.size() >= 10 && x[1].ends_with(ending.data())
        && (udp || x[3] == listening))
      out.push_back("socket:[" + x[9] + "]");
  });
  return out;
}

bool has_socket(const fs::path& process,
                const std::vector<std::string>& sockets) {
  std::error_code ec;
  fs::directory_iterator files{process / "fd", ec};
  for (; !ec && files != fs::directory_iterator{}; files.increment(ec)) {
    std::error_code gone;
    auto target = fs::read_symlink(files->path(), gone).string();
    if (std::ranges::find(sockets, target) != sockets.end())
      return true;
  }
  return false;
}

std::string holder_of(bool udp, uint16_t port) {
  std::vector<std::string> sockets;
  for (auto* file : {udp ? "/proc/net/udp" : "/proc/net/tcp",
                     udp ? "/proc/net/udp6" : "/proc/net/tcp6"})
    for (auto& x : sockets_at(file, udp, port))
      sockets.push_back(std::move(x));
  std::error_code ec;
  fs::directory_iterator all{"/proc", ec};
  for (; !ec && all != fs::directory_iterator{}; all.increment(ec)) {
    auto number = all->path().filename().string();
    if (number.find_first_not_of("0123456789") != std::string::npos
        || !has_socket(all->path(), sockets))
      continue;
    std::string name;
    std::getline(std::ifstream{all->path() / "comm"}, name);
    return name + " (process " + number + ")";
  }
  return sockets.empty() ? "" : "a program of another user";
}

// -- the packet filter --------------------------------------------------------

/// Runs a program of administrators, whose folder users may not have in PATH.
result<program_outcome> run_tool(std::vector<std::string> words) {
  auto out = run_program(words);
  if (out || out.error().code != errc::not_found)
    return out;
  words.front() = "/usr/sbin/" + words.front();
  return run_program(words);
}

void read_nft_rules(system_facts& out) {
  auto told = run_tool({"nft", "--json", "list", "ruleset"});
  if (!told) {
    out.no_rules = "its rules are not known: nft is not installed";
    return;
  }
  if (told->status != 0) {
    out.no_rules = ::geteuid() == 0
                       ? "its rules are not known: nft fails"
                       : "its rules are shown to root alone: sudo peapod "
                         "doctor";
    return;
  }
  if (auto rules = firewall_rules::parse(told->out))
    out.rules = std::move(*rules);
  else
    out.no_rules = "its rules are not known: there are too many of them, or "
                   "nft tells them in another way";
}

/// The tables of the kernel's old packet filter that are in use. Root alone may
/// read them.
std::vector<std::string> legacy_tables() {
  std::vector<std::string> out;
  each_line("/proc/net/ip_tables_names",
            [&](const std::vector<std::string>& x) {
              out.insert(out.end(), x.begin(), x.end());
            });
  return out;
}

/// The kernel asks the old packet filter beside nftables, and nft does not know
/// of it.
void read_legacy_rules(system_facts& out) {
  std::string tables;
  for (auto& x : legacy_tables())
    tables += (tables.empty() ? "" : ", ") + x;
  if (tables.empty())
    return;
  auto told = run_tool({"iptables-legacy-save"});
  auto rules = told && told->status == 0
                   ? firewall_rules::parse_legacy(told->out)
                   : result<firewall_rules>{make_error(errc::io_failed, "")};
  if (!rules) {
    out.no_rules += std::string{out.no_rules.empty() ? "" : "; "}
                    + "its rules of iptables-legacy (" + tables
                    + ") are not known: "
                    + (told ? "iptables-legacy-save tells them in another way"
                            : told.error().detail)
                    + "; sudo iptables-legacy -S shows them";
    return;
  }
  if (!out.rules)
    out.rules.emplace();
  out.rules->add(std::move(*rules));
}

void read_rules(system_facts& out) {
  read_nft_rules(out);
  read_legacy_rules(out);
}

// -- the line and the clock ---------------------------------------------------

std::optional<bool> ask_metered() {
  std::optional<bool> out;
#ifdef PEAPOD_SYSTEM_BUS
  boost::asio::io_context io;
  system_bus bus{io.get_executor()};
  follow_metered(bus, [&](std::optional<bool> x) {
    out = x;
    if (x)
      io.stop();
  });
  bus.start();
  io.run_for(std::chrono::milliseconds(500));
#endif
  return out;
}

std::optional<bool> is_clock_set() {
  timex x{};
  auto state = ::adjtimex(&x);
  return state < 0 ? std::nullopt : std::optional{state != TIME_ERROR};
}

system_facts examine_linux() {
  system_facts out;
  out.ways_out = ways_out();
  out.tunnels = tunnels();
  out.neighbours = neighbours_of(out.ways_out);
  read_rules(out);
  out.metered = ask_metered();
  out.clock_set = is_clock_set();
  return out;
}

} // namespace

system_probe linux_probe() {
  std::error_code ec;
  return {examine_linux, holder_of, fs::read_symlink("/proc/self/exe", ec)};
}

} // namespace peapod
