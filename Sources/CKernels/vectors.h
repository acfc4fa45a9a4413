// Vectors of eight floats, and the choice between AVX2 and portable code.
#ifndef PTH_VECTORS_H
#define PTH_VECTORS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "kernels.h"

typedef float v8f __attribute__((vector_size(32)));
typedef int32_t v8i __attribute__((vector_size(32)));
typedef double v8d __attribute__((vector_size(64)));
typedef uint8_t v8b __attribute__((vector_size(8)));

#define PTH_INLINE static inline __attribute__((always_inline))

// A body is written once. It is inlined into a function compiled for AVX2 and
// FMA and into one for the baseline, and the processor decides at run time.
#if defined(__x86_64__)
#define PTH_KERNEL(type, name, parameters, arguments)                         \
  __attribute__((target("avx2,fma"))) static type name##_avx2 parameters {    \
    return name##_body arguments;                                             \
  }                                                                           \
  type pth_portable_##name parameters { return name##_body arguments; }       \
  type pth_##name parameters {                                                \
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))      \
      return name##_avx2 arguments;                                           \
    return pth_portable_##name arguments;                                     \
  }
#else
#define PTH_KERNEL(type, name, parameters, arguments)                         \
  type pth_portable_##name parameters { return name##_body arguments; }       \
  type pth_##name parameters { return pth_portable_##name arguments; }
#endif

// Macros, for a function that returns a vector has another ABI with AVX.
#define LOAD(pointer)                                                         \
  ({                                                                          \
    v8f loaded_;                                                              \
    memcpy(&loaded_, (pointer), sizeof loaded_);                              \
    loaded_;                                                                  \
  })
#define STORE(pointer, value)                                                 \
  do {                                                                        \
    v8f stored_ = (value);                                                    \
    memcpy((pointer), &stored_, sizeof stored_);                              \
  } while (0)
#define FILL(x) ((v8f){(x), (x), (x), (x), (x), (x), (x), (x)})
// Where mask (all ones or zeros a lane) is set a, elsewhere b.
#define SELECT(mask, a, b) ((v8f)(((mask) & (v8i)(a)) | (~(mask) & (v8i)(b))))

// Adds the eight lanes of a float vector to eight doubles.
#define ADD_TO_DOUBLES(pointer, value)                                        \
  do {                                                                        \
    v8f floats_ = (value);                                                    \
    double *doubles_ = (pointer);                                             \
    for (int lane_ = 0; lane_ < 8; lane_++)                                   \
      doubles_[lane_] += (double)floats_[lane_];                              \
  } while (0)

#endif
