#include "hosts/common/cli.hpp"
#include "hosts/common/daemon.hpp"
#include "hosts/common/demo.hpp"

int main(int argc, char** argv) {
  peapod::cli_hooks hooks;
  hooks.version = PEAPOD_VERSION;
  hooks.run_daemon = [](const peapod::settings& x) {
    return peapod::run_daemon(x, PEAPOD_VERSION);
  };
  hooks.run_demo = peapod::run_demo;
  return peapod::run_cli(argc, argv, hooks);
}
