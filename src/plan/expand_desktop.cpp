// SPDX-License-Identifier: Apache-2.0
// [desktop]: the sockets and devices of a graphical session, one by one, with the variables by which
// programs find them. Each becomes an entry of the file system's own lists.
#include <fmt/format.h>

#include "base/path.h"
#include "plan/expand.h"

namespace sbx::plan {
namespace {

using policy::Key;
constexpr int kAfterFiles = 1 << 19;  // above every file's layer

class Desktop {
 public:
  Desktop(const policy::Policy& policy, const HostFacts& facts, const Probes& probes)
      : policy_(policy), facts_(facts), probes_(probes) {}

  Result<policy::Policy> grant() {
    for (const auto& [key, wish] : policy_.desktop) {
      const Status granted = grant(key, wish);
      if (!granted && wish.value != "optional") {
        return granted.error();
      }
    }
    return std::move(policy_);
  }

 private:
  Status grant(Key key, const policy::Text& wish) {
    switch (key) {
      case Key::DesktopX11:
        return grant_x11(wish.origin);
      case Key::DesktopWayland:
        return grant_wayland(wish.origin);
      case Key::DesktopAudio:
        return grant_audio(wish.origin);
      default:
        return grant_gpu(wish.origin);
    }
  }

  std::string variable(const std::string& name) const {
    const auto found = facts_.environment.find(name);
    return found == facts_.environment.end() ? "" : found->second;
  }

  bool is_there(const std::string& path) const {
    return probes_.path(path).kind != PathFacts::Kind::Missing;
  }

  void show(std::vector<policy::LayeredPath>& list, const std::string& path, const Origin& origin) {
    list.push_back({{path, "", false, origin}, kAfterFiles});
  }

  void set(const std::string& name, const std::string& value, const Origin& origin) {
    policy_.env_set.emplace(name, policy::Text{value, origin});  // the policy's own value stays
  }

  static Error missing(std::string_view what, const Origin& origin) {
    return Error{fmt::format("cannot grant desktop.{}", what), 0, origin,
                 "start sbx within the graphical session, or write \"optional\""};
  }

  // A socket of XDG_RUNTIME_DIR, which inside holds nothing else.
  bool show_of_session(const std::string& name, const Origin& origin) {
    const std::string directory = variable("XDG_RUNTIME_DIR");
    const std::string path = path::is_absolute(name) ? name : path::join(directory, name);
    if (name.empty() || !path::is_absolute(path) || !is_there(path)) {
      return false;
    }
    if (path::is_absolute(directory)) {
      show(policy_.tmpfs, directory, origin);
      set("XDG_RUNTIME_DIR", directory, origin);
    }
    show(policy_.read, path, origin);
    return true;
  }

  // ":1", ":1.0" or "unix:1"; a display of another host needs network.mode = "host".
  Status grant_x11(const Origin& origin) {
    std::string display = variable("DISPLAY");
    const std::size_t colon = display.rfind(':');
    const std::string host = display.substr(0, colon == std::string::npos ? 0 : colon);
    if (colon == std::string::npos || (!host.empty() && host != "unix")) {
      return missing("x11: DISPLAY names no display of this host", origin);
    }
    const std::string number = display.substr(colon + 1, display.find('.', colon) - colon - 1);
    const std::string socket = "/tmp/.X11-unix/X" + number;
    if (number.empty() || number.find_first_not_of("0123456789") != std::string::npos || !is_there(socket)) {
      return missing("x11: there is no socket " + socket, origin);
    }
    show(policy_.read, socket, origin);
    set("DISPLAY", display, origin);
    const std::string chosen = variable("XAUTHORITY");
    const std::string cookies = chosen.empty() ? path::join(facts_.home, ".Xauthority") : chosen;
    if (path::is_absolute(cookies) && is_there(cookies)) {
      show(policy_.read, cookies, origin);
      set("XAUTHORITY", cookies, origin);
      // Cookies of a local display stand under the host's name (Xau(3)).
      if (policy_.hostname.origin.line == 0 && !facts_.hostname.empty()) {
        policy_.hostname = {facts_.hostname, origin};
      }
    }
    return {};
  }

  Status grant_wayland(const Origin& origin) {
    const std::string chosen = variable("WAYLAND_DISPLAY");
    const std::string name = chosen.empty() ? "wayland-0" : chosen;
    if (!show_of_session(name, origin)) {
      return missing("wayland: there is no socket " + name + " in XDG_RUNTIME_DIR", origin);
    }
    set("WAYLAND_DISPLAY", name, origin);
    return {};
  }

  Status grant_audio(const Origin& origin) {
    const bool pipewire = show_of_session("pipewire-0", origin);
    const bool pulse = show_of_session("pulse/native", origin);
    if (!pipewire && !pulse) {
      return missing("audio: there is neither pipewire-0 nor pulse/native in XDG_RUNTIME_DIR", origin);
    }
    return {};
  }

  // The devices, and what Mesa reads to find the driver for one.
  Status grant_gpu(const Origin& origin) {
    bool any = false;
    for (const char* device : {"/dev/dri", "/dev/kfd", "/dev/nvidia0", "/dev/nvidiactl",
                               "/dev/nvidia-modeset", "/dev/nvidia-uvm"}) {
      if (is_there(device)) {
        show(policy_.dev, device, origin);
        any = true;
      }
    }
    if (!any) {
      return missing("gpu: there is no /dev/dri and no other graphics device", origin);
    }
    for (const char* directory : {"/sys/dev/char", "/sys/devices", "/sys/bus/pci", "/sys/class/drm"}) {
      if (is_there(directory)) {
        show(policy_.read, directory, origin);
      }
    }
    return {};
  }

  policy::Policy policy_;
  const HostFacts& facts_;
  const Probes& probes_;
};

}  // namespace

Result<policy::Policy> expand_desktop(const policy::Policy& policy, const HostFacts& facts,
                                      const Probes& probes) {
  return Desktop(policy, facts, probes).grant();
}

}  // namespace sbx::plan
