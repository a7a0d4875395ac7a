// SPDX-License-Identifier: Apache-2.0
// Our own walk against the kernel's (openat2(2) with RESOLVE_IN_ROOT), over the same tree.
#include "sys/open_in_root.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>

#include "sys/unique_fd.h"

using namespace sbx;

namespace {

int by_kernel(int root, const char* path) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT;
  const long fd = ::syscall(SYS_openat2, root, path, &how, sizeof how);
  return fd < 0 ? -errno : static_cast<int>(fd);
}

// Inode and device, or the errno.
std::string what_is(int fd) {
  const sys::UniqueFd owned(fd);
  struct stat found {};
  if (fd < 0 || ::fstat(fd, &found) != 0) {
    return "errno " + std::to_string(-fd);
  }
  return std::to_string(found.st_dev) + ":" + std::to_string(found.st_ino);
}

}  // namespace

TEST_CASE("open in root: a path leads where the kernel would lead it, and never out",
          "[open-in-root]") {
  namespace fs = std::filesystem;
  std::string pattern = "/tmp/sbx-open-in-root-XXXXXX";
  REQUIRE(::mkdtemp(pattern.data()) != nullptr);
  const fs::path base = pattern;
  fs::create_directories(base / "root/a/b");
  std::ofstream(base / "secret") << "outside";
  std::ofstream(base / "root/a/file") << "inside";
  fs::create_symlink("file", base / "root/a/relative");
  fs::create_symlink("/a/file", base / "root/a/b/absolute");
  fs::create_symlink("../../../../secret", base / "root/a/b/climbs");
  fs::create_symlink((base / "secret").string(), base / "root/a/b/names-it");
  fs::create_symlink("loop", base / "root/loop");
  fs::create_symlink("a/b", base / "root/directory");
  const sys::UniqueFd root(::open((base / "root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (const char* path : {"/a/file",
                           "a//./file",
                           "/a/b/../file",
                           "../../a/file",
                           "/a/relative",
                           "/a/b/absolute",
                           "/a/b/climbs",
                           "/a/b/names-it",
                           "/loop",
                           "/directory/absolute",
                           "directory/../file",
                           "/directory/",
                           "/a/file/",
                           "/a/file/x",
                           "/a/file/..",
                           "/none",
                           "/",
                           ".",
                           "..",
                           "",
                           "a/relative/"}) {
    CAPTURE(path);
    CHECK(what_is(sys::open_path_in_root(root.get(), path)) ==
          what_is(by_kernel(root.get(), path)));
  }
  const std::string deep(3000, 'x');
  CHECK(sys::open_path_in_root(root.get(), deep.c_str()) == -ENAMETOOLONG);
  fs::remove_all(base);
}
