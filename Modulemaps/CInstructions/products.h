// Products of small matrices of floats for processors that are known only when the program runs: see RowProduct in Swift, which is what any
// other processor takes. Every element of C is one sum from k = 0 on, by fused multiply-adds, so that all of them give the same bits.
#ifndef NUMERAL_PRODUCTS_H
#define NUMERAL_PRODUCTS_H
#include <stddef.h>

// C[i, j] = Σ A[i, l]·B[l, j], or C += that: m rows, 16·vectors columns (vectors 1 or 2), k terms; A[i, l] at a[i·row + l·step], B and C
// with n floats from one row to the next.
typedef struct {
  ptrdiff_t m, n, k;
  const float *a;
  ptrdiff_t row, step;
  const float *b;
  float *c;
  int vectors, adding;
} numeral_product;

// Bits of the vectors that this build's own code has.
#if defined(__AVX512F__)
enum { numeral_built_for_bits = 512 };
#elif defined(__AVX2__)
enum { numeral_built_for_bits = 256 };
#else
enum { numeral_built_for_bits = 128 };
#endif

#if defined(__x86_64__)
#include <immintrin.h>

static inline int numeral_has_avx512f(void) { return __builtin_cpu_supports("avx512f"); }
static inline int numeral_has_fma(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

// Row p of A: three rows share a pointer.
#define NUMERAL_ELEMENT(p) a[(p) / 3][(p) % 3 == 0 ? 0 : (p) % 3 == 1 ? row : 2 * row]

// AVX-512: up to twelve rows of 32 columns are 24 registers of sums.
#define NUMERAL_AVX512F __attribute__((target("avx512f")))

static inline __attribute__((always_inline)) NUMERAL_AVX512F void numeral_product_tile_avx512(
    const int P, const int V, const numeral_product *task, ptrdiff_t first) {
  const ptrdiff_t n = task->n, row = task->row, step = task->step;
  const float *a[4], *b = task->b;
  float *c = task->c + first * n;
  __m512 sums[12][2];
#pragma clang loop unroll(full)
  for (int p = 0; p < P; p++)
#pragma clang loop unroll(full)
    for (int v = 0; v < V; v++) sums[p][v] = task->adding ? _mm512_loadu_ps(c + p * n + 16 * v) : _mm512_setzero_ps();
#pragma clang loop unroll(full)
  for (int q = 0; q < (P + 2) / 3; q++) a[q] = task->a + (first + 3 * q) * row;
  for (ptrdiff_t l = 0; l < task->k; l++) {
    const __m512 b0 = _mm512_loadu_ps(b), b1 = V > 1 ? _mm512_loadu_ps(b + 16) : b0;
#pragma clang loop unroll(full)
    for (int p = 0; p < P; p++) {
      const __m512 x = _mm512_set1_ps(NUMERAL_ELEMENT(p));
      sums[p][0] = _mm512_fmadd_ps(x, b0, sums[p][0]);
      if (V > 1) sums[p][1] = _mm512_fmadd_ps(x, b1, sums[p][1]);
    }
    b += n;
#pragma clang loop unroll(full)
    for (int q = 0; q < (P + 2) / 3; q++) a[q] += step;
  }
#pragma clang loop unroll(full)
  for (int p = 0; p < P; p++)
#pragma clang loop unroll(full)
    for (int v = 0; v < V; v++) _mm512_storeu_ps(c + p * n + 16 * v, sums[p][v]);
}

static __attribute__((unused)) NUMERAL_AVX512F void numeral_product_avx512(const numeral_product *task) {
  const ptrdiff_t parts = (task->m + 11) / 12;
  ptrdiff_t first = 0;
  for (ptrdiff_t part = 1; part <= parts; part++) {
    const ptrdiff_t next = task->m * part / parts;
    switch (next - first) {
#define NUMERAL_CASE(P)                                  \
  case P:                                                \
    if (task->vectors > 1)                               \
      numeral_product_tile_avx512(P, 2, task, first);    \
    else                                                 \
      numeral_product_tile_avx512(P, 1, task, first);    \
    break;
      NUMERAL_CASE(1) NUMERAL_CASE(2) NUMERAL_CASE(3) NUMERAL_CASE(4) NUMERAL_CASE(5) NUMERAL_CASE(6)
      NUMERAL_CASE(7) NUMERAL_CASE(8) NUMERAL_CASE(9) NUMERAL_CASE(10) NUMERAL_CASE(11) NUMERAL_CASE(12)
#undef NUMERAL_CASE
    }
    first = next;
  }
}

// AVX2 with fused multiply-adds: up to six rows of 16 columns are twelve registers of sums.
#define NUMERAL_FMA __attribute__((target("avx2,fma")))

static inline __attribute__((always_inline)) NUMERAL_FMA void numeral_product_tile_fma(
    const int P, const numeral_product *task, ptrdiff_t first, ptrdiff_t column) {
  const ptrdiff_t n = task->n, row = task->row, step = task->step;
  const float *a[2], *b = task->b + column;
  float *c = task->c + first * n + column;
  __m256 sums[6][2];
#pragma clang loop unroll(full)
  for (int p = 0; p < P; p++)
#pragma clang loop unroll(full)
    for (int v = 0; v < 2; v++) sums[p][v] = task->adding ? _mm256_loadu_ps(c + p * n + 8 * v) : _mm256_setzero_ps();
#pragma clang loop unroll(full)
  for (int q = 0; q < (P + 2) / 3; q++) a[q] = task->a + (first + 3 * q) * row;
  for (ptrdiff_t l = 0; l < task->k; l++) {
    const __m256 b0 = _mm256_loadu_ps(b), b1 = _mm256_loadu_ps(b + 8);
#pragma clang loop unroll(full)
    for (int p = 0; p < P; p++) {
      const __m256 x = _mm256_set1_ps(NUMERAL_ELEMENT(p));
      sums[p][0] = _mm256_fmadd_ps(x, b0, sums[p][0]);
      sums[p][1] = _mm256_fmadd_ps(x, b1, sums[p][1]);
    }
    b += n;
#pragma clang loop unroll(full)
    for (int q = 0; q < (P + 2) / 3; q++) a[q] += step;
  }
#pragma clang loop unroll(full)
  for (int p = 0; p < P; p++)
#pragma clang loop unroll(full)
    for (int v = 0; v < 2; v++) _mm256_storeu_ps(c + p * n + 8 * v, sums[p][v]);
}

static __attribute__((unused)) NUMERAL_FMA void numeral_product_fma(const numeral_product *task) {
  const ptrdiff_t parts = (task->m + 5) / 6;
  for (ptrdiff_t part = 1, first = 0; part <= parts; part++) {
    const ptrdiff_t next = task->m * part / parts;
    for (ptrdiff_t column = 0; column < 16 * task->vectors; column += 16) switch (next - first) {
#define NUMERAL_CASE(P)                                     \
  case P:                                                   \
    numeral_product_tile_fma(P, task, first, column);       \
    break;
        NUMERAL_CASE(1) NUMERAL_CASE(2) NUMERAL_CASE(3) NUMERAL_CASE(4) NUMERAL_CASE(5) NUMERAL_CASE(6)
#undef NUMERAL_CASE
      }
    first = next;
  }
}
#else

static inline int numeral_has_avx512f(void) { return 0; }
static inline int numeral_has_fma(void) { return 0; }

#endif
#endif
