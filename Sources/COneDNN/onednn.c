#include "onednn.h"

#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

// An interface has its major version: another one has other functions.
#ifdef __APPLE__
#define FILE_NAME "libdnnl." TEXT(DNNL_VERSION_MAJOR) ".dylib"
// The loader does not look where Homebrew puts libraries.
static const char *const places[] = {FILE_NAME, "/opt/homebrew/lib/" FILE_NAME,
                                     "/usr/local/lib/" FILE_NAME};
#else
static const char *const places[] = {"libdnnl.so." TEXT(DNNL_VERSION_MAJOR)};
#endif

const pth_onednn_functions *pth_onednn_load(const char **complaint) {
  static pth_onednn_functions functions;
  void *library = NULL;
  for (size_t i = 0; i < sizeof places / sizeof *places && !library; i++)
    library = dlopen(places[i], RTLD_NOW | RTLD_LOCAL);
  *complaint = library ? NULL : dlerror();
  if (!library) return NULL;
#define FIND(name)                                               \
  {                                                              \
    void *found = dlsym(library, "dnnl_" #name);                 \
    if (!found) {                                                \
      *complaint = dlerror();                                    \
      return NULL;                                               \
    }                                                            \
    functions.name = (__typeof__(functions.name))(uintptr_t)found; \
  }
  PTH_ONEDNN_FUNCTIONS(FIND)
#undef FIND
  functions.omp_set_num_threads =
      (void (*)(int))(uintptr_t)dlsym(library, "omp_set_num_threads");
  functions.omp_get_max_threads =
      (int (*)(void))(uintptr_t)dlsym(library, "omp_get_max_threads");
  return &functions;
}
