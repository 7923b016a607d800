// How fused kernels read and write numbers of either precision, and draw for dropout.
#pragma once

#include <vector>

#include "Guard.hpp"

namespace apus {

// c10::BFloat16's own conversions are inline functions, which clang does not emit where only a
// function with clones calls them.
__attribute__((always_inline)) inline float widened(uint16_t bits) {
    return __builtin_bit_cast(float, static_cast<uint32_t>(bits) << 16);
}

/// To the nearest, halves to even; what is not a number stays so.
__attribute__((always_inline)) inline uint16_t rounded(float value) {
    const auto bits = __builtin_bit_cast(uint32_t, value);
    const auto nearest = static_cast<uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    return value != value ? 0x7FC0 : nearest;
}

__attribute__((always_inline)) inline float read(float value) { return value; }
__attribute__((always_inline)) inline float read(uint16_t bits) { return widened(bits); }
__attribute__((always_inline)) inline void write(float &target, float value) { target = value; }
__attribute__((always_inline)) inline void write(uint16_t &target, float value) { target = rounded(value); }

/// What a draw of dropout depends on, as automatic differentiation keeps it.
struct Draw {
    double probability;
    int64_t seed;
    /// The place of each row among those of a whole batch; empty where this is all of it.
    std::vector<int64_t> rows;

    Draw(const apus_draw &draw) : probability(draw.probability), seed(static_cast<int64_t>(draw.seed)), rows(draw.rows, draw.rows + draw.row_count) {}

    /// What `keep` has kept in `data`, a context's.
    template <class Data>
    static Draw kept(Data &data) {
        apus_draw draw{data["probability"].toDouble(), static_cast<uint64_t>(data["seed"].toInt()), nullptr, 0};
        Draw result(draw);
        result.rows = data["rows"].toIntVector();
        return result;
    }

    template <class Data>
    void keep(Data &data) const {
        data["probability"] = probability;
        data["seed"] = seed;
        data["rows"] = rows;
    }
};

/// Dropout's draws: what element i is multiplied by is a function of (seed, i) alone. A hash of 64 bits
/// is the draw of two elements: its lower half of an even one, its upper half of the next.
struct Dropping {
    uint64_t seed;
    uint32_t threshold;
    float scale;
    /// The place of each row among those of a whole batch, or null where this is all of it.
    const int64_t *rows = nullptr;
    int64_t rowCount = 0, rowSize = 0;

    /// The draws of a tensor of so many elements; `draw` outlives them.
    Dropping(const Draw &draw, int64_t elements)
        : seed(static_cast<uint64_t>(draw.seed)), threshold(static_cast<uint32_t>(draw.probability * 4294967296.0)), scale(static_cast<float>(1.0 / (1.0 - draw.probability))) {
        TORCH_CHECK(draw.probability >= 0 && draw.probability < 1, "dropout probability ", draw.probability, " is not in [0, 1)");
        if (draw.rows.empty() || elements == 0) return;
        rowCount = static_cast<int64_t>(draw.rows.size());
        TORCH_CHECK(elements % rowCount == 0, elements, " elements are not ", rowCount, " rows");
        rows = draw.rows.data();
        rowSize = elements / rowCount;
    }

    /// Fills `bits` with the draws of `count` elements from `first`. `Drops` says that the threshold
    /// isn't zero: without dropout nothing is drawn.
    template <bool Drops>
    __attribute__((always_inline)) void fill(uint32_t *__restrict bits, uint64_t first, int64_t count) const {
        if (!Drops) return;
        if (!rows) {
            fillRun(bits, first, count);
            return;
        }
        const auto size = static_cast<uint64_t>(rowSize);
        while (count > 0) {
            const uint64_t row = first / size, place = first % size;
            const int64_t here = count < static_cast<int64_t>(size - place) ? count : static_cast<int64_t>(size - place);
            fillRun(bits, static_cast<uint64_t>(rows[row]) * size + place, here);
            bits += here;
            first += static_cast<uint64_t>(here);
            count -= here;
        }
    }

    /// The draws of elements that follow each other in the whole batch.
    __attribute__((always_inline)) void fillRun(uint32_t *__restrict bits, uint64_t first, int64_t count) const {
        if (count == 0) return;
        if (first % 2 == 1) {
            *bits++ = static_cast<uint32_t>(draw(seed, first / 2) >> 32);
            ++first;
            --count;
        }
        for (int64_t i = 0; i < count / 2; ++i) {
            const uint64_t both = draw(seed, first / 2 + static_cast<uint64_t>(i));
            __builtin_memcpy(bits + 2 * i, &both, sizeof(both));
        }
        if (count % 2 == 1) bits[count - 1] = static_cast<uint32_t>(draw(seed, (first + static_cast<uint64_t>(count)) / 2));
    }

    /// What an element is multiplied by whose draw `fill` has put at `bits`.
    template <bool Drops>
    __attribute__((always_inline)) float factor(const uint32_t *bits) const {
        if (!Drops) return 1.0f;
        return *bits < threshold ? 0.0f : scale;
    }
};

/// So many elements are drawn for at once, into the fastest cache.
constexpr int64_t drawsAtOnce = 512;

/// The numbers of a dense tensor, as floats or as the bits of bfloat16.
template <class Element>
Element *numbers(const at::Tensor &tensor) {
    return reinterpret_cast<Element *>(tensor.data_ptr());
}

inline bool isHalf(const at::Tensor &tensor) {
    TORCH_CHECK(tensor.scalar_type() == at::kFloat || tensor.scalar_type() == at::kBFloat16, "elements of type ", tensor.scalar_type());
    return tensor.scalar_type() == at::kBFloat16;
}

/// Rows whose sums are added up apart, so that the bits don't depend on the number of threads.
constexpr int64_t rowsApart = 64;

/// Calls `body(piece, begin, end)` for each `rowsApart` rows, in parallel.
template <class Body>
void parallelRows(int64_t rows, Body &&body) {
    parallel((rows + rowsApart - 1) / rowsApart, 1, [&](int64_t first, int64_t last) {
        for (int64_t piece = first; piece < last; ++piece) body(piece, piece * rowsApart, std::min(rows, (piece + 1) * rowsApart));
    });
}

}  // namespace apus
