#include "kernels.h"
#include "vectors.h"

PTH_INLINE void relu_gradient_body(const float *activation, int rows,
                                   int columns, int stride, float *gradient) {
  for (int row = 0; row < rows; row++) {
    const float *a = activation + row * stride;
    float *g = gradient + row * stride;
    for (int column = 0; column < columns; column++)
      g[column] = a[column] > 0.0f ? g[column] : 0.0f;
  }
}
PTH_KERNEL(void, relu_gradient,
           (const float *activation, int rows, int columns, int stride,
            float *gradient),
           (activation, rows, columns, stride, gradient))

PTH_INLINE void column_sums_body(const float *x, int rows, int columns,
                                 int stride, float *y) {
  for (int column = 0; column < columns; column++) y[column] = x[column];
  for (int row = 1; row < rows; row++)
    for (int column = 0; column < columns; column++)
      y[column] += x[row * stride + column];
}
PTH_KERNEL(void, column_sums,
           (const float *x, int rows, int columns, int stride, float *y),
           (x, rows, columns, stride, y))

PTH_INLINE void add_parts_body(const float *x, int parts, int stride,
                               int count, float *y) {
  int i = 0;
  for (; i + 8 <= count; i += 8) {
    v8f sum = LOAD(x + i);
    for (int part = 1; part < parts; part++)
      sum += LOAD(x + part * stride + i);
    STORE(y + i, sum);
  }
  for (; i < count; i++) {
    float sum = x[i];
    for (int part = 1; part < parts; part++) sum += x[part * stride + i];
    y[i] = sum;
  }
}
PTH_KERNEL(void, add_parts,
           (const float *x, int parts, int stride, int count, float *y),
           (x, parts, stride, count, y))

PTH_INLINE double sum_of_squares_body(const float *x, int count) {
  double total = 0.0;
  int i = 0;
  while (i + 32 <= count) {
    // Short runs in float, for double vectors are half as long.
    v8f s0 = FILL(0.0f), s1 = FILL(0.0f), s2 = FILL(0.0f), s3 = FILL(0.0f);
    for (int run = 0; run < 16 && i + 32 <= count; run++, i += 32) {
      const v8f x0 = LOAD(x + i), x1 = LOAD(x + i + 8);
      const v8f x2 = LOAD(x + i + 16), x3 = LOAD(x + i + 24);
      s0 += x0 * x0;
      s1 += x1 * x1;
      s2 += x2 * x2;
      s3 += x3 * x3;
    }
    const v8f sum = (s0 + s1) + (s2 + s3);
    for (int lane = 0; lane < 8; lane++) total += (double)sum[lane];
  }
  for (; i < count; i++) total += (double)x[i] * (double)x[i];
  return total;
}
PTH_KERNEL(double, sum_of_squares, (const float *x, int count), (x, count))

PTH_INLINE void adam_step_body(const pth_adam *options, const float *gradient,
                               int count, float *parameter, float *mean,
                               float *square) {
  const float clip = options->clip, decay = options->weight_decay;
  const float beta1 = options->beta1, beta2 = options->beta2;
  const float rest1 = options->rest1, rest2 = options->rest2;
  const float epsilon = options->epsilon;
  const float step = options->step_size;
  const float inverse = 1.0f / options->root_correction;
  int i = 0;
  for (; i + 8 <= count; i += 8) {
    const v8f p = LOAD(parameter + i);
    const v8f g = LOAD(gradient + i) * FILL(clip) + p * FILL(decay);
    const v8f m = LOAD(mean + i) * FILL(beta1) + g * FILL(rest1);
    const v8f v = LOAD(square + i) * FILL(beta2) + g * g * FILL(rest2);
    const v8f root = __builtin_elementwise_sqrt(v);
    STORE(mean + i, m);
    STORE(square + i, v);
    STORE(parameter + i,
          p - m * FILL(step) / (root * FILL(inverse) + FILL(epsilon)));
  }
  for (; i < count; i++) {
    const float p = parameter[i];
    const float g = gradient[i] * clip + p * decay;
    const float m = mean[i] * beta1 + g * rest1;
    const float v = square[i] * beta2 + g * g * rest2;
    const float root = __builtin_elementwise_sqrt(v);
    mean[i] = m;
    square[i] = v;
    parameter[i] = p - m * step / (root * inverse + epsilon);
  }
}
PTH_KERNEL(void, adam_step,
           (const pth_adam *options, const float *gradient, int count,
            float *parameter, float *mean, float *square),
           (options, gradient, count, parameter, mean, square))
