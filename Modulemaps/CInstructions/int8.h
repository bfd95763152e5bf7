// Sums of products of bytes, for which Swift has no instruction. Each function is compiled for the processors that its name tells, whatever
// the build's own are, so that one program can choose when it runs. All of them give the same bits: sums are exact integers, and what
// follows is one multiplication and one rounding each.
#ifndef NUMERAL_INT8_H
#define NUMERAL_INT8_H
#include <stddef.h>
#include <stdint.h>

// A row of output pixels, and what each is the sum of: for output f of pixel p
//   sum = bias[f] + Σ over runs r and bytes i of a run: x[p·pixel + offsets[r] + i] · w[r][i][f]
// x are unsigned, w signed bytes. w lies as [runs][words][16·vectors][4] with `vectors` 1 or 2; where a run is no multiple of four bytes,
// zeros in w stand against what follows it in x.
typedef struct {
  const uint8_t *x;
  ptrdiff_t pixel;           // bytes from one pixel to the next
  const ptrdiff_t *offsets;  // of the runs
  int32_t runs, words;       // words of four bytes in a run
  int32_t pixels;
} numeral_int8_row;

// What becomes of the sums: with `bytes`, clamp(round_to_even(sum · scale[f]) + zero, low…255); else max(sum · scale[f], floor) in `floats`.
typedef struct {
  const float *scale;
  uint8_t *bytes;
  float *floats;
  ptrdiff_t pixel;  // elements from one pixel to the next
  int32_t filters;  // outputs that are written, at most 16·vectors
  int32_t zero, low;
  float floor;
} numeral_int8_target;

// Rounds to even, |x| below 2^22.
static inline int32_t numeral_int8_rounded(float x) { return (int32_t)((x + 12582912.0f) - 12582912.0f); }

// On any processor.
static inline void numeral_int8_row_portable(const numeral_int8_row *row, const int8_t *w, int vectors,
                                             const int32_t *bias, const numeral_int8_target *out) {
  const float high = (float)(255 - out->zero), low = (float)(out->low - out->zero);
  for (int p = 0; p < row->pixels; p++) {
    for (int v = 0; v < vectors; v++) {
      int32_t sums[16];
      for (int f = 0; f < 16; f++) sums[f] = bias[16 * v + f];
      const int8_t *taps = w + 64 * v;
      for (int r = 0; r < row->runs; r++) {
        const uint8_t *x = row->x + p * row->pixel + row->offsets[r];
        for (int i = 0; i < row->words; i++, x += 4, taps += 64 * vectors)
          for (int f = 0; f < 16; f++)
            sums[f] += x[0] * taps[4 * f] + x[1] * taps[4 * f + 1] + x[2] * taps[4 * f + 2] + x[3] * taps[4 * f + 3];
      }
      const int left = out->filters - 16 * v, filters = left < 16 ? left : 16;
      const ptrdiff_t place = p * out->pixel + 16 * v;
      for (int f = 0; f < filters; f++) {
        float value = (float)sums[f] * out->scale[16 * v + f];
        if (out->bytes) {
          value = value < high ? value : high;
          value = value > low ? value : low;
          out->bytes[place + f] = (uint8_t)(numeral_int8_rounded(value) + out->zero);
        } else {
          out->floats[place + f] = value > out->floor ? value : out->floor;
        }
      }
    }
  }
}

// y[i] = clamp(round_to_even(x[i] / scale) + zero, 0…255); 255 for what is not a number.
static inline __attribute__((always_inline)) void numeral_int8_quantize_portable(const float *x, ptrdiff_t count, float scale, int32_t zero, uint8_t *y) {
  const float high = (float)(255 - zero), low = (float)-zero;
  for (ptrdiff_t i = 0; i < count; i++) {
    float value = x[i] / scale;
    value = value < high ? value : high;
    value = value > low ? value : low;
    y[i] = (uint8_t)(numeral_int8_rounded(value) + zero);
  }
}

// The largest of `rows`·`columns` pixels for each output pixel, channel by channel: x[r·line + (p·columns + c)·channels].
static inline __attribute__((always_inline)) void numeral_int8_pool_portable(const uint8_t *x, ptrdiff_t line, int rows, int columns, int channels,
                                              int pixels, uint8_t *y, ptrdiff_t target) {
  for (int p = 0; p < pixels; p++)
    for (int f = 0; f < channels; f++) {
      uint8_t most = 0;
      for (int r = 0; r < rows; r++)
        for (int c = 0; c < columns; c++) {
          const uint8_t value = x[r * line + ((ptrdiff_t)p * columns + c) * channels + f];
          most = value > most ? value : most;
        }
      y[p * target + f] = most;
    }
}

#if defined(__x86_64__)
#include <immintrin.h>

static inline int numeral_int8_has_avx512vnni(void) {
  return __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}
static inline int numeral_int8_has_avxvnni(void) {
  return __builtin_cpu_supports("avxvnni") && __builtin_cpu_supports("avx2");
}

static inline int numeral_int8_has_avx2(void) { return __builtin_cpu_supports("avx2"); }

// AVX-512 with VNNI: up to 14 pixels of 32 outputs are 28 registers of sums.
#define NUMERAL_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))

static inline __attribute__((always_inline)) NUMERAL_AVX512 void numeral_int8_tile_avx512vnni(
    const int P, const int V, const numeral_int8_row *row, int first, const int8_t *w, const int32_t *bias,
    const numeral_int8_target *out) {
  __m512i sums[14][2];
#pragma clang loop unroll(full)
  for (int p = 0; p < P; p++)
#pragma clang loop unroll(full)
    for (int v = 0; v < V; v++) sums[p][v] = _mm512_loadu_si512(bias + 16 * v);
  const ptrdiff_t pixel = row->pixel;
  const int words = row->words;
  for (int r = 0; r < row->runs; r++) {
    const uint8_t *x = row->x + first * pixel + row->offsets[r];
    for (int i = 0; i < words; i++, x += 4, w += 64 * V) {
      const __m512i w0 = _mm512_loadu_si512(w), w1 = V > 1 ? _mm512_loadu_si512(w + 64) : w0;
#pragma clang loop unroll(full)
      for (int p = 0; p < P; p++) {
        int32_t word;
        __builtin_memcpy(&word, x + p * pixel, 4);
        const __m512i four = _mm512_set1_epi32(word);
        sums[p][0] = _mm512_dpbusd_epi32(sums[p][0], four, w0);
        if (V > 1) sums[p][1] = _mm512_dpbusd_epi32(sums[p][1], four, w1);
      }
    }
  }
  // Too large a number becomes 2³¹, which is the largest byte when it is narrowed: it need not be cut before.
  const __m512 low = _mm512_set1_ps((float)(out->low - out->zero)), floor = _mm512_set1_ps(out->floor);
  const __m512i zero = _mm512_set1_epi32(out->zero);
#pragma clang loop unroll(full)
  for (int v = 0; v < V; v++) {
    const int left = out->filters - 16 * v;
    const __mmask16 mask = left >= 16 ? 0xffff : (__mmask16)((1u << left) - 1);
    const __m512 scale = _mm512_loadu_ps(out->scale + 16 * v);
    const ptrdiff_t start = first * out->pixel + 16 * v;
    if (out->bytes && left >= 16) {
#pragma clang loop unroll(full)
      for (int p = 0; p < P; p++) {
        const __m512 value = _mm512_max_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(sums[p][v]), scale), low);
        const __m512i whole = _mm512_add_epi32(_mm512_cvtps_epi32(value), zero);
        _mm_storeu_si128((__m128i *)(out->bytes + start + p * out->pixel), _mm512_cvtusepi32_epi8(whole));
      }
    } else if (out->bytes) {
#pragma clang loop unroll(full)
      for (int p = 0; p < P; p++) {
        const __m512 value = _mm512_max_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(sums[p][v]), scale), low);
        const __m512i whole = _mm512_add_epi32(_mm512_cvtps_epi32(value), zero);
        _mm512_mask_cvtusepi32_storeu_epi8(out->bytes + start + p * out->pixel, mask, whole);
      }
    } else {
#pragma clang loop unroll(full)
      for (int p = 0; p < P; p++) {
        const __m512 value = _mm512_mul_ps(_mm512_cvtepi32_ps(sums[p][v]), scale);
        _mm512_mask_storeu_ps(out->floats + start + p * out->pixel, mask, _mm512_max_ps(value, floor));
      }
    }
  }
}

static __attribute__((unused)) NUMERAL_AVX512 void numeral_int8_row_avx512vnni(
    const numeral_int8_row *row, const int8_t *w, int vectors, const int32_t *bias, const numeral_int8_target *out) {
  const int parts = (row->pixels + 13) / 14;
  int first = 0;
  for (int part = 1; part <= parts; part++) {
    const int next = (int)((long)row->pixels * part / parts);
    switch (next - first) {
#define NUMERAL_CASE(P)                                                             \
  case P:                                                                           \
    if (vectors > 1)                                                                \
      numeral_int8_tile_avx512vnni(P, 2, row, first, w, bias, out);                 \
    else                                                                            \
      numeral_int8_tile_avx512vnni(P, 1, row, first, w, bias, out);                 \
    break;
      NUMERAL_CASE(1) NUMERAL_CASE(2) NUMERAL_CASE(3) NUMERAL_CASE(4) NUMERAL_CASE(5) NUMERAL_CASE(6) NUMERAL_CASE(7)
      NUMERAL_CASE(8) NUMERAL_CASE(9) NUMERAL_CASE(10) NUMERAL_CASE(11) NUMERAL_CASE(12) NUMERAL_CASE(13) NUMERAL_CASE(14)
#undef NUMERAL_CASE
    }
    first = next;
  }
}

static __attribute__((unused)) NUMERAL_AVX512 void numeral_int8_quantize_avx512(
    const float *x, ptrdiff_t count, float scale, int32_t zero, uint8_t *y) {
  const __m512 high = _mm512_set1_ps((float)(255 - zero)), low = _mm512_set1_ps((float)-zero);
  for (ptrdiff_t i = 0; i < count; i += 16) {
    const __mmask16 mask = count - i >= 16 ? 0xffff : (__mmask16)((1u << (count - i)) - 1);
    __m512 value = _mm512_div_ps(_mm512_maskz_loadu_ps(mask, x + i), _mm512_set1_ps(scale));
    value = _mm512_max_ps(_mm512_min_ps(value, high), low);
    const __m512i whole = _mm512_add_epi32(_mm512_cvtps_epi32(value), _mm512_set1_epi32(zero));
    _mm512_mask_cvtusepi32_storeu_epi8(y + i, mask, whole);
  }
}

static __attribute__((unused)) NUMERAL_AVX512 void numeral_int8_pool_avx512(
    const uint8_t *x, ptrdiff_t line, int rows, int columns, int channels, int pixels, uint8_t *y, ptrdiff_t target) {
  for (int p = 0; p < pixels; p++)
    for (int f = 0; f < channels; f += 32) {
      const __mmask32 mask = channels - f >= 32 ? 0xffffffff : (__mmask32)((1u << (channels - f)) - 1);
      __m256i most = _mm256_setzero_si256();
      for (int r = 0; r < rows; r++)
        for (int c = 0; c < columns; c++)
          most = _mm256_max_epu8(
              most, _mm256_maskz_loadu_epi8(mask, x + r * line + ((ptrdiff_t)p * columns + c) * channels + f));
      _mm256_mask_storeu_epi8(y + p * target + f, mask, most);
    }
}

#define NUMERAL_AVX2 __attribute__((target("avx2")))

// 16 sums of a pixel, written.
static inline __attribute__((always_inline)) NUMERAL_AVX2 void numeral_int8_finish_avx2(
    __m256i first, __m256i second, const float *scales, ptrdiff_t place, int filters, const numeral_int8_target *out) {
  __m256 a = _mm256_mul_ps(_mm256_cvtepi32_ps(first), _mm256_loadu_ps(scales));
  __m256 b = _mm256_mul_ps(_mm256_cvtepi32_ps(second), _mm256_loadu_ps(scales + 8));
  if (out->bytes) {
    const __m256 high = _mm256_set1_ps((float)(255 - out->zero)), low = _mm256_set1_ps((float)(out->low - out->zero));
    const __m256i zero = _mm256_set1_epi32(out->zero);
    a = _mm256_max_ps(_mm256_min_ps(a, high), low);
    b = _mm256_max_ps(_mm256_min_ps(b, high), low);
    const __m256i pair = _mm256_packs_epi32(
        _mm256_add_epi32(_mm256_cvtps_epi32(a), zero), _mm256_add_epi32(_mm256_cvtps_epi32(b), zero));
    const __m256i ordered = _mm256_permute4x64_epi64(pair, 0xd8);
    const __m128i whole = _mm_packus_epi16(_mm256_castsi256_si128(ordered), _mm256_extracti128_si256(ordered, 1));
    if (filters == 16) {
      _mm_storeu_si128((__m128i *)(out->bytes + place), whole);
    } else {
      uint8_t all[16];
      _mm_storeu_si128((__m128i *)all, whole);
      __builtin_memcpy(out->bytes + place, all, (size_t)filters);
    }
  } else {
    float all[16];
    _mm256_storeu_ps(all, _mm256_max_ps(a, _mm256_set1_ps(out->floor)));
    _mm256_storeu_ps(all + 8, _mm256_max_ps(b, _mm256_set1_ps(out->floor)));
    __builtin_memcpy(out->floats + place, all, sizeof(float) * (size_t)filters);
  }
}

// What any processor does, compiled for this one.
static __attribute__((unused)) NUMERAL_AVX2 void numeral_int8_quantize_avx2(
    const float *x, ptrdiff_t count, float scale, int32_t zero, uint8_t *y) {
  numeral_int8_quantize_portable(x, count, scale, zero, y);
}
static __attribute__((unused)) NUMERAL_AVX2 void numeral_int8_pool_avx2(
    const uint8_t *x, ptrdiff_t line, int rows, int columns, int channels, int pixels, uint8_t *y, ptrdiff_t target) {
  numeral_int8_pool_portable(x, line, rows, columns, channels, pixels, y, target);
}

// AVX2 with VNNI: up to six pixels of 16 outputs are twelve registers of sums.
#define NUMERAL_AVXVNNI __attribute__((target("avx2,avxvnni")))

static inline __attribute__((always_inline)) NUMERAL_AVXVNNI void numeral_int8_tile_avxvnni(
    const int P, const numeral_int8_row *row, int first, const int8_t *w, int vectors, const int32_t *bias, int filters,
    const float *scales, ptrdiff_t offset, const numeral_int8_target *out) {
  __m256i sums[6][2];
#pragma clang loop unroll(full)
  for (int p = 0; p < P; p++) {
    sums[p][0] = _mm256_loadu_si256((const __m256i *)bias);
    sums[p][1] = _mm256_loadu_si256((const __m256i *)(bias + 8));
  }
  const ptrdiff_t pixel = row->pixel;
  for (int r = 0; r < row->runs; r++) {
    const uint8_t *x = row->x + first * pixel + row->offsets[r];
    for (int i = 0; i < row->words; i++, x += 4, w += 64 * vectors) {
      const __m256i w0 = _mm256_loadu_si256((const __m256i *)w), w1 = _mm256_loadu_si256((const __m256i *)(w + 32));
#pragma clang loop unroll(full)
      for (int p = 0; p < P; p++) {
        int32_t word;
        __builtin_memcpy(&word, x + p * pixel, 4);
        const __m256i four = _mm256_set1_epi32(word);
        sums[p][0] = _mm256_dpbusd_avx_epi32(sums[p][0], four, w0);
        sums[p][1] = _mm256_dpbusd_avx_epi32(sums[p][1], four, w1);
      }
    }
  }
#pragma clang loop unroll(full)
  for (int p = 0; p < P; p++) numeral_int8_finish_avx2(sums[p][0], sums[p][1], scales, (first + p) * out->pixel + offset, filters, out);
}

static __attribute__((unused)) NUMERAL_AVXVNNI void numeral_int8_row_avxvnni(
    const numeral_int8_row *row, const int8_t *w, int vectors, const int32_t *bias, const numeral_int8_target *out) {
  const int parts = (row->pixels + 5) / 6;
  for (int v = 0; v < vectors; v++) {
    const int left = out->filters - 16 * v, filters = left < 16 ? left : 16;
    int first = 0;
    for (int part = 1; part <= parts; part++) {
      const int next = (int)((long)row->pixels * part / parts);
      switch (next - first) {
#define NUMERAL_CASE(P)                                                                                              \
  case P:                                                                                                            \
    numeral_int8_tile_avxvnni(P, row, first, w + 64 * v, vectors, bias + 16 * v, filters, out->scale + 16 * v, 16 * v, out); \
    break;
        NUMERAL_CASE(1) NUMERAL_CASE(2) NUMERAL_CASE(3) NUMERAL_CASE(4) NUMERAL_CASE(5) NUMERAL_CASE(6)
#undef NUMERAL_CASE
      }
      first = next;
    }
  }
}

// AVX2 alone: bytes are widened to 16 bits, since its product of bytes saturates. Pairs of products lie in neighbouring lanes until the end.
static inline __attribute__((always_inline)) NUMERAL_AVX2 void numeral_int8_tile_avx2(
    const int P, const numeral_int8_row *row, int first, const int8_t *w, int vectors, const int32_t *bias, int filters,
    const float *scales, ptrdiff_t offset, const numeral_int8_target *out) {
  __m256i sums[3][4];
#pragma clang loop unroll(full)
  for (int p = 0; p < P; p++)
#pragma clang loop unroll(full)
    for (int q = 0; q < 4; q++) sums[p][q] = _mm256_setzero_si256();
  const ptrdiff_t pixel = row->pixel;
  for (int r = 0; r < row->runs; r++) {
    const uint8_t *x = row->x + first * pixel + row->offsets[r];
    for (int i = 0; i < row->words; i++, x += 4, w += 64 * vectors) {
      __m256i four[3];
#pragma clang loop unroll(full)
      for (int p = 0; p < P; p++) {
        int32_t word;
        __builtin_memcpy(&word, x + p * pixel, 4);
        four[p] = _mm256_cvtepu8_epi16(_mm_set1_epi32(word));
      }
#pragma clang loop unroll(full)
      for (int q = 0; q < 4; q++) {
        const __m256i wide = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(w + 16 * q)));
#pragma clang loop unroll(full)
        for (int p = 0; p < P; p++) sums[p][q] = _mm256_add_epi32(sums[p][q], _mm256_madd_epi16(four[p], wide));
      }
    }
  }
#pragma clang loop unroll(full)
  for (int p = 0; p < P; p++) {
    // hadd leaves outputs 0 1 4 5 | 2 3 6 7.
    const __m256i a = _mm256_permute4x64_epi64(_mm256_hadd_epi32(sums[p][0], sums[p][1]), 0xd8);
    const __m256i b = _mm256_permute4x64_epi64(_mm256_hadd_epi32(sums[p][2], sums[p][3]), 0xd8);
    numeral_int8_finish_avx2(
        _mm256_add_epi32(a, _mm256_loadu_si256((const __m256i *)bias)),
        _mm256_add_epi32(b, _mm256_loadu_si256((const __m256i *)(bias + 8))), scales, (first + p) * out->pixel + offset,
        filters, out);
  }
}

static __attribute__((unused)) NUMERAL_AVX2 void numeral_int8_row_avx2(
    const numeral_int8_row *row, const int8_t *w, int vectors, const int32_t *bias, const numeral_int8_target *out) {
  const int parts = (row->pixels + 2) / 3;
  for (int v = 0; v < vectors; v++) {
    const int left = out->filters - 16 * v, filters = left < 16 ? left : 16;
    int first = 0;
    for (int part = 1; part <= parts; part++) {
      const int next = (int)((long)row->pixels * part / parts);
      switch (next - first) {
#define NUMERAL_CASE(P)                                                                                              \
  case P:                                                                                                            \
    numeral_int8_tile_avx2(P, row, first, w + 64 * v, vectors, bias + 16 * v, filters, out->scale + 16 * v, 16 * v, out); \
    break;
        NUMERAL_CASE(1) NUMERAL_CASE(2) NUMERAL_CASE(3)
#undef NUMERAL_CASE
      }
      first = next;
    }
  }
}

#else

static inline int numeral_int8_has_avx512vnni(void) { return 0; }
static inline int numeral_int8_has_avxvnni(void) { return 0; }
static inline int numeral_int8_has_avx2(void) { return 0; }

#endif
#endif
