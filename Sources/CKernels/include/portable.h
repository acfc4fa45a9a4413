// The kernels as they run where there is no AVX2: for tests on processors that
// have it. Each does what its namesake in kernels.h does.
#ifndef PTH_PORTABLE_H
#define PTH_PORTABLE_H

#include "kernels.h"

void pth_portable_batch_statistics(const float *x, const float *shift,
    int channels, int height, int width, double *sums, double *squares);
void pth_portable_normalize_relu_pool(const float *x, const float *scale,
    const float *offset, int channels, int height, int width, float *y,
    uint8_t *winner, float *chosen);
void pth_portable_max_pool(const float *x, int channels, int height, int width,
    float *y);
void pth_portable_winograd_relu_pool(const float *x, const float *kernels,
    const float *bias, int inputs, int outputs, int height, float *scratch,
    float *y);
void pth_portable_normalize_gradient_sums(const float *dy,
    const uint8_t *winner, const float *chosen, const float *mean, int channels,
    int positions, double *sums, double *products);
void pth_portable_normalize_gradient(const float *x, const float *dy,
    const uint8_t *winner, const float *gain, const float *slope,
    const float *constant, int channels, int height, int width, float *dx,
    double *totals);
void pth_portable_first_weight_gradient(const float *image, const float *x,
    const float *dy, const uint8_t *winner, const float *gain,
    const float *slope, const float *constant, int channels, int height,
    int width, float *row, float *gradient, double *totals);
void pth_portable_linear(const float *x, const float *weights,
    const float *bias, int rows, int inputs, int outputs, int stride, bool relu,
    float *y);
void pth_portable_relu_gradient(const float *activation, int rows, int columns,
    int stride, float *gradient);
void pth_portable_column_sums(const float *x, int rows, int columns, int stride,
    float *y);
void pth_portable_add_parts(const float *x, int parts, int stride, int count,
    float *y);
void pth_portable_summarize(const double *x, int64_t count,
    pth_summary *summary);
void pth_portable_histogram(const double *x, int64_t count, double low,
    double scale, int bins, int64_t *counts);
double pth_portable_sum_of_squares(const float *x, int count);
void pth_portable_adam_step(const pth_adam *options, const float *gradient,
    int count, float *parameter, float *mean, float *square);

#endif
