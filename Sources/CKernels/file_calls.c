#if defined(__linux__)
#define _GNU_SOURCE
#endif
#include "file_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

ptrdiff_t pth_copy_file_range(int source, int64_t offset, int target,
                              size_t count) {
#if defined(__linux__)
  off_t from = (off_t)offset;
  return copy_file_range(source, &from, target, NULL, count, 0);
#else
  (void)source, (void)offset, (void)target, (void)count;
  errno = ENOSYS;
  return -1;
#endif
}

void pth_start_writeback(int file, int64_t offset, int64_t count) {
#if defined(__linux__)
  // A hint: whoever needs the bytes on the disk calls fsync all the same.
  (void)sync_file_range(file, offset, count, SYNC_FILE_RANGE_WRITE);
#else
  (void)file, (void)offset, (void)count;
#endif
}

int pth_swap_names(const char *first, const char *second) {
#if defined(__GLIBC__)
  return renameat2(AT_FDCWD, first, AT_FDCWD, second, RENAME_EXCHANGE);
#elif defined(__APPLE__)
  return renamex_np(first, second, RENAME_SWAP);
#else
  (void)first, (void)second;
  errno = ENOSYS;
  return -1;
#endif
}
