#ifndef PTH_LARGE_BLOCKS_H
#define PTH_LARGE_BLOCKS_H

// Has blocks of 4 MiB and more given back to the system when they are freed.
// glibc by itself keeps all up to the largest that was freed before, and lists
// that grow leave the memory of each of their sizes behind.
void pth_give_back_large_blocks(void);

#endif
