#include "actors/ports.hpp"

namespace peapod {

std::string to_string(const endpoint& x) {
  bool is_v6 = x.address.find(':') != std::string::npos;
  return (is_v6 ? "[" + x.address + "]" : x.address) + ":"
         + std::to_string(x.port);
}

void http_server_stream::pass_response(response_head head,
                                       std::shared_ptr<http_exchange> origin,
                                       handler<relay_totals> done) {
  auto relay = [this, origin = std::move(origin),
                done = std::move(done)](const result<void>& written) {
    if (written)
      relay_response(origin, done);
    else
      done(written.error());
  };
  write_head(std::move(head), std::move(relay));
}

} // namespace peapod
