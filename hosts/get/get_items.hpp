#pragma once

#include "core/error.hpp"
#include "core/http_message.hpp"
#include "hosts/common/get_options.hpp"
#include "hosts/get/file_writer.hpp"
#include "hosts/get/get_exit.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace peapod {

/// One file that is to be downloaded.
struct get_item {
  std::vector<url> urls; ///< mirrors, the best first; at least one
  /// Value of that field for the first of them, or empty.
  std::string authorization;
  std::filesystem::path target;
  std::optional<uint64_t> size;
  std::vector<expected_digest> expected;
  bool is_metalink = false; ///< a Metalink, whose files are meant
  bool to_stdout = false;   ///< instead of into `target`
};

/// Everything that the options name. Errors: `bad_config` with the word that
/// is wrong.
result<std::vector<get_item>> read_items(const get_options& x);

/// The files of a Metalink on this machine. Errors: as `parse_metalink`, and
/// those of reading.
result<std::vector<get_item>> read_metalink(const std::filesystem::path& file,
                                            const get_options& x);

/// Of what a Metalink names that came over `https`, drops the mirrors that
/// anybody could change: those with `http` of files without a hash. An error
/// when a file has no other.
std::optional<get_failure> drop_unprotected(std::vector<get_item>& files);

/// A URL, and who asks for it.
struct item_url {
  url where;
  std::string authorization; ///< value of that field, or empty
};

/// A URL as people write it: without a scheme `https` is meant. Errors:
/// `bad_config`, without the user and the password in it.
result<item_url> parse_item_url(const std::string& text);

/// Whether what is downloaded goes to standard output.
bool is_to_stdout(const get_options& x);

/// The fields that `--header` asks for, and ours. Errors: `bad_config`.
result<http_fields> request_fields(const line_options& x,
                                   const std::string& version);

} // namespace peapod
