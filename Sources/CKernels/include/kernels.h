#ifndef PTH_KERNELS_H
#define PTH_KERNELS_H
#endif
