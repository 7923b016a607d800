#include "Blocks.hpp"

namespace {

template <class Number>
__attribute__((always_inline)) inline void transposeAll(const Number *in, int64_t inStride, Number *out, int64_t outStride, int64_t rows, int64_t columns) {
    int64_t i = 0;
    for (; i + 8 <= rows; i += 8) {
        int64_t j = 0;
        for (; j + 8 <= columns; j += 8) apus::transposeSquare(in + i * inStride + j, inStride, out + j * outStride + i, outStride);
        for (; j < columns; ++j)
            for (int64_t row = i; row < i + 8; ++row) out[j * outStride + row] = in[row * inStride + j];
    }
    for (; i < rows; ++i)
        for (int64_t j = 0; j < columns; ++j) out[j * outStride + i] = in[i * inStride + j];
}

APUS_CLONES void transposeNumbers(const float *in, int64_t inStride, float *out, int64_t outStride, int64_t rows, int64_t columns) { transposeAll(in, inStride, out, outStride, rows, columns); }
APUS_CLONES void transposeNumbers(const uint16_t *in, int64_t inStride, uint16_t *out, int64_t outStride, int64_t rows, int64_t columns) { transposeAll(in, inStride, out, outStride, rows, columns); }

APUS_CLONES void pair(const uint16_t *__restrict first, const uint16_t *__restrict second, uint16_t *__restrict out, int64_t columns) {
    for (int64_t j = 0; j < columns; ++j) {
        const uint32_t both = first[j] | static_cast<uint32_t>(second[j]) << 16;
        __builtin_memcpy(out + 2 * j, &both, sizeof(both));
    }
}

}  // namespace

void apus::transpose(const float *in, int64_t inStride, float *out, int64_t outStride, int64_t rows, int64_t columns) { transposeNumbers(in, inStride, out, outStride, rows, columns); }

void apus::transpose(const uint16_t *in, int64_t inStride, uint16_t *out, int64_t outStride, int64_t rows, int64_t columns) { transposeNumbers(in, inStride, out, outStride, rows, columns); }

void apus::pairRows(const uint16_t *in, int64_t inStride, uint16_t *out, int64_t rows, int64_t columns) {
    for (int64_t i = 0; i + 2 <= rows; i += 2) pair(in + i * inStride, in + (i + 1) * inStride, out + i * columns, columns);
    if (rows % 2 == 0) return;
    const uint16_t *last = in + (rows - 1) * inStride;
    for (int64_t j = 0; j < columns; ++j) {
        out[(rows - 1) * columns + 2 * j] = last[j];
        out[(rows - 1) * columns + 2 * j + 1] = 0;
    }
}

bool apus::multipliesHalves() {
    static const bool found = [] {
        const uint16_t a[4] = {0x3F80, 0x3F80, 0x3F80, 0x3F80}, b[4] = {0x3F80, 0x3F80, 0x3F80, 0x3F80};
        float c[4] = {};
        try {
            multiply(a, 2, b, 2, c, 2, 2, 2, 2, false);
        } catch (const c10::Error &) {
            return false;
        }
        return c[0] == 2;
    }();
    return found;
}
