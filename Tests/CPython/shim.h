#ifndef PTH_CPYTHON_SHIM_H
#define PTH_CPYTHON_SHIM_H
// Python.h asks for more of the C library than Foundation's modules do, and
// the two would see different types. The first to include this header decides.
#include <sys/select.h>
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

// Macros and variadic functions don't come into Swift: what the tests need of
// them stands here.

/// Starts the interpreter as `program` would, without the user's environment
/// and without signal handlers. Returns NULL, or what went wrong.
static inline const char *pth_python_start(const char *program) {
  PyConfig config;
  PyConfig_InitIsolatedConfig(&config);
  PyStatus status = PyStatus_Ok();
  if (program != NULL) {
    status = PyConfig_SetBytesString(&config, &config.program_name, program);
  }
  if (!PyStatus_Exception(status)) {
    status = Py_InitializeFromConfig(&config);
  }
  PyConfig_Clear(&config);
  if (!PyStatus_Exception(status)) {
    return NULL;
  }
  return status.err_msg != NULL ? status.err_msg : "unknown reason";
}

static inline bool pth_python_is_bytes(PyObject *object) {
  return PyBytes_Check(object);
}

static inline bool pth_python_is_text(PyObject *object) {
  return PyUnicode_Check(object);
}

static inline void pth_python_release(PyObject *object) { Py_XDECREF(object); }
#endif
