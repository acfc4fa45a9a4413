// oneDNN's functions, found when something is first trained or predicted: the
// library is large, and most of what the tool does has no use for it.
#ifndef PTH_ONEDNN_H
#define PTH_ONEDNN_H

// Python's headers set this too; both in one module graph must agree.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <oneapi/dnnl/dnnl.h>

#define PTH_ONEDNN_FUNCTIONS(FUNCTION)             \
  FUNCTION(convolution_backward_data_desc_init)    \
  FUNCTION(convolution_backward_weights_desc_init) \
  FUNCTION(convolution_forward_desc_init)          \
  FUNCTION(engine_create)                          \
  FUNCTION(engine_destroy)                         \
  FUNCTION(matmul_desc_init)                       \
  FUNCTION(memory_create)                          \
  FUNCTION(memory_desc_get_size)                   \
  FUNCTION(memory_desc_init_by_strides)            \
  FUNCTION(memory_desc_init_by_tag)                \
  FUNCTION(memory_destroy)                         \
  FUNCTION(memory_set_data_handle)                 \
  FUNCTION(post_ops_append_eltwise)                \
  FUNCTION(post_ops_create)                        \
  FUNCTION(post_ops_destroy)                       \
  FUNCTION(primitive_attr_create)                  \
  FUNCTION(primitive_attr_destroy)                 \
  FUNCTION(primitive_attr_set_post_ops)            \
  FUNCTION(primitive_attr_set_scratchpad_mode)     \
  FUNCTION(primitive_create)                       \
  FUNCTION(primitive_desc_create)                  \
  FUNCTION(primitive_desc_destroy)                 \
  FUNCTION(primitive_desc_query_md)                \
  FUNCTION(primitive_destroy)                      \
  FUNCTION(primitive_execute)                      \
  FUNCTION(reorder_primitive_desc_create)          \
  FUNCTION(stream_create)                          \
  FUNCTION(stream_destroy)

// A pointer to each, typed as in dnnl.h and named without `dnnl_`.
#define PTH_ONEDNN_MEMBER(name) __typeof__(dnnl_##name) *_Nonnull name;
typedef struct {
  PTH_ONEDNN_FUNCTIONS(PTH_ONEDNN_MEMBER)
  // Those of the OpenMP that oneDNN brought along, if it uses one.
  void (*_Nullable omp_set_num_threads)(int);
  int (*_Nullable omp_get_max_threads)(void);
} pth_onednn_functions;
#undef PTH_ONEDNN_MEMBER

// Loads the library whose header this was compiled with, for the rest of the
// process. Gives null and the loader's complaint where that fails. To be called
// by one thread at a time.
const pth_onednn_functions *_Nullable pth_onednn_load(
    const char *_Nullable *_Nonnull complaint);

#endif
