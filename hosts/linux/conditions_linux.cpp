#include "hosts/linux/conditions_linux.hpp"

#include "hosts/linux/metered_linux.hpp"
#include "hosts/linux/power_linux.hpp"

#include <utility>

namespace peapod {

namespace {

class conditions_watch {
public:
  conditions_watch(const boost::asio::any_io_executor& executor,
                   std::function<void(const device_conditions&)> tell)
    : tell_(std::move(tell)), bus_(executor) {
    follow_metered(bus_, [this](std::optional<bool> x) {
      now_.metered = x;
      tell_news();
    });
    follow_power(
        bus_,
        [this](std::optional<bool> x) {
          now_.on_battery = x;
          tell_news();
        },
        [this](const battery_state& x) {
          now_.discharging = x.discharging;
          now_.battery = x.percent;
          tell_news();
        });
    bus_.start();
  }

private:
  void tell_news() {
    if (now_ == told_)
      return;
    told_ = now_;
    tell_(now_);
  }

  std::function<void(const device_conditions&)> tell_;
  device_conditions now_;
  device_conditions told_;
  system_bus bus_;
};

} // namespace

std::shared_ptr<void>
watch_conditions(const boost::asio::any_io_executor& executor,
                 std::function<void(const device_conditions&)> tell) {
  return std::make_shared<conditions_watch>(executor, std::move(tell));
}

} // namespace peapod
