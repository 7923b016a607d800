// Blocks of matrices as oneDNN's kernel for small products reads them.
#pragma once

#include <ATen/native/CPUBlas.h>

#include "Elements.hpp"

namespace apus {

/// Eight rows of eight numbers -> eight columns: in three rounds of interleaving.
template <class Number>
__attribute__((always_inline)) inline void transposeSquare(const Number *in, int64_t inStride, Number *out, int64_t outStride) {
    typedef Number Row __attribute__((vector_size(8 * sizeof(Number)), aligned(sizeof(Number)), may_alias));
    Row rows[8], next[8];
    for (int64_t i = 0; i < 8; ++i) rows[i] = *reinterpret_cast<const Row *>(in + i * inStride);
    for (int round = 0; round < 3; ++round) {
        for (int64_t i = 0; i < 4; ++i) {
            next[2 * i] = __builtin_shufflevector(rows[i], rows[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
            next[2 * i + 1] = __builtin_shufflevector(rows[i], rows[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
        }
        for (int64_t i = 0; i < 8; ++i) rows[i] = next[i];
    }
    for (int64_t i = 0; i < 8; ++i) *reinterpret_cast<Row *>(out + i * outStride) = rows[i];
}

/// in (rows, columns) -> out (columns, rows); a stride is from one row to the next.
void transpose(const float *in, int64_t inStride, float *out, int64_t outStride, int64_t rows, int64_t columns);
void transpose(const uint16_t *in, int64_t inStride, uint16_t *out, int64_t outStride, int64_t rows, int64_t columns);

/// Halves (rows, columns) as the right factor of a product: two rows become one of pairs, and an odd
/// last row is paired with zeros. `out` has room for (rows + 1) / 2 · 2 · columns.
void pairRows(const uint16_t *in, int64_t inStride, uint16_t *out, int64_t rows, int64_t columns);

/// Whether this processor multiplies blocks of halves.
bool multipliesHalves();

/// c = a b or, where it `adds`, c += a b, for a (m, k), b (k, n) and c (m, n) with strides.
inline void multiply(const float *a, int64_t aStride, const float *b, int64_t bStride, float *c, int64_t cStride, int64_t m, int64_t n, int64_t k, bool adds) {
    at::native::cpublas::brgemm(m, n, k, aStride, bStride, cStride, adds, a, b, c, false);
}

/// The same with b in pairs of rows (`pairRows`); k is even.
inline void multiply(const uint16_t *a, int64_t aStride, const uint16_t *b, int64_t bStride, float *c, int64_t cStride, int64_t m, int64_t n, int64_t k, bool adds) {
    at::native::cpublas::brgemm(m, n, k, aStride, bStride, cStride, adds, reinterpret_cast<const at::BFloat16 *>(a), reinterpret_cast<const at::BFloat16 *>(b), c, true);
}

}  // namespace apus
