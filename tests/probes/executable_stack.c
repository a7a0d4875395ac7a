// SPDX-License-Identifier: Apache-2.0
// Linked with -z execstack: the kernel gives it a stack that is writable and executable. Prints OPEN
// when code that it wrote there has run.
#include <stdio.h>
#include <string.h>

#if defined(__x86_64__)
static const unsigned char kCode[8] = {0xb8, 42, 0, 0, 0, 0xc3, 0x90, 0x90};  // return 42
#elif defined(__aarch64__)
static const unsigned char kCode[8] = {0x40, 0x05, 0x80, 0x52, 0xc0, 0x03, 0x5f, 0xd6};
#endif

int main(void) {
  unsigned char here[64] __attribute__((aligned(64)));
  void* code = here;
  int (*function)(void);
  memcpy(here, kCode, sizeof kCode);
  __builtin___clear_cache((char*)here, (char*)here + sizeof kCode);
  memcpy(&function, &code, sizeof function);
  puts(function() == 42 ? "OPEN" : "BLOCKED");
  return 0;
}
