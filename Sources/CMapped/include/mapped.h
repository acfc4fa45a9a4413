// What happens when a mapped file is shortened by another process and a page
// past its new end is read: the system sends SIGBUS.
#ifndef PTH_MAPPED_H
#define PTH_MAPPED_H

#include <stddef.h>

// From now on such a read ends the process with `status`, after the message
// `prefix`, the file's path and `text` on standard error. Other faults stay
// what they were. Call it once, before files are mapped.
void pth_end_on_shortened_file(const char *prefix, const char *text,
                               int status);

// Tells of a mapped file. Does nothing before pth_end_on_shortened_file.
void pth_mapped(const void *base, size_t count, const char *path);

// Tells that a file is going to be unmapped.
void pth_unmapped(const void *base);

#endif
