#include "hosts/common/demo.hpp"

#include <iostream>

namespace peapod {

int run_demo(const demo_options&) {
  std::cerr << "no demo\n";
  return 1;
}

} // namespace peapod
