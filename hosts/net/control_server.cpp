#include "hosts/net/control_server.hpp"

#include "hosts/net/control_connection.hpp"
#include "hosts/net/socket_address.hpp"

#include <boost/asio/steady_timer.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace peapod::net {

namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using boost::system::error_code;
using protocol = control_socket;

/// How long to wait for descriptors or memory to become free again.
constexpr auto scarcity_pause = std::chrono::milliseconds(100);

// -- the socket file ----------------------------------------------------------

/// Tells whether a file is still the one that was made by us.
struct file_identity {
  dev_t device = 0;
  ino_t inode = 0;

  static file_identity of(const fs::path& path) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0)
      return {};
    return {info.st_dev, info.st_ino};
  }

  bool operator==(const file_identity&) const = default;
};

/// Whether a daemon answers at `path`. One that is too busy to take another
/// connection counts as alive.
bool answers(const asio::any_io_executor& executor, const fs::path& path) {
  protocol::socket probe{executor};
  error_code ec;
  probe.open(protocol{}, ec);
  probe.non_blocking(true, ec);
  probe.connect(protocol::endpoint{path.string()}, ec);
  return !ec || ec == asio::error::would_block || ec == asio::error::try_again;
}

result<void> remove_stale(const asio::any_io_executor& executor,
                          const fs::path& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0)
    return {};
  if (!S_ISSOCK(info.st_mode))
    return make_error(errc::bad_config,
                      path.string()
                          + " is not a socket: remove it, or set [console] "
                            "socket");
  if (answers(executor, path))
    return make_error(errc::address_in_use,
                      path.string()
                          + " is taken: another peapod runs, or set [console] "
                            "socket");
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return make_error(errc::permission_denied,
                      path.string() + " is left over and cannot be removed: "
                          + std::strerror(errno));
  return {};
}

/// Gives a file to the members of a group, too.
result<void> give_to(const fs::path& path, std::optional<group_number> group,
                     mode_t mode) {
  if (!group)
    return {};
  // A service's filter of system calls may not let it change the owner.
  struct stat info {};
  bool is_theirs = ::lstat(path.c_str(), &info) == 0 && info.st_gid == *group;
  if ((is_theirs || ::chown(path.c_str(), static_cast<uid_t>(-1), *group) == 0)
      && ::chmod(path.c_str(), mode) == 0)
    return {};
  return make_error(errc::permission_denied,
                    path.string()
                        + " cannot be given to the group of "
                          "[console] group: "
                        + std::strerror(errno)
                        + "; the daemon's user has to be a member");
}

result<void> make_folder(const fs::path& folder,
                         std::optional<group_number> group) {
  std::error_code ec;
  if (folder.empty() || fs::is_directory(folder, ec))
    return {};
  fs::create_directories(folder.parent_path(), ec);
  if (::mkdir(folder.c_str(), 0700) == 0)
    return give_to(folder, group, 0750);
  if (errno == EEXIST)
    return {};
  return make_error(errc::io_failed,
                    folder.string() + " cannot be made: " + std::strerror(errno)
                        + "; set [console] socket");
}

result<protocol::acceptor> listen_at(const asio::any_io_executor& executor,
                                     const fs::path& path,
                                     std::optional<group_number> group) {
  protocol::acceptor acceptor{executor};
  error_code ec;
  acceptor.open(protocol{}, ec);
  // The mode of the socket becomes that of the file: never open to others, not
  // even until the next line.
  if (!ec && ::fchmod(acceptor.native_handle(), 0600) != 0)
    ec.assign(errno, boost::system::system_category());
  if (!ec)
    acceptor.bind(protocol::endpoint{path.string()}, ec);
  if (!ec && ::chmod(path.c_str(), 0600) != 0)
    ec.assign(errno, boost::system::system_category());
  if (!ec)
    acceptor.listen(asio::socket_base::max_listen_connections, ec);
  if (ec)
    return make_error(code_of(ec), "cannot listen at " + path.string() + ": "
                                       + ec.message()
                                       + "; check [console] socket");
  if (auto given = give_to(path, group, 0660); !given) {
    ::unlink(path.c_str());
    return given.error();
  }
  return acceptor;
}

// -- who may use it -----------------------------------------------------------

/// What somebody may do who has connected.
enum class standing { owner, member, stranger };

standing standing_of(const result<peer_user>& who,
                     std::optional<group_number> group) {
  if (!who)
    return standing::stranger;
  if (who->user == 0 || who->user == ::geteuid())
    return standing::owner;
  return group && who->is_in(*group) ? standing::member : standing::stranger;
}

void turn_away(control_request, control_reply reply) {
  reply({403, "application/json",
         "{\"error\":\"this user may not use the control socket: only root, "
         "the user of the daemon and the members of [console] group may\"}\n"});
}

// -- the server ---------------------------------------------------------------

/// The listening socket and its connections.
class control_listener : public std::enable_shared_from_this<control_listener> {
public:
  control_listener(protocol::acceptor acceptor, fs::path path,
                   control_handler handler, control_limits limits,
                   std::optional<group_number> group)
    : acceptor_(std::move(acceptor)),
      timer_(acceptor_.get_executor()),
      path_(std::move(path)),
      file_(file_identity::of(path_)),
      handler_(std::move(handler)),
      limits_(limits),
      group_(group) {}

  void accept() {
    acceptor_.async_accept(
        [self = shared_from_this()](error_code ec, protocol::socket socket) {
          self->accepted(ec, std::move(socket));
        });
  }

  void close() {
    error_code ignored;
    acceptor_.close(ignored);
    timer_.cancel();
    for (auto& entry : connections_)
      if (auto connection = entry.where.lock())
        connection->close();
    if (file_ == file_identity::of(path_))
      ::unlink(path_.c_str());
  }

private:
  void accepted(error_code ec, protocol::socket socket) {
    if (!acceptor_.is_open())
      return;
    if (ec && code_of(ec) == errc::limit_reached)
      return pause();
    std::erase_if(connections_,
                  [](auto& entry) { return entry.where.expired(); });
    // One too many is closed by dropping its socket.
    if (!ec)
      serve(std::move(socket));
    accept();
  }

  void serve(protocol::socket socket) {
    auto who = standing_of(user_behind(socket.native_handle()), group_);
    bool is_owner = who == standing::owner;
    if (!has_room(is_owner))
      return;
    auto one = std::make_shared<control_connection>(
        std::move(socket), who == standing::stranger ? turn_away : handler_,
        limits_, streams_);
    connections_.push_back({one, is_owner});
    one->read();
  }

  /// Members of the group cannot lock the owner out.
  bool has_room(bool is_owner) const {
    auto others = static_cast<size_t>(
        std::ranges::count(connections_, false, &entry::is_owner));
    return connections_.size() < limits_.connections
           && (is_owner || others < limits_.of_group);
  }

  void pause() {
    timer_.expires_after(scarcity_pause);
    timer_.async_wait([self = shared_from_this()](error_code) {
      if (self->acceptor_.is_open())
        self->accept();
    });
  }

  struct entry {
    std::weak_ptr<control_connection> where;
    bool is_owner = false; ///< or root
  };

  protocol::acceptor acceptor_;
  asio::steady_timer timer_;
  fs::path path_;
  file_identity file_;
  control_handler handler_;
  control_limits limits_;
  std::optional<group_number> group_;
  std::shared_ptr<size_t> streams_ = std::make_shared<size_t>(0);
  std::vector<entry> connections_;
};

/// Closes the server when the owner lets go of it.
class unix_control_server : public control_server {
public:
  explicit unix_control_server(std::shared_ptr<control_listener> listener)
    : listener_(std::move(listener)) {}

  ~unix_control_server() override {
    listener_->close();
  }

private:
  std::shared_ptr<control_listener> listener_;
};

/// `sun_path` of Linux has 108 bytes with the final zero; others have less.
constexpr size_t max_path = sizeof(sockaddr_un::sun_path) - 1;

} // namespace

result<std::unique_ptr<control_server>>
control_server::open(asio::any_io_executor executor, fs::path path,
                     control_handler handler, control_limits limits,
                     std::optional<group_number> group) {
  if (path.empty() || path.string().size() > max_path)
    return make_error(errc::bad_config,
                      "[console] socket: expected a path of 1 to "
                          + std::to_string(max_path) + " bytes, not \""
                          + path.string() + "\"");
  if (auto ok = make_folder(path.parent_path(), group); !ok)
    return ok.error();
  if (auto ok = remove_stale(executor, path); !ok)
    return ok.error();
  auto acceptor = listen_at(executor, path, group);
  if (!acceptor)
    return acceptor.error();
  auto listener = std::make_shared<control_listener>(
      std::move(*acceptor), std::move(path), std::move(handler), limits, group);
  listener->accept();
  return std::unique_ptr<control_server>(
      std::make_unique<unix_control_server>(std::move(listener)));
}

} // namespace peapod::net
