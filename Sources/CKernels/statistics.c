// What describes many numbers at a glance, a cache's worth of them at a time.
#include "vectors.h"

typedef int64_t v8l __attribute__((vector_size(64)));

#define FILL_DOUBLES(x) ((v8d){(x), (x), (x), (x), (x), (x), (x), (x)})
#define SELECT_DOUBLES(mask, a, b)                                            \
  ((v8d)(((mask) & (v8l)(a)) | (~(mask) & (v8l)(b))))

// Eight numbers; those behind the end are NaN, which counts as none of them.
#define LOAD_DOUBLES(x, start, count)                                         \
  ({                                                                          \
    v8d loaded_ = FILL_DOUBLES(__builtin_nan(""));                            \
    int64_t left_ = (count) - (start);                                        \
    if (left_ >= 8)                                                           \
      memcpy(&loaded_, (x) + (start), sizeof loaded_);                        \
    else                                                                      \
      memcpy(&loaded_, (x) + (start), (size_t)left_ * sizeof(double));        \
    loaded_;                                                                  \
  })

// A number less itself is 0, unless it is infinite or NaN.
#define IS_FINITE(x) ((v8l)((x) - (x) == FILL_DOUBLES(0)))

PTH_INLINE void summarize_body(const double *x, int64_t count,
                               pth_summary *summary) {
  v8d low = FILL_DOUBLES(__builtin_inf());
  v8d high = FILL_DOUBLES(-__builtin_inf());
  v8d sum = FILL_DOUBLES(0);
  v8l zeros = {0};
  v8l finite = {0};
  for (int64_t i = 0; i < count; i += 8) {
    v8d numbers = LOAD_DOUBLES(x, i, count);
    v8l mask = IS_FINITE(numbers);
    low = SELECT_DOUBLES(mask & (v8l)(numbers < low), numbers, low);
    high = SELECT_DOUBLES(mask & (v8l)(numbers > high), numbers, high);
    sum += (v8d)(mask & (v8l)numbers);
    // A mask is -1 where it is set.
    finite -= mask;
    zeros -= (v8l)(numbers == FILL_DOUBLES(0));
  }
  double total = 0;
  summary->minimum = low[0];
  summary->maximum = high[0];
  summary->zeros = 0;
  summary->finite = 0;
  for (int lane = 0; lane < 8; lane++) {
    if (low[lane] < summary->minimum) summary->minimum = low[lane];
    if (high[lane] > summary->maximum) summary->maximum = high[lane];
    summary->zeros += zeros[lane];
    summary->finite += finite[lane];
    total += sum[lane];
  }
  double mean = summary->finite > 0 ? total / (double)summary->finite : 0;
  // A second pass over what is in the cache loses no digits where the mean is
  // large and the distances from it are small.
  v8d squares = FILL_DOUBLES(0);
  for (int64_t i = 0; i < count; i += 8) {
    v8d numbers = LOAD_DOUBLES(x, i, count);
    v8d distance = numbers - FILL_DOUBLES(mean);
    squares += (v8d)(IS_FINITE(numbers) & (v8l)(distance * distance));
  }
  summary->mean = mean;
  summary->squares = 0;
  for (int lane = 0; lane < 8; lane++) summary->squares += squares[lane];
}

PTH_KERNEL(void, summarize,
           (const double *x, int64_t count, pth_summary *summary),
           (x, count, summary))

PTH_INLINE void histogram_body(const double *x, int64_t count, double low,
                               double scale, int bins, int64_t *counts) {
  v8d least = FILL_DOUBLES(0);
  v8d most = FILL_DOUBLES((double)(bins - 1));
  v8d none = FILL_DOUBLES((double)bins);
  for (int64_t i = 0; i < count; i += 8) {
    v8d numbers = LOAD_DOUBLES(x, i, count);
    // Halves, so that the widest range is no infinite one.
    v8d bin = (numbers * FILL_DOUBLES(0.5) - FILL_DOUBLES(low)) *
              FILL_DOUBLES(scale);
    // So turned that a NaN, from a scale that is infinite, becomes a bin too.
    bin = SELECT_DOUBLES((v8l)(bin >= least), bin, least);
    bin = SELECT_DOUBLES((v8l)(bin <= most), bin, most);
    bin = SELECT_DOUBLES(IS_FINITE(numbers), bin, none);
    v8i index = __builtin_convertvector(bin, v8i);
    int64_t left = count - i;
    for (int lane = 0; lane < 8 && lane < left; lane++) counts[index[lane]]++;
  }
}

PTH_KERNEL(void, histogram,
           (const double *x, int64_t count, double low, double scale, int bins,
            int64_t *counts),
           (x, count, low, scale, bins, counts))
