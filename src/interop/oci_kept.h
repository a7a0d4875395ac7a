// SPDX-License-Identifier: Apache-2.0
// The seccomp profile that a policy was made of, kept at the end of the policy's file as a comment:
// names that this kernel does not have, comments, conditions, the listener. A policy does not use
// them, and a comment decides nothing; an export that finds the policy unchanged gives them back.
#pragma once

#include <string>
#include <string_view>

namespace sbx::interop {

// `file` is what read_oci takes. Of a config.json the profile alone. "" if it is too large to be
// kept.
std::string kept_comment(std::string_view file);

// The profile in the comment of a policy's text, or `text` itself if it is a profile; else "".
std::string kept_profile(std::string_view text);

// True if runc would read it otherwise than Docker: archMap, includes and excludes are not OCI's.
bool is_docker_dialect(std::string_view profile);

}  // namespace sbx::interop
