/* How long clients waited, by group and window of time. A wait counts in every window that it touches; a window that begins
 * during the wait counts it from there. Counts lie in a histogram whose buckets are at most 0.8 % wide. */
#include <stdint.h>

enum { STEPS = 128, OCTAVES = 33, BUCKETS = STEPS * OCTAVES };

struct waits {
  uint64_t counts[BUCKETS], taken, answered, worst, last;
};

/* Below STEPS ns a bucket holds one value; above it, each power of two has STEPS buckets. */
static unsigned bucket_of(uint64_t ns) {
  if (ns < STEPS) return (unsigned)ns;
  unsigned shift = 63u - (unsigned)__builtin_clzll(ns) - 7;
  unsigned bucket = (shift + 1) * STEPS + (unsigned)((ns >> shift) - STEPS);
  return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

/* The middle of a bucket, in ns. */
static double middle_of(unsigned bucket) {
  if (bucket < STEPS) return bucket;
  unsigned shift = bucket / STEPS - 1;
  return ((double)(bucket % STEPS + STEPS) + 0.5) * (double)(1ull << shift);
}

static void add_wait(struct waits *waits, uint64_t ns) {
  waits->counts[bucket_of(ns)]++;
  waits->taken++;
  if (ns > waits->worst) waits->worst = ns;
}

/* In microseconds. */
static double quantile(const struct waits *waits, double part) {
  uint64_t index = (uint64_t)(part * (double)waits->taken), seen = 0;
  for (unsigned bucket = 0; bucket < BUCKETS; bucket++) {
    seen += waits->counts[bucket];
    if (seen <= index) continue;
    double middle = middle_of(bucket);
    return (middle < (double)waits->worst ? middle : (double)waits->worst) / 1e3;
  }
  return (double)waits->worst / 1e3;
}
