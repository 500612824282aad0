#pragma once

#include <filesystem>
#include <string>
#include <vector>

/// What the command line says about `peapod get` and `peapod put`, as plain
/// data: what they do stands in hosts/get.
namespace peapod {

/// Where a daemon listens that the system runs as a service (docs/CONFIG.md).
constexpr auto service_socket = "/run/peapod/control.sock";

/// How a command shows how far it is.
enum class progress_style {
  automatic, ///< lines that are drawn over on a terminal, else nothing
  bar,
  json, ///< one JSON object a line
  none,
};

/// What both commands need to reach servers.
struct line_options {
  std::filesystem::path socket; ///< control socket of the daemon
  /// That of another one, if nobody listens there; empty: there is none.
  std::filesystem::path other_socket;
  std::filesystem::path state_dir;  ///< where measured rates are kept
  bool direct = false;              ///< do without a daemon
  std::string ca_file;              ///< further authorities, PEM, or empty
  std::vector<std::string> headers; ///< `Name: value`
  progress_style progress = progress_style::automatic;
  std::string receipt; ///< where to write it, or empty
  unsigned tries = 5;  ///< of what may pass by itself
};

/// What `peapod get` is to download.
struct get_options {
  line_options line;
  std::vector<std::string> what; ///< URLs and Metalink files
  std::string list;              ///< file with more of them, `-`: stdin
  std::string output;            ///< name of the only file, or empty
  std::string folder;            ///< where files go, or empty
  std::string cookies;           ///< a Netscape cookie file, or empty
  std::string checksum;          ///< `sha-256=HEX`, or empty
  bool force = false;            ///< replace files that are there
  bool restart = false;          ///< begin anew what was interrupted
};

/// What `peapod put` is to upload.
struct put_options {
  line_options line;
  std::string file;
  std::string target;       ///< a URL, or `s3://bucket/key`
  std::string part_urls;    ///< file with presigned URLs, one a part, or empty
  std::string complete_url; ///< presigned, to complete the upload
  std::string abort_url;    ///< presigned, to give it up
  std::string protocol = "auto"; ///< `auto`, `s3`, `tus` or `put`
  uint64_t part_size = 0;        ///< bytes; 0: chosen by the size
  bool force = false;            ///< replace what is there instead of a receipt
};

} // namespace peapod
