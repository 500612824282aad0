#include "actors/self_description.hpp"

#include <cereal/archives/json.hpp>

#include <sstream>

namespace peapod {

std::string
json_of(const std::function<void(cereal::JSONOutputArchive&)>& write) {
  std::ostringstream out;
  {
    cereal::JSONOutputArchive archive{
        out, cereal::JSONOutputArchive::Options::NoIndent()};
    write(archive);
  } // the archive writes its end when it goes
  return out.str();
}

} // namespace peapod
