// Writes what is made out of the table of commands and of the configuration's
// keys: manual pages and completions. Runs while the program is built.

#include "hosts/common/cli.hpp"
#include "hosts/common/completion_text.hpp"
#include "hosts/common/manual_text.hpp"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

namespace {

using namespace peapod;

std::string read(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

bool write(const std::filesystem::path& file, const std::string& text) {
  std::ofstream out{file, std::ios::binary};
  out << text;
  out.close();
  if (!out)
    std::cerr << "cannot write " << file << '\n';
  return static_cast<bool>(out);
}

bool write_all(const std::filesystem::path& folder, const std::string& pod_ini,
               const manual_title& title) {
  auto program = describe_program();
  auto keys = setting_names();
  auto complete = [&](completion_shell shell) {
    return completion_text(shell, program, keys);
  };
  std::filesystem::create_directories(folder);
  return write(folder / "peapod.1", program_manual(program, title))
         && write(folder / "pod.ini.5", config_manual(pod_ini, title))
         && write(folder / "peapod.bash", complete(completion_shell::bash))
         && write(folder / "_peapod", complete(completion_shell::zsh))
         && write(folder / "peapod.fish", complete(completion_shell::fish));
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "usage: peapod_manual FOLDER pod.ini DATE VERSION\n";
    return exit_usage;
  }
  auto pod_ini = read(argv[2]);
  return !pod_ini.empty() && write_all(argv[1], pod_ini, {argv[3], argv[4]})
             ? exit_ok
             : exit_failure;
}
