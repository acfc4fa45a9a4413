#include "kernels.h"
#include "vectors.h"

// The gradient that reaches `place` of a window: dy where it won, else 0.
#define AT(places, place, value) ((v8f)(((places) == (place)) & (v8i)(value)))
#define PLACES(pointer)                                                       \
  ({                                                                          \
    v8b bytes_;                                                               \
    memcpy(&bytes_, (pointer), sizeof bytes_);                                \
    __builtin_convertvector(bytes_, v8i);                                     \
  })

PTH_INLINE void normalize_gradient_sums_body(
    const float *dy, const uint8_t *winner, const float *chosen,
    const float *mean, int channels, int positions, double *sums,
    double *products) {
  // Rows of so many positions are added up in float.
  const int row = 16;
  for (int block = 0; block < channels / 8; block++) {
    const v8f reference = LOAD(mean + block * 8);
    for (int start = 0; start < positions; start += row) {
      const int end = start + row < positions ? start + row : positions;
      v8f sum = FILL(0.0f), product = FILL(0.0f);
      for (int p = start; p < end; p++) {
        const int at = (block * positions + p) * 8;
        const v8i alive = PLACES(winner + at) < 4;
        const v8f gradient = (v8f)(alive & (v8i)LOAD(dy + at));
        sum += gradient;
        product += gradient * (LOAD(chosen + at) - reference);
      }
      ADD_TO_DOUBLES(sums + block * 8, sum);
      ADD_TO_DOUBLES(products + block * 8, product);
    }
  }
}
PTH_KERNEL(void, normalize_gradient_sums,
           (const float *dy, const uint8_t *winner, const float *chosen,
            const float *mean, int channels, int positions, double *sums,
            double *products),
           (dy, winner, chosen, mean, channels, positions, sums, products))

// One row of windows of one block: two rows of x to two rows of dx. Returns
// nothing; adds the sum of dx to `total`.
#define WINDOW_ROW(upper, lower, dy, winner, a, b, c, width, out0, out1,      \
                   total)                                                     \
  for (int column_ = 0; column_ < (width) / 2; column_++) {                   \
    const int at_ = column_ * 16;                                             \
    const v8i place_ = PLACES((winner) + column_ * 8);                        \
    const v8f gradient_ = LOAD((dy) + column_ * 8) * (a);                     \
    const v8f d0_ =                                                           \
        LOAD((upper) + at_) * (b) + (c) + AT(place_, 0, gradient_);           \
    const v8f d1_ =                                                           \
        LOAD((upper) + at_ + 8) * (b) + (c) + AT(place_, 1, gradient_);       \
    const v8f d2_ =                                                           \
        LOAD((lower) + at_) * (b) + (c) + AT(place_, 2, gradient_);           \
    const v8f d3_ =                                                           \
        LOAD((lower) + at_ + 8) * (b) + (c) + AT(place_, 3, gradient_);       \
    STORE((out0) + at_, d0_);                                                 \
    STORE((out0) + at_ + 8, d1_);                                             \
    STORE((out1) + at_, d2_);                                                 \
    STORE((out1) + at_ + 8, d3_);                                             \
    (total) += (d0_ + d1_) + (d2_ + d3_);                                     \
  }

PTH_INLINE void normalize_gradient_body(
    const float *x, const float *dy, const uint8_t *winner, const float *gain,
    const float *slope, const float *constant, int channels, int height,
    int width, float *dx, double *totals) {
  for (int block = 0; block < channels / 8; block++) {
    const v8f a = LOAD(gain + block * 8);
    const v8f b = LOAD(slope + block * 8);
    const v8f c = LOAD(constant + block * 8);
    for (int row = 0; row < height / 2; row++) {
      const int full = (block * height + 2 * row) * width * 8;
      const int pooled = (block * (height / 2) + row) * (width / 2) * 8;
      v8f total = FILL(0.0f);
      WINDOW_ROW(x + full, x + full + width * 8, dy + pooled, winner + pooled,
                 a, b, c, width, dx + full, dx + full + width * 8, total)
      ADD_TO_DOUBLES(totals + block * 8, total);
    }
  }
}
PTH_KERNEL(void, normalize_gradient,
           (const float *x, const float *dy, const uint8_t *winner,
            const float *gain, const float *slope, const float *constant,
            int channels, int height, int width, float *dx, double *totals),
           (x, dy, winner, gain, slope, constant, channels, height, width, dx,
            totals))

PTH_INLINE void first_weight_gradient_body(
    const float *image, const float *x, const float *dy, const uint8_t *winner,
    const float *gain, const float *slope, const float *constant, int channels,
    int height, int width, float *row_buffer, float *gradient,
    double *totals) {
  const int padded = width + 2;
  for (int block = 0; block < channels / 8; block++) {
    const v8f a = LOAD(gain + block * 8);
    const v8f b = LOAD(slope + block * 8);
    const v8f c = LOAD(constant + block * 8);
    v8f g0 = FILL(0.0f), g1 = FILL(0.0f), g2 = FILL(0.0f);
    v8f g3 = FILL(0.0f), g4 = FILL(0.0f), g5 = FILL(0.0f);
    v8f g6 = FILL(0.0f), g7 = FILL(0.0f), g8 = FILL(0.0f);
    for (int row = 0; row < height / 2; row++) {
      const int full = (block * height + 2 * row) * width * 8;
      const int pooled = (block * (height / 2) + row) * (width / 2) * 8;
      v8f total = FILL(0.0f);
      WINDOW_ROW(x + full, x + full + width * 8, dy + pooled, winner + pooled,
                 a, b, c, width, row_buffer, row_buffer + width * 8, total)
      ADD_TO_DOUBLES(totals + block * 8, total);
      for (int line = 0; line < 2; line++) {
        const float *d = row_buffer + line * width * 8;
        const float *p = image + (2 * row + line) * padded;
        for (int i = 0; i < width; i++, d += 8, p++) {
          const v8f value = LOAD(d);
          g0 += value * FILL(p[0]);
          g1 += value * FILL(p[1]);
          g2 += value * FILL(p[2]);
          g3 += value * FILL(p[padded]);
          g4 += value * FILL(p[padded + 1]);
          g5 += value * FILL(p[padded + 2]);
          g6 += value * FILL(p[2 * padded]);
          g7 += value * FILL(p[2 * padded + 1]);
          g8 += value * FILL(p[2 * padded + 2]);
        }
      }
    }
    const v8f taps[9] = {g0, g1, g2, g3, g4, g5, g6, g7, g8};
    for (int lane = 0; lane < 8; lane++)
      for (int tap = 0; tap < 9; tap++)
        gradient[(block * 8 + lane) * 9 + tap] = taps[tap][lane];
  }
}
PTH_KERNEL(void, first_weight_gradient,
           (const float *image, const float *x, const float *dy,
            const uint8_t *winner, const float *gain, const float *slope,
            const float *constant, int channels, int height, int width,
            float *row, float *gradient, double *totals),
           (image, x, dy, winner, gain, slope, constant, channels, height,
            width, row, gradient, totals))
