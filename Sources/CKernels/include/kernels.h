// The loops of the network that oneDNN does not serve well: BatchNorm with
// exact statistics fused with ReLU and max-pooling, the first convolution's
// weight gradient, the loss, the gradient's norm and Adam. What is not of the
// network is in the headers beside this one.
//
// Feature maps are "blocked": [channels / 8][height][width][8], one image
// after the other, as oneDNN's nChw8c. No function keeps a pointer, allocates,
// or touches anything but what it is given. Each runs on AVX2 and FMA where
// the processor has them and in portable C elsewhere.
#ifndef PTH_KERNELS_H
#define PTH_KERNELS_H

#include <stdbool.h>
#include <stdint.h>

// Adds to `sums` and `squares` (one entry a channel) the sums over one blocked
// image of x - shift and of its square: float within a row, double across.
void pth_batch_statistics(const float *x, const float *shift, int channels,
                          int height, int width, double *sums,
                          double *squares);

// y[p] = the largest of relu(x * scale + offset) in each 2x2 window of one
// blocked image. `winner` gets 0...3 (row-major place in the window) or 4 where
// ReLU lets nothing through, `chosen` the winning x.
void pth_normalize_relu_pool(const float *x, const float *scale,
                             const float *offset, int channels, int height,
                             int width, float *y, uint8_t *winner,
                             float *chosen);

// The largest value in each 2x2 window of one blocked image.
void pth_max_pool(const float *x, int channels, int height, int width,
                  float *y);

// A 3x3 convolution with padding 1, bias, ReLU and 2x2 max-pooling of one
// blocked image, 2 * PTH_WINOGRAD_TILES wide: sixteen products stand for a
// window's 36 (Winograd's F(2x2, 3x3); Lavin and Gray, 2015). `kernels`
// [16][inputs][outputs] are transformed; the channels are multiples of 8.
// `scratch` is 16 * PTH_WINOGRAD_TILES * inputs floats.
#define PTH_WINOGRAD_TILES 7
void pth_winograd_relu_pool(const float *x, const float *kernels,
                            const float *bias, int inputs, int outputs,
                            int height, float *scratch, float *y);

// Blocked [channels / 8][positions][8] to plain [channels][positions].
void pth_unblock(const float *x, int channels, int positions, float *y);

// Plain [channels][positions] to blocked [channels / 8][positions][8].
void pth_block(const float *x, int channels, int positions, float *y);

// Adds to `sums` the sum over one image's pooled gradient dy where ReLU let it
// through, and to `products` that of dy * (chosen - mean).
void pth_normalize_gradient_sums(const float *dy, const uint8_t *winner,
                                 const float *chosen, const float *mean,
                                 int channels, int positions, double *sums,
                                 double *products);

// The gradient before BatchNorm for one blocked image:
// dx = slope * x + constant, plus gain * dy at the winning places.
// Adds the sum of dx over the image to `totals`, one entry a channel.
void pth_normalize_gradient(const float *x, const float *dy,
                            const uint8_t *winner, const float *gain,
                            const float *slope, const float *constant,
                            int channels, int height, int width, float *dx,
                            double *totals);

// As pth_normalize_gradient without storing dx: what is stored is the 3x3
// convolution's weight gradient [channels][9] of the one-channel `image`, which
// is padded by a border of one zero: [height + 2][width + 2].
// `row` is scratch of 2 * width * 8 floats.
void pth_first_weight_gradient(const float *image, const float *x,
                               const float *dy, const uint8_t *winner,
                               const float *gain, const float *slope,
                               const float *constant, int channels, int height,
                               int width, float *row, float *gradient,
                               double *totals);

// y = x times the weights, transposed, plus the bias, and ReLU where asked for:
// x [rows][inputs], weights [outputs][inputs], rows of y `stride` apart.
// oneDNN's product packs such weights anew in every call, which for the few rows
// of a batch takes a third of its time.
void pth_linear(const float *x, const float *weights, const float *bias,
                int rows, int inputs, int outputs, int stride, bool relu,
                float *y);

// Zeroes gradient[i] where activation[i] is not positive: `rows` rows of
// `columns` values, each `stride` apart.
void pth_relu_gradient(const float *activation, int rows, int columns,
                       int stride, float *gradient);

// y[j] = the sum over the rows of x[i][j]: `rows` rows `stride` apart.
void pth_column_sums(const float *x, int rows, int columns, int stride,
                     float *y);

// y[i] = the sum over `parts` arrays x, each `stride` floats after the last.
void pth_add_parts(const float *x, int parts, int stride, int count,
                   float *y);

// What describes some numbers. Of the finite ones: the smallest (infinite where
// there is none), the largest, the mean, and the sum of the squared distances
// from it.
typedef struct {
  double minimum;
  double maximum;
  double mean;
  double squares;
  int64_t finite;
  int64_t zeros;
} pth_summary;

void pth_summarize(const double *x, int64_t count, pth_summary *summary);

// Adds the numbers to `bins` counts by (x[i] / 2 - low) * scale, and those that
// are not finite to one more behind them.
void pth_histogram(const double *x, int64_t count, double low, double scale,
                   int bins, int64_t *counts);

// The sum of x[i]^2.
double pth_sum_of_squares(const float *x, int count);

// The hyper-parameters of one step of Adam, as torch.optim.Adam has them.
typedef struct {
  float clip;              // the gradient is multiplied by it first
  float weight_decay;      // times the parameter, added to the gradient
  float beta1, beta2;
  float rest1, rest2;      // 1 - beta1, 1 - beta2, not from rounded floats
  float epsilon;
  float step_size;         // lr / (1 - beta1^step)
  float root_correction;   // sqrt(1 - beta2^step)
} pth_adam;

// One step of Adam on `count` parameters.
void pth_adam_step(const pth_adam *options, const float *gradient, int count,
                   float *parameter, float *mean, float *square);

// Softmax over each row of `logits` [rows][classes], into `probabilities`.
void pth_softmax(const float *logits, int rows, int classes,
                 float *probabilities);

// The mean cross-entropy of `rows` rows and its gradient with respect to the
// logits. With `on_probabilities` the softmax output itself is taken for the
// logits of the cross-entropy. Returns the loss; `correct` gets the number of
// rows whose largest probability is at the label.
// Every label must be in 0..<classes, and classes at most 16.
float pth_cross_entropy(const float *logits, const int64_t *labels, int rows,
                        int classes, bool on_probabilities, float *gradient,
                        int *correct);

// Tells the processor that this thread waits in a loop.
static inline void pth_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

#include "portable.h"

#endif
