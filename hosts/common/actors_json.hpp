#pragma once

#include "actors/observation.hpp"
#include "core/types.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

/// What can be seen of actors, as docs/openapi.yaml says it.
namespace peapod {

/// The actors of one member of the pod.
struct pod_member {
  device_id id;
  std::string name;
  bool self = false;
  std::optional<std::string> error; ///< why its actors are not shown
  std::vector<actor_row> actors;
};

boost::json::object to_json(const message_record& x);
boost::json::object to_json(const actor_row& x);
boost::json::object to_json(const actor_page& x);
boost::json::object to_json(const crash_report& x);
boost::json::object to_json(const pod_event& x);
boost::json::object to_json(const pod_member& x);

/// Each of `xs`, in order.
template <class T>
boost::json::array to_json(const std::vector<T>& xs) {
  boost::json::array out;
  for (auto& x : xs)
    out.push_back(to_json(x));
  return out;
}

/// The supervision tree. An actor whose parent has gone hangs below the root;
/// null when there are no actors.
boost::json::value tree_json(const std::vector<actor_row>& rows);

} // namespace peapod
