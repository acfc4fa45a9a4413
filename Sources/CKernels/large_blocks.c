#include "large_blocks.h"

#if defined(__linux__)
#include <malloc.h>
#endif

void pth_give_back_large_blocks(void) {
#if defined(M_MMAP_THRESHOLD)
  (void)mallopt(M_MMAP_THRESHOLD, 4 << 20);
  // With the first set glibc gives the heap's end back at every 128 KiB, and
  // takes it again; this much it would keep by itself.
  (void)mallopt(M_TRIM_THRESHOLD, 8 << 20);
#endif
}
