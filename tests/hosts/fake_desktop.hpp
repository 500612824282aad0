#pragma once

#include "hosts/common/desktop_setting.hpp"

#include <string>
#include <utility>

namespace peapod {

/// A desktop whose setting is held in what outlives it, as in a real one.
class fake_desktop final : public desktop {
public:
  explicit fake_desktop(proxy_setting& held, std::string name = "GNOME",
                        bool refuses = false)
    : held_(held), name_(std::move(name)), refuses_(refuses) {}

  std::string name() const override {
    return name_;
  }
  std::string script_mode() const override {
    return "auto";
  }
  std::string direct_mode() const override {
    return "none";
  }
  result<proxy_setting> read() override {
    return held_;
  }
  result<void> write(const proxy_setting& x) override {
    if (refuses_)
      return make_error(errc::io_failed, "no bus");
    held_ = x;
    return {};
  }

private:
  proxy_setting& held_;
  std::string name_;
  bool refuses_;
};

} // namespace peapod
