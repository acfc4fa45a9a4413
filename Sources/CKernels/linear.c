#include "kernels.h"
#include "vectors.h"

// So much of four rows of x and three of the weights fits the first cache.
#define PART 784

#define ADD_LANES(v)                                                          \
  ((((v)[0] + (v)[4]) + ((v)[2] + (v)[6])) +                                  \
   (((v)[1] + (v)[5]) + ((v)[3] + (v)[7])))

// Adds to y four rows' products with one to three outputs over `length` inputs:
// twelve sums, three weights and a value fill the registers.
#define BLOCK(OUTPUTS)                                                        \
  do {                                                                        \
    v8f sums[OUTPUTS][4];                                                     \
    for (int o = 0; o < OUTPUTS; o++)                                         \
      for (int n = 0; n < 4; n++) sums[o][n] = FILL(0.0f);                    \
    int k = 0;                                                                \
    for (; k + 8 <= length; k += 8) {                                         \
      v8f weight[OUTPUTS];                                                    \
      _Pragma("clang loop unroll(full)")                                      \
      for (int o = 0; o < OUTPUTS; o++)                                       \
        weight[o] = LOAD(w + o * inputs + k);                                 \
      _Pragma("clang loop unroll(full)")                                      \
      for (int n = 0; n < 4; n++) {                                           \
        const v8f value = LOAD(x + n * inputs + k);                           \
        _Pragma("clang loop unroll(full)")                                    \
        for (int o = 0; o < OUTPUTS; o++) sums[o][n] += value * weight[o];    \
      }                                                                       \
    }                                                                         \
    for (int o = 0; o < OUTPUTS; o++)                                         \
      for (int n = 0; n < 4; n++) {                                           \
        float sum = ADD_LANES(sums[o][n]);                                    \
        for (int i = k; i < length; i++)                                      \
          sum += x[n * inputs + i] * w[o * inputs + i];                       \
        y[n * stride + output + o] += sum;                                    \
      }                                                                       \
  } while (0)

PTH_INLINE void linear_body(const float *x_start, const float *weights,
                            const float *bias, int rows, int inputs,
                            int outputs, int stride, bool relu,
                            float *y_start) {
  for (int row = 0; row < rows; row++)
    memcpy(y_start + row * stride, bias, (unsigned long)outputs * sizeof *bias);
  for (int start = 0; start < inputs; start += PART) {
    const int length = start + PART < inputs ? PART : inputs - start;
    const float *x = x_start + start;
    float *y = y_start;
    int row = 0;
    // The part of x stays in the first cache while the weights pass by.
    for (; row + 4 <= rows; row += 4, x += 4 * inputs, y += 4 * stride) {
      const float *w = weights + start;
      int output = 0;
      for (; output + 3 <= outputs; output += 3, w += 3 * inputs) BLOCK(3);
      for (; output < outputs; output++, w += inputs) BLOCK(1);
    }
    for (; row < rows; row++, x += inputs, y += stride) {
      const float *w = weights + start;
      for (int output = 0; output < outputs; output++, w += inputs) {
        v8f total = FILL(0.0f);
        int k = 0;
        for (; k + 8 <= length; k += 8) total += LOAD(x + k) * LOAD(w + k);
        float sum = ADD_LANES(total);
        for (; k < length; k++) sum += x[k] * w[k];
        y[output] += sum;
      }
    }
  }
  if (!relu) return;
  for (int row = 0; row < rows; row++)
    for (int output = 0; output < outputs; output++) {
      const float value = y_start[row * stride + output];
      y_start[row * stride + output] = value < 0.0f ? 0.0f : value;
    }
}
PTH_KERNEL(void, linear,
           (const float *x, const float *weights, const float *bias, int rows,
            int inputs, int outputs, int stride, bool relu, float *y),
           (x, weights, bias, rows, inputs, outputs, stride, relu, y))
