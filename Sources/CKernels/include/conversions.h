// Conversions between the floating-point types of PyTorch, as its CPU kernels
// give them bit for bit. Pointers need no alignment; source and target must
// not overlap.
#ifndef PTH_CONVERSIONS_H
#define PTH_CONVERSIONS_H

#include <stddef.h>
#include <stdint.h>

// The small float types, for pth_widen and pth_narrow.
typedef enum {
  PTH_FLOAT16,
  PTH_BFLOAT16,
  PTH_FLOAT8_E4M3FN,
  PTH_FLOAT8_E4M3FNUZ,
  PTH_FLOAT8_E5M2,
  PTH_FLOAT8_E5M2FNUZ,
  PTH_FLOAT8_E8M0FNU,
  // bfloat16 with a NaN of 0x7fc0: PyTorch's vectors, which convert float32
  // alone, make it 0xffff.
  PTH_BFLOAT16_PLAIN_NAN,
} pth_small_float;

// Whether the vector versions run on this machine.
int pth_has_vector_conversions(void);

// Widens `count` small floats to float32, exactly. `vector` 0 forces the
// portable version.
void pth_widen(pth_small_float type, const void *source, void *target,
               size_t count, int vector);

// Rounds `count` float32 to small floats, to nearest, ties to even.
void pth_narrow(pth_small_float type, const void *source, void *target,
                size_t count, int vector);

// Between float32 and float64.
void pth_float_to_double(const void *source, void *target, size_t count);
void pth_double_to_float(const void *source, void *target, size_t count);

#endif
