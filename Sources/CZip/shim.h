#ifndef PTH_CZIP_SHIM_H
#define PTH_CZIP_SHIM_H
// zip.h wants types from sys/types.h alone, but that brings in fd_set, whose
// field has another name in a module that is built with _GNU_SOURCE (Python's)
// than in one that is not (Swift's own Glibc). So this module leaves it out.
#pragma push_macro("_SYS_SELECT_H")
#define _SYS_SELECT_H 1
#include <zip.h>
#pragma pop_macro("_SYS_SELECT_H")

// Function-like macros that Swift does not import.

/// What a source that is read from front to back answers to.
static inline zip_int64_t pth_zip_readable_commands(void) {
  return ZIP_SOURCE_SUPPORTS_READABLE |
         ZIP_SOURCE_MAKE_COMMAND_BITMASK(ZIP_SOURCE_SUPPORTS);
}

/// What a source that an archive is written to answers to.
static inline zip_int64_t pth_zip_writable_commands(void) {
  return ZIP_SOURCE_SUPPORTS_WRITABLE;
}
#endif
