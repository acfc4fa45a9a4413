// Calls that Swift's C library module does not show. Where the system has none
// they do nothing, and say so.
#ifndef PTH_FILE_CALLS_H
#define PTH_FILE_CALLS_H

#include <stddef.h>
#include <stdint.h>

// Copies at most `count` bytes from `offset` of one file to the position of
// another, without passing them through memory of this process. The number of
// bytes copied; 0 at the source's end; -1 and errno where it can't be done.
ptrdiff_t pth_copy_file_range(int source, int64_t offset, int target,
                              size_t count);

// Asks for a part of a file to be written to the disk, and does not wait.
void pth_start_writeback(int file, int64_t offset, int64_t count);

// Gives each of two files or folders the other's name, at once. 0; or -1 and
// errno where the file system can't.
int pth_swap_names(const char *first, const char *second);

#endif
