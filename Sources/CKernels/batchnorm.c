#include "kernels.h"
#include "vectors.h"

PTH_INLINE void batch_statistics_body(const float *x, const float *shift,
                                      int channels, int height, int width,
                                      double *sums, double *squares) {
  for (int block = 0; block < channels / 8; block++) {
    const v8f reference = LOAD(shift + block * 8);
    for (int y = 0; y < height; y++) {
      // Two chains, for one would wait for its own additions.
      v8f sum0 = FILL(0.0f), sum1 = FILL(0.0f);
      v8f square0 = FILL(0.0f), square1 = FILL(0.0f);
      int i = 0;
      for (; i + 1 < width; i += 2, x += 16) {
        const v8f d0 = LOAD(x) - reference;
        const v8f d1 = LOAD(x + 8) - reference;
        sum0 += d0;
        sum1 += d1;
        square0 += d0 * d0;
        square1 += d1 * d1;
      }
      for (; i < width; i++, x += 8) {
        const v8f d0 = LOAD(x) - reference;
        sum0 += d0;
        square0 += d0 * d0;
      }
      ADD_TO_DOUBLES(sums + block * 8, sum0 + sum1);
      ADD_TO_DOUBLES(squares + block * 8, square0 + square1);
    }
  }
}
PTH_KERNEL(void, batch_statistics,
           (const float *x, const float *shift, int channels, int height,
            int width, double *sums, double *squares),
           (x, shift, channels, height, width, sums, squares))

PTH_INLINE void normalize_relu_pool_body(const float *x, const float *scale,
                                         const float *offset, int channels,
                                         int height, int width, float *y,
                                         uint8_t *winner, float *chosen) {
  const v8f zero = FILL(0.0f);
  for (int block = 0; block < channels / 8; block++) {
    const v8f a = LOAD(scale + block * 8);
    const v8f b = LOAD(offset + block * 8);
    for (int row = 0; row < height / 2; row++) {
      const float *upper = x + (block * height + 2 * row) * width * 8;
      const float *lower = upper + width * 8;
      for (int column = 0; column < width / 2; column++) {
        const v8f x0 = LOAD(upper), x1 = LOAD(upper + 8);
        const v8f x2 = LOAD(lower), x3 = LOAD(lower + 8);
        const v8f y1 = x1 * a + b, y2 = x2 * a + b, y3 = x3 * a + b;
        v8f best = x0 * a + b, from = x0;
        v8i place = {0};
        v8i more = y1 > best;
        best = SELECT(more, y1, best);
        from = SELECT(more, x1, from);
        place = more & 1;
        more = y2 > best;
        best = SELECT(more, y2, best);
        from = SELECT(more, x2, from);
        place = (more & 2) | (~more & place);
        more = y3 > best;
        best = SELECT(more, y3, best);
        from = SELECT(more, x3, from);
        place = (more & 3) | (~more & place);
        // NaN must stay NaN, so that the loss shows it.
        const v8i dead = best <= zero;
        place = (dead & 4) | (~dead & place);
        STORE(y, SELECT(dead, zero, best));
        STORE(chosen, from);
        const v8b bytes = __builtin_convertvector(place, v8b);
        memcpy(winner, &bytes, sizeof bytes);
        upper += 16;
        lower += 16;
        y += 8;
        chosen += 8;
        winner += 8;
      }
    }
  }
}
PTH_KERNEL(void, normalize_relu_pool,
           (const float *x, const float *scale, const float *offset,
            int channels, int height, int width, float *y, uint8_t *winner,
            float *chosen),
           (x, scale, offset, channels, height, width, y, winner, chosen))

PTH_INLINE void max_pool_body(const float *x, int channels, int height,
                              int width, float *y) {
  for (int block = 0; block < channels / 8; block++) {
    for (int row = 0; row < height / 2; row++) {
      const float *upper = x + (block * height + 2 * row) * width * 8;
      const float *lower = upper + width * 8;
      for (int column = 0; column < width / 2; column++) {
        const v8f x0 = LOAD(upper), x1 = LOAD(upper + 8);
        const v8f x2 = LOAD(lower), x3 = LOAD(lower + 8);
        const v8f top = SELECT(x1 > x0, x1, x0);
        const v8f bottom = SELECT(x3 > x2, x3, x2);
        STORE(y, SELECT(bottom > top, bottom, top));
        upper += 16;
        lower += 16;
        y += 8;
      }
    }
  }
}
PTH_KERNEL(void, max_pool,
           (const float *x, int channels, int height, int width, float *y),
           (x, channels, height, width, y))

void pth_unblock(const float *x, int channels, int positions, float *y) {
  for (int block = 0; block < channels / 8; block++) {
    const float *from = x + block * positions * 8;
    float *to = y + block * positions * 8;
    for (int lane = 0; lane < 8; lane++)
      for (int p = 0; p < positions; p++)
        to[lane * positions + p] = from[p * 8 + lane];
  }
}

void pth_block(const float *x, int channels, int positions, float *y) {
  for (int block = 0; block < channels / 8; block++) {
    const float *from = x + block * positions * 8;
    float *to = y + block * positions * 8;
    for (int lane = 0; lane < 8; lane++)
      for (int p = 0; p < positions; p++)
        to[p * 8 + lane] = from[lane * positions + p];
  }
}
