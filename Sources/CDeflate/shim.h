#ifndef PTH_CDEFLATE_SHIM_H
#define PTH_CDEFLATE_SHIM_H
// Python's headers set this too; both in one module graph must agree.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <libdeflate.h>
#endif
