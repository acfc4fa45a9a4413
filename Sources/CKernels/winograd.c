#include "kernels.h"
#include "vectors.h"

// Windows in a row of tiles; one sum each and a kernel fit the registers.
#define TILES PTH_WINOGRAD_TILES
#define WIDTH (2 * TILES)

// Where the rows above and below the image are read.
static const float zero_row[WIDTH * 8];

// One row of windows of eight channels: the input's 4x4 patches become sixteen
// values each, one `step` floats after the other.
PTH_INLINE void transform_patches(const float *x, int height, int row,
                                  int inputs, int step, float *values) {
  const float *rows[4];
  for (int i = 0; i < 4; i++) {
    const int y = 2 * row - 1 + i;
    rows[i] = y < 0 || y >= height ? zero_row : x + y * WIDTH * 8;
  }
  // Down the columns first, which neighbouring windows share two by two.
  v8f down[4][WIDTH + 2];
  for (int i = 0; i < 4; i++)
    down[i][0] = down[i][WIDTH + 1] = FILL(0.0f);
  for (int column = 0; column < WIDTH; column++) {
    const v8f d0 = LOAD(rows[0] + column * 8), d1 = LOAD(rows[1] + column * 8);
    const v8f d2 = LOAD(rows[2] + column * 8), d3 = LOAD(rows[3] + column * 8);
    down[0][column + 1] = d0 - d2;
    down[1][column + 1] = d1 + d2;
    down[2][column + 1] = d2 - d1;
    down[3][column + 1] = d1 - d3;
  }
  for (int i = 0; i < 4; i++)
    for (int tile = 0; tile < TILES; tile++) {
      const v8f *d = down[i] + 2 * tile;
      float *to = values + 4 * i * step + tile * inputs;
      STORE(to, d[0] - d[2]);
      STORE(to + step, d[1] + d[2]);
      STORE(to + 2 * step, d[2] - d[1]);
      STORE(to + 3 * step, d[1] - d[3]);
    }
}

// The largest of a window's four outputs, from its sixteen products.
PTH_INLINE void pool_window(const v8f *products, int step, const v8f *bias,
                            float *y) {
  v8f upper[4], lower[4];
  for (int j = 0; j < 4; j++) {
    const v8f m0 = products[j * step], m1 = products[(4 + j) * step];
    const v8f m2 = products[(8 + j) * step], m3 = products[(12 + j) * step];
    upper[j] = m0 + m1 + m2;
    lower[j] = m1 - m2 - m3;
  }
  const v8f y0 = upper[0] + upper[1] + upper[2];
  const v8f y1 = upper[1] - upper[2] - upper[3];
  const v8f y2 = lower[0] + lower[1] + lower[2];
  const v8f y3 = lower[1] - lower[2] - lower[3];
  const v8f top = SELECT(y1 > y0, y1, y0);
  const v8f bottom = SELECT(y3 > y2, y3, y2);
  const v8f best = SELECT(bottom > top, bottom, top) + *bias;
  const v8f zero = FILL(0.0f);
  // NaN must stay NaN.
  STORE(y, SELECT(best <= zero, zero, best));
}

PTH_INLINE void winograd_relu_pool_body(const float *x, const float *kernels,
                                        const float *bias, int inputs,
                                        int outputs, int height, float *scratch,
                                        float *y) {
  const int step = TILES * inputs;
  const int positions = height / 2 * TILES;
  for (int row = 0; row < height / 2; row++) {
    for (int block = 0; block < inputs / 8; block++)
      transform_patches(x + block * height * WIDTH * 8, height, row, inputs,
                        step, scratch + block * 8);
    for (int block = 0; block < outputs / 8; block++) {
      v8f products[16][TILES];
      for (int point = 0; point < 16; point++) {
        const float *kernel = kernels + point * inputs * outputs + block * 8;
        const float *value = scratch + point * step;
        v8f sums[TILES];
        for (int tile = 0; tile < TILES; tile++) sums[tile] = FILL(0.0f);
        for (int k = 0; k < inputs; k++) {
          const v8f weight = LOAD(kernel + k * outputs);
          _Pragma("clang loop unroll(full)")
          for (int tile = 0; tile < TILES; tile++)
            sums[tile] += FILL(value[tile * inputs + k]) * weight;
        }
        for (int tile = 0; tile < TILES; tile++)
          products[point][tile] = sums[tile];
      }
      const v8f offset = LOAD(bias + block * 8);
      float *to = y + (block * positions + row * TILES) * 8;
      for (int tile = 0; tile < TILES; tile++)
        pool_window(&products[0][tile], TILES, &offset, to + tile * 8);
    }
  }
}
PTH_KERNEL(void, winograd_relu_pool,
           (const float *x, const float *kernels, const float *bias, int inputs,
            int outputs, int height, float *scratch, float *y),
           (x, kernels, bias, inputs, outputs, height, scratch, y))
