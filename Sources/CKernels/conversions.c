// Rounding by integer arithmetic: see IEEE 754-2019, 4.3.1, for ties to even,
// and for the 8-bit types "FP8 Formats for Deep Learning" (arXiv:2209.05433)
// and "8-bit Numerical Formats for Deep Neural Networks" (arXiv:2206.02915).
#include "conversions.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define PTH_VECTOR __attribute__((target("avx2,f16c,fma")))
#endif
#define PTH_INLINE static inline __attribute__((always_inline))

typedef float loose_float __attribute__((aligned(1)));
typedef double loose_double __attribute__((aligned(1)));
typedef uint16_t loose_u16 __attribute__((aligned(1)));
typedef uint32_t loose_u32 __attribute__((aligned(1)));

PTH_INLINE uint32_t bits_of(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  return bits;
}

PTH_INLINE float float_of(uint32_t bits) {
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

// A format's numbers: bits of mantissa, the exponent's bias, the code of the
// largest finite value, and the codes that a larger value and a NaN become.
typedef struct {
  int mantissa;
  int bias;
  uint32_t largest;
  uint32_t overflow;
  uint32_t nan;
  int sign_shift;  // from bit 31 to the format's sign
  int has_negative_zero;
} small_format;

static const small_format half_format = {10, 15, 0x7bff, 0x7c00, 0x7e00, 16, 1};
// PyTorch lets what is too large for this type become the largest value.
static const small_format e4m3fn_format = {3, 7, 0x7e, 0x7e, 0x7f, 24, 1};
static const small_format e4m3fnuz_format = {3, 8, 0x7f, 0x80, 0x80, 24, 0};
static const small_format e5m2_format = {2, 15, 0x7b, 0x7c, 0x7f, 24, 1};
static const small_format e5m2fnuz_format = {2, 16, 0x7f, 0x80, 0x80, 24, 0};

PTH_INLINE uint32_t round_to(small_format format, uint32_t bits) {
  uint32_t magnitude = bits & 0x7fffffff;
  uint32_t sign = (bits >> 31) << (31 - format.sign_shift);
  int dropped = 23 - format.mantissa;
  // Below the least normal number the code counts steps of one size: adding a
  // power of two with that step as its last bit rounds to it.
  uint32_t magic = (uint32_t)(127 + 1 - format.bias + dropped) << 23;
  uint32_t tiny = bits_of(float_of(magnitude) + float_of(magic)) - magic;
  uint32_t odd = (magnitude >> dropped) & 1;
  uint32_t normal = ((magnitude + ((1u << (dropped - 1)) - 1) + odd) >> dropped) -
                    ((uint32_t)(127 - format.bias) << format.mantissa);
  uint32_t least = (uint32_t)(127 + 1 - format.bias) << 23;
  uint32_t code = magnitude < least ? tiny : normal;
  code = code > format.largest ? format.overflow : code;
  code = magnitude > 0x7f800000 ? format.nan : code;
  if (format.has_negative_zero) return code | sign;
  // These have one NaN, where negative zero would be.
  return code == 0 || code == format.nan ? code : code | sign;
}

PTH_INLINE uint16_t half_of(uint32_t bits) {
  uint32_t code = round_to(half_format, bits);
  // A NaN keeps the upper bits of its payload.
  uint32_t payload = (bits >> 13) & 0x3ff;
  return (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? code | payload : code);
}

PTH_INLINE uint16_t bfloat_of(uint32_t bits, uint16_t nan) {
  uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  return (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? nan : rounded);
}

PTH_INLINE uint8_t e8m0_of(uint32_t bits) {
  uint32_t exponent = (bits >> 23) & 0xff;
  uint32_t mantissa = bits & 0x7fffff;
  uint32_t up = exponent > 0 ? mantissa >= 0x400000 : mantissa > 0x400000;
  return (uint8_t)(exponent == 0xff ? exponent : exponent + up);
}

PTH_INLINE uint32_t widened_half(uint32_t half) {
  uint32_t sign = (half & 0x8000) << 16;
  uint32_t magnitude = half & 0x7fff;
  // The half's exponent is too small by 112; a product of floats mends it, for
  // subnormal halves too.
  uint32_t scaled = bits_of(float_of(magnitude << 13) * 0x1p112f);
  uint32_t special = 0x7f800000 | (magnitude << 13);
  // Reading a signalling NaN makes it quiet.
  if (magnitude > 0x7c00) special |= 0x400000;
  return sign | (magnitude >= 0x7c00 ? special : scaled);
}

// float32 of an 8-bit code: NaN where the format says so.
static float widened_byte(pth_small_float type, uint32_t code) {
  uint32_t sign = code >> 7;
  uint32_t magnitude = code & 0x7f;
  int mantissa, bias;
  uint32_t nan = sign << 31;
  switch (type) {
    case PTH_FLOAT8_E8M0FNU:
      if (code == 0xff) return float_of(0x7f800001);
      return code == 0 ? 0x1p-127f : float_of(code << 23);
    case PTH_FLOAT8_E5M2:
      // The upper byte of a half.
      return float_of(widened_half(code << 8));
    case PTH_FLOAT8_E4M3FN:
      if (magnitude == 0x7f) return float_of(nan | 0x7ff00000);
      mantissa = 3, bias = 7;
      break;
    case PTH_FLOAT8_E4M3FNUZ:
      if (code == 0x80) return float_of(0x7f800001);
      mantissa = 3, bias = 8;
      break;
    default:
      if (code == 0x80) return float_of(0x7f800001);
      mantissa = 2, bias = 16;
      break;
  }
  float scale = float_of((uint32_t)(127 + 127 - bias) << 23);
  float value = float_of(magnitude << (23 - mantissa)) * scale;
  return sign ? -value : value;
}

// The loops, once for the vector unit and once for any machine: the compiler
// makes vectors of them where the target attribute allows.
#define PTH_LOOPS(suffix, attribute)                                           \
  attribute static void narrow_##suffix(pth_small_float type,                  \
                                        const loose_float *restrict from,      \
                                        void *restrict to, size_t count) {     \
    const loose_u32 *bits = (const loose_u32 *)from;                           \
    loose_u16 *words = to;                                                     \
    uint8_t *bytes = to;                                                       \
    switch (type) {                                                            \
      case PTH_FLOAT16:                                                        \
        for (size_t i = 0; i < count; i++) words[i] = half_of(bits[i]);        \
        break;                                                                 \
      case PTH_BFLOAT16:                                                       \
        for (size_t i = 0; i < count; i++)                                     \
          words[i] = bfloat_of(bits[i], 0xffff);                               \
        break;                                                                 \
      case PTH_BFLOAT16_PLAIN_NAN:                                             \
        for (size_t i = 0; i < count; i++)                                     \
          words[i] = bfloat_of(bits[i], 0x7fc0);                               \
        break;                                                                 \
      case PTH_FLOAT8_E4M3FN:                                                  \
        for (size_t i = 0; i < count; i++)                                     \
          bytes[i] = (uint8_t)round_to(e4m3fn_format, bits[i]);                \
        break;                                                                 \
      case PTH_FLOAT8_E4M3FNUZ:                                                \
        for (size_t i = 0; i < count; i++)                                     \
          bytes[i] = (uint8_t)round_to(e4m3fnuz_format, bits[i]);              \
        break;                                                                 \
      case PTH_FLOAT8_E5M2:                                                    \
        for (size_t i = 0; i < count; i++)                                     \
          bytes[i] = (uint8_t)round_to(e5m2_format, bits[i]);                  \
        break;                                                                 \
      case PTH_FLOAT8_E5M2FNUZ:                                                \
        for (size_t i = 0; i < count; i++)                                     \
          bytes[i] = (uint8_t)round_to(e5m2fnuz_format, bits[i]);              \
        break;                                                                 \
      case PTH_FLOAT8_E8M0FNU:                                                 \
        for (size_t i = 0; i < count; i++) bytes[i] = e8m0_of(bits[i]);        \
        break;                                                                 \
    }                                                                          \
  }                                                                            \
  attribute static void widen_words_##suffix(                                  \
      pth_small_float type, const loose_u16 *restrict from,                    \
      loose_u32 *restrict to, size_t count) {                                  \
    if (type == PTH_BFLOAT16) {                                                \
      for (size_t i = 0; i < count; i++) to[i] = (uint32_t)from[i] << 16;      \
    } else {                                                                   \
      for (size_t i = 0; i < count; i++) to[i] = widened_half(from[i]);        \
    }                                                                          \
  }

PTH_LOOPS(portable, )

#if defined(__x86_64__)
PTH_LOOPS(vector, PTH_VECTOR)

// The processor has instructions for half precision.
PTH_VECTOR static void narrow_halves(const loose_float *restrict from,
                                     loose_u16 *restrict to, size_t count) {
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    __m256 values = _mm256_loadu_ps((const float *)(from + i));
    _mm_storeu_si128((__m128i *)(to + i),
                     _mm256_cvtps_ph(values, _MM_FROUND_TO_NEAREST_INT));
  }
  for (; i < count; i++) to[i] = half_of(bits_of(from[i]));
}

PTH_VECTOR static void widen_halves(const loose_u16 *restrict from,
                                    loose_float *restrict to, size_t count) {
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    __m128i halves = _mm_loadu_si128((const __m128i *)(from + i));
    _mm256_storeu_ps((float *)(to + i), _mm256_cvtph_ps(halves));
  }
  for (; i < count; i++) to[i] = float_of(widened_half(from[i]));
}

int pth_has_vector_conversions(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c") &&
         __builtin_cpu_supports("fma");
}
#else
int pth_has_vector_conversions(void) { return 0; }
#endif

void pth_widen(pth_small_float type, const void *source, void *target,
               size_t count, int vector) {
  if (type != PTH_FLOAT16 && type != PTH_BFLOAT16) {
    float table[256];
    for (uint32_t code = 0; code < 256; code++)
      table[code] = widened_byte(type, code);
    const uint8_t *codes = source;
    loose_float *values = target;
    for (size_t i = 0; i < count; i++)
      memcpy(&values[i], &table[codes[i]], 4);
    return;
  }
#if defined(__x86_64__)
  if (vector && pth_has_vector_conversions()) {
    if (type == PTH_FLOAT16)
      widen_halves(source, target, count);
    else
      widen_words_vector(type, source, target, count);
    return;
  }
#endif
  (void)vector;
  widen_words_portable(type, source, target, count);
}

void pth_narrow(pth_small_float type, const void *source, void *target,
                size_t count, int vector) {
#if defined(__x86_64__)
  if (vector && pth_has_vector_conversions()) {
    if (type == PTH_FLOAT16)
      narrow_halves(source, target, count);
    else
      narrow_vector(type, source, target, count);
    return;
  }
#endif
  (void)vector;
  narrow_portable(type, source, target, count);
}

void pth_float_to_double(const void *source, void *target, size_t count) {
  const loose_float *from = source;
  loose_double *restrict to = target;
  for (size_t i = 0; i < count; i++) to[i] = (double)from[i];
}

void pth_double_to_float(const void *source, void *target, size_t count) {
  const loose_double *from = source;
  loose_float *restrict to = target;
  for (size_t i = 0; i < count; i++) to[i] = (float)from[i];
}
