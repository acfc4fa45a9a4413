#ifndef PTH_CPYTHON_SHIM_H
#define PTH_CPYTHON_SHIM_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#endif
