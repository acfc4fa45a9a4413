#include <math.h>

#include "kernels.h"

void pth_softmax(const float *logits, int rows, int classes,
                 float *probabilities) {
  for (int row = 0; row < rows; row++) {
    const float *z = logits + row * classes;
    float *p = probabilities + row * classes;
    float largest = z[0];
    // A NaN anywhere makes the sum, and so the whole row, NaN.
    for (int i = 1; i < classes; i++) largest = z[i] > largest ? z[i] : largest;
    float sum = 0.0f;
    for (int i = 0; i < classes; i++) {
      p[i] = expf(z[i] - largest);
      sum += p[i];
    }
    for (int i = 0; i < classes; i++) p[i] /= sum;
  }
}

// The first largest of `classes` values, as torch.argmax.
static int largest_index(const float *x, int classes) {
  int best = 0;
  for (int i = 1; i < classes; i++) best = x[i] > x[best] ? i : best;
  return best;
}

float pth_cross_entropy(const float *logits, const int64_t *labels, int rows,
                        int classes, bool on_probabilities, float *gradient,
                        int *correct) {
  double total = 0.0;
  int hits = 0;
  for (int row = 0; row < rows; row++) {
    const float *z = logits + row * classes;
    float *d = gradient + row * classes;
    const int label = (int)labels[row];
    float p[16], q[16];
    pth_softmax(z, 1, classes, p);
    hits += largest_index(p, classes) == label;
    const float *input = z;
    const float *output = p;
    if (on_probabilities) {
      pth_softmax(p, 1, classes, q);
      input = p;
      output = q;
    }
    float largest = input[0];
    for (int i = 1; i < classes; i++)
      largest = input[i] > largest ? input[i] : largest;
    float sum = 0.0f;
    for (int i = 0; i < classes; i++) sum += expf(input[i] - largest);
    total += (double)(logf(sum) - (input[label] - largest));
    for (int i = 0; i < classes; i++)
      d[i] = (output[i] - (i == label ? 1.0f : 0.0f)) / (float)rows;
    if (on_probabilities) {
      // Back through the softmax that made p.
      float dot = 0.0f;
      for (int i = 0; i < classes; i++) dot += d[i] * p[i];
      for (int i = 0; i < classes; i++) d[i] = p[i] * (d[i] - dot);
    }
  }
  *correct = hits;
  return (float)(total / rows);
}
