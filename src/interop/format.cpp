// SPDX-License-Identifier: Apache-2.0
#include "interop/format.h"

#include "interop/bwrap.h"
#include "interop/kubernetes.h"
#include "interop/firejail_profile.h"
#include "interop/oci_profile.h"
#include "interop/systemd_unit.h"

namespace sbx::interop {
namespace {

bool is_oci(std::string_view text, std::string_view) {
  return looks_like_oci(text);
}

// In the order in which they are tried.
constexpr Format kFormats[] = {
    {"oci", ".json", "seccomp profile of the OCI runtime specification (runc, crun), or a config.json",
     is_oci, import_oci, export_oci},
    {"docker", ".json", "Docker's dialect of it, with archMap and conditions", nullptr, import_oci,
     export_docker},
    {"kubernetes", "", "securityContext of a container, with the profile beside it", nullptr, nullptr,
     export_kubernetes},
    {"security-profiles-operator", "", "SeccompProfile object for a cluster", nullptr, nullptr,
     export_profiles_operator},
    {"bwrap", "", "script that calls bubblewrap, with the filter beside it", nullptr, nullptr,
     export_bwrap},
    {"firejail", ".profile", "profile of firejail", looks_like_firejail, import_firejail, nullptr},
    {"systemd", ".service", "service unit of systemd; written as a drop-in", looks_like_unit, import_unit, export_unit},
};

}  // namespace

std::span<const Format> formats() {
  return kFormats;
}

const Format* find_format(std::string_view name) {
  for (const Format& format : kFormats) {
    if (format.name == name) {
      return &format;
    }
  }
  return nullptr;
}

const Format* recognise(std::string_view text, std::string_view source) {
  for (const Format& format : kFormats) {
    if (format.recognise != nullptr && format.recognise(text, source)) {
      return &format;
    }
  }
  return nullptr;
}

}  // namespace sbx::interop
