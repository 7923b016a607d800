// Multi-head self-attention over projected frames (Vaswani et al. 2017, section 3.2), from the scores
// to what the heads gather:
//
//   S = Q Kᵀ / √d + gate · bias, minus infinity at padding;  P = softmax(S);  O = dropout(P) V
//
// where a gate, one number for each row, is there for WavLM alone,
// for each recording and head. The scores of a batch are far larger than all else, and neither they
// nor P ever exist at once: a block of rows goes through all steps in a core's cache. What is kept for
// the backward pass is each row's log Σ exp(S); the block's scores and draws are computed again
// (Dao et al. 2022, FlashAttention, section 3.1). With G = (dO Vᵀ) · draws:
//
//   dS = P · (G - rowsum(P · G)),  dQ = dS K / √d,  dK = dSᵀ Q / √d,  dV = dropout(P)ᵀ dO
//   dbias = gate · dS,  dgate = rowsum(dS · bias)
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>
#include <limits>
#include <vector>

#include "Activations.hpp"
#include "Blocks.hpp"
#include "Device.hpp"

namespace {

using apus::Dropping;
using apus::read;
using apus::write;

/// exp(x) for x ≤ 0 that is zero, not tiny, where a frame is masked.
__attribute__((always_inline)) inline float share(float x) { return x < -87.0f ? 0.0f : apus::exponential(x); }

/// Scores of one row -> weights after dropout, which may take the scores' place; gives log Σ exp.
/// `hidden` is minus infinity at padding, `row` is room for T numbers, `bits` for T draws.
template <bool Drops, class Element>
__attribute__((always_inline)) inline float forwardRow(const float *scores, Element *weights, const float *__restrict hidden, const float *__restrict bias, float gate, float *__restrict row, uint32_t *__restrict bits, float scale, int64_t T, uint64_t first, const Dropping &dropping) {
#pragma clang fp reassociate(on)
    for (int64_t j = 0; j < T; ++j) row[j] = scores[j] * scale + hidden[j];
    if (bias)
        for (int64_t j = 0; j < T; ++j) row[j] += gate * bias[j];
    // Sixteen maxima, as a single one would not vectorise.
    float most[16];
    for (float &each : most) each = -std::numeric_limits<float>::infinity();
    int64_t j = 0;
    for (; j + 16 <= T; j += 16)
        for (int64_t lane = 0; lane < 16; ++lane) most[lane] = row[j + lane] > most[lane] ? row[j + lane] : most[lane];
    for (; j < T; ++j) most[0] = row[j] > most[0] ? row[j] : most[0];
    float maximum = most[0];
    for (float each : most) maximum = each > maximum ? each : maximum;
    float sum = 0;
    for (int64_t i = 0; i < T; ++i) {
        row[i] = share(row[i] - maximum);
        sum += row[i];
    }
    const float inverse = 1.0f / sum;
    dropping.fill<Drops>(bits, first, T);
    for (int64_t i = 0; i < T; ++i) write(weights[i], row[i] * inverse * dropping.factor<Drops>(bits + i));
    return maximum + std::log(sum);
}

/// Scores of one row -> weights after dropout; gradients of the weights -> gradients of the scores; what
/// is written may take the place of what is read. `sums` takes the gradient of the bias, `gateSum` that of the gate, `row` is room
/// for 2 T numbers, `bits` for T draws.
template <bool Drops, class Element>
__attribute__((always_inline)) inline void backwardRow(const float *scores, const float *gradients, Element *weights, Element *slopes, const float *__restrict hidden, const float *__restrict bias, float gate, float *__restrict sums, float *gateSum, float *__restrict row, uint32_t *__restrict bits, float scale, float total, int64_t T, uint64_t first, const Dropping &dropping) {
#pragma clang fp reassociate(on)
    float *__restrict slope = row + T;
    for (int64_t j = 0; j < T; ++j) row[j] = scores[j] * scale + hidden[j] - total;
    if (bias)
        for (int64_t j = 0; j < T; ++j) row[j] += gate * bias[j];
    dropping.fill<Drops>(bits, first, T);
    float mean = 0;
    for (int64_t j = 0; j < T; ++j) {
        const float weight = share(row[j]), factor = dropping.factor<Drops>(bits + j);
        const float g = gradients[j] * factor;
        row[j] = weight;
        slope[j] = g;
        mean += weight * g;
        write(weights[j], weight * factor);
    }
    if (sums)
        for (int64_t j = 0; j < T; ++j) sums[j] += gate * row[j] * (slope[j] - mean);
    if (gateSum) {
        float sum = 0;
        for (int64_t j = 0; j < T; ++j) sum += row[j] * (slope[j] - mean) * bias[j];
        *gateSum = sum;
    }
    for (int64_t j = 0; j < T; ++j) write(slopes[j], row[j] * (slope[j] - mean) * scale);
}

/// What all rows of a block share: room for a row's numbers and draws, and the rows' stride where they
/// are factors of a product.
struct Rows {
    const float *hidden, *bias, *gates;
    float *sums, *gateSums, *totals, *row;
    uint32_t *bits;
    float scale;
    int64_t count, T, stride;
    uint64_t first;
};

#define APUS_ATTENTION_ROWS(ELEMENT)                                                               \
    APUS_CLONES void forwardRows(const float *scores, ELEMENT *weights, const Rows &rows, const Dropping &dropping) { \
        for (int64_t i = 0; i < rows.count; ++i) {                                                 \
            const float *own = scores + i * rows.T, *bias = rows.bias ? rows.bias + i * rows.T : nullptr; \
            const uint64_t first = rows.first + static_cast<uint64_t>(i * rows.T);                 \
            const float gate = rows.gates ? rows.gates[i] : 1.0f;                                  \
            rows.totals[i] = dropping.threshold ? forwardRow<true>(own, weights + i * rows.stride, rows.hidden, bias, gate, rows.row, rows.bits, rows.scale, rows.T, first, dropping) \
                                                : forwardRow<false>(own, weights + i * rows.stride, rows.hidden, bias, gate, rows.row, rows.bits, rows.scale, rows.T, first, dropping); \
        }                                                                                          \
    }                                                                                              \
    APUS_CLONES void backwardRows(const float *scores, const float *gradients, ELEMENT *weights, ELEMENT *slopes, const Rows &rows, const Dropping &dropping) { \
        for (int64_t i = 0; i < rows.count; ++i) {                                                 \
            const int64_t at = i * rows.T, to = i * rows.stride;                                   \
            const float *bias = rows.bias ? rows.bias + at : nullptr;                              \
            float *sums = rows.sums ? rows.sums + at : nullptr;                                    \
            const float gate = rows.gates ? rows.gates[i] : 1.0f;                                  \
            float *gateSum = rows.gateSums ? rows.gateSums + i : nullptr;                          \
            const uint64_t first = rows.first + static_cast<uint64_t>(at);                         \
            if (dropping.threshold) backwardRow<true>(scores + at, gradients + at, weights + to, slopes + to, rows.hidden, bias, gate, sums, gateSum, rows.row, rows.bits, rows.scale, rows.totals[i], rows.T, first, dropping); \
            else backwardRow<false>(scores + at, gradients + at, weights + to, slopes + to, rows.hidden, bias, gate, sums, gateSum, rows.row, rows.bits, rows.scale, rows.totals[i], rows.T, first, dropping); \
        }                                                                                          \
    }

APUS_ATTENTION_ROWS(float)
APUS_ATTENTION_ROWS(uint16_t)

/// The sizes of a batch and its tensors: projected (B, T, 3D), hidden (B, T), bias (heads, T, T) and
/// gates (B, heads, T) or empty.
struct Batch {
    at::Tensor projected, hidden, bias, gates;
    int64_t B, T, heads, d;
    float scale;
    Dropping dropping;

    Batch(const at::Tensor &projected, const at::Tensor &hidden, const at::Tensor &bias, const at::Tensor &gates, int64_t heads, const apus::Draw &draw)
        : projected(projected), hidden(hidden), bias(bias), gates(gates), B(projected.size(0)), T(projected.size(1)), heads(heads), d(projected.size(2) / 3 / heads), scale(static_cast<float>(1.0 / std::sqrt(static_cast<double>(d)))), dropping(draw, B * heads * T * T) {}

    /// Where the queries (0), keys (1) or values (2) of one head begin in `tensor` (B, T, 3D).
    template <class Element>
    Element *part(const at::Tensor &tensor, int64_t index, int64_t b, int64_t head) const {
        return apus::numbers<Element>(tensor) + b * T * 3 * heads * d + (index * heads + head) * d;
    }

    /// So many rows that their scores, gradients and weights stay in a core's second cache.
    int64_t blockRows() const { return std::min(T, std::max<int64_t>(16, (apus::isHalf(projected) ? 32768 : 65536) / T / 16 * 16)); }

    bool hasBias() const { return bias.numel() > 0; }

    /// What `count` rows of a head's scores share.
    Rows rows(int64_t b, int64_t head, int64_t begin, int64_t count, int64_t stride, const at::Tensor &totals, float *sums, float *gateSums, float *row, uint32_t *bits) const {
        const int64_t place = (b * heads + head) * T + begin;
        const float *own = hasBias() ? bias.data_ptr<float>() + (head * T + begin) * T : nullptr;
        const float *ownGates = gates.numel() > 0 ? gates.data_ptr<float>() + place : nullptr;
        return {hidden.data_ptr<float>() + b * T, own, ownGates, sums, gateSums ? gateSums + place : nullptr, totals.data_ptr<float>() + place, row, bits, scale, count, T, stride, static_cast<uint64_t>(place * T)};
    }

    /// Calls `body(b, head)` for all, in parallel; the recordings in order for each head, so that sums
    /// over them have the same bits whatever the number of threads.
    template <class Body>
    void forEach(Body &&body) const {
        if (hasBias())
            apus::parallel(heads, 1, [&](int64_t first, int64_t last) {
                for (int64_t head = first; head < last; ++head)
                    for (int64_t b = 0; b < B; ++b) body(b, head);
            });
        else
            apus::parallel(B * heads, 1, [&](int64_t first, int64_t last) {
                for (int64_t each = first; each < last; ++each) body(each / heads, each % heads);
            });
    }
};

/// The depth of a product that sums over `count`: halves are multiplied in pairs.
template <class Element>
int64_t depth(int64_t count) { return sizeof(Element) == 2 ? (count + 1) / 2 * 2 : count; }

/// The right factor of a product as oneDNN reads it: numbers row by row, halves in pairs of rows.
template <class Element>
struct Factor {
    std::vector<Element> room;
    const Element *data = nullptr;
    int64_t stride = 0;

    /// Takes rows (count, width) as they are.
    void take(const Element *in, int64_t inStride, int64_t count, int64_t width) {
        if constexpr (sizeof(Element) == 2) {
            room.resize(static_cast<size_t>(depth<Element>(count) * width));
            apus::pairRows(in, inStride, room.data(), count, width);
            data = room.data();
            stride = width;
        } else {
            data = in;
            stride = inStride;
        }
    }

    /// Takes the transpose of rows (count, width); two halves are turned as one word.
    void takeTransposed(const Element *in, int64_t inStride, int64_t count, int64_t width) {
        constexpr int64_t each = sizeof(float) / sizeof(Element);
        room.resize(static_cast<size_t>(count * width));
        apus::transpose(reinterpret_cast<const float *>(in), inStride / each, reinterpret_cast<float *>(room.data()), count, count, width / each);
        data = room.data();
        stride = count;
    }
};

/// A block of scores (rows, T) and what is made of it: numbers take the scores' place, halves have their
/// own, where each row has a zero behind it if T is odd.
template <class Element>
struct Block {
    std::vector<float> scores;
    std::vector<Element> room;

    Block(int64_t rows, int64_t T) : scores(static_cast<size_t>(rows * T)), room(static_cast<size_t>(sizeof(Element) == 2 ? rows * depth<Element>(T) : 0)) {}

    Element *made() {
        if constexpr (sizeof(Element) == 2) return room.data();
        else return scores.data();
    }
};

/// sum (width, T) += inᵀ block for in (count, width) and block (count, T); `columns` is room for inᵀ.
template <class Element>
void addColumns(const Element *in, int64_t inStride, const Element *block, int64_t count, int64_t width, int64_t T, std::vector<Element> &columns, Factor<Element> &factor, std::vector<float> &sum) {
    const int64_t deep = depth<Element>(count);
    columns.assign(static_cast<size_t>(width * deep), 0);
    apus::transpose(in, inStride, columns.data(), deep, count, width);
    factor.take(block, depth<Element>(T), count, T);
    apus::multiply(columns.data(), deep, factor.data, factor.stride, sum.data(), T, width, T, deep, true);
}

template <class Element>
void store(const std::vector<float> &from, Element *to, int64_t stride, int64_t rows, int64_t width) {
    for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < width; ++j) write(to[i * stride + j], from[static_cast<size_t>(i * width + j)]);
}

template <class Element>
void attend(const Batch &batch, const at::Tensor &out, const at::Tensor &totals) {
    const int64_t T = batch.T, d = batch.d, D = batch.heads * d, most = batch.blockRows(), deep = depth<Element>(T);
    batch.forEach([&](int64_t b, int64_t head) {
        Factor<Element> keys, values;
        keys.takeTransposed(batch.part<Element>(batch.projected, 1, b, head), 3 * D, T, d);
        values.take(batch.part<Element>(batch.projected, 2, b, head), 3 * D, T, d);
        Block<Element> block(most, T);
        std::vector<float> gathered(static_cast<size_t>(most * d)), row(static_cast<size_t>(T));
        std::vector<uint32_t> bits(static_cast<size_t>(T));
        for (int64_t begin = 0; begin < T; begin += most) {
            const int64_t count = std::min(most, T - begin);
            const Rows rows = batch.rows(b, head, begin, count, deep, totals, nullptr, nullptr, row.data(), bits.data());
            apus::multiply(batch.part<Element>(batch.projected, 0, b, head) + begin * 3 * D, 3 * D, keys.data, keys.stride, block.scores.data(), T, count, T, d, false);
            forwardRows(block.scores.data(), block.made(), rows, batch.dropping);
            apus::multiply(block.made(), deep, values.data, values.stride, gathered.data(), d, count, d, deep, false);
            store(gathered, apus::numbers<Element>(out) + (b * T + begin) * D + head * d, D, count, d);
        }
    });
}

template <class Element>
void attendBackward(const Batch &batch, const at::Tensor &gradient, const at::Tensor &totals, const at::Tensor &derivative, const at::Tensor &biasDerivative, const at::Tensor &gateDerivative) {
    const int64_t T = batch.T, d = batch.d, D = batch.heads * d, most = batch.blockRows(), deep = depth<Element>(T);
    batch.forEach([&](int64_t b, int64_t head) {
        const Element *keyRows = batch.part<Element>(batch.projected, 1, b, head);
        Factor<Element> keyColumns, valueColumns, keys, made;
        keyColumns.takeTransposed(keyRows, 3 * D, T, d);
        valueColumns.takeTransposed(batch.part<Element>(batch.projected, 2, b, head), 3 * D, T, d);
        keys.take(keyRows, 3 * D, T, d);
        Block<Element> weights(most, T), slopes(most, T);
        std::vector<float> keySum(static_cast<size_t>(d * T)), valueSum(keySum.size()), turned(keySum.size()), row(static_cast<size_t>(2 * T));
        std::vector<uint32_t> bits(static_cast<size_t>(T));
        std::vector<Element> columns;
        for (int64_t begin = 0; begin < T; begin += most) {
            const int64_t count = std::min(most, T - begin);
            const Element *queries = batch.part<Element>(batch.projected, 0, b, head) + begin * 3 * D;
            const Element *gathered = apus::numbers<Element>(gradient) + (b * T + begin) * D + head * d;
            float *sums = batch.hasBias() ? biasDerivative.data_ptr<float>() + (head * T + begin) * T : nullptr;
            const Rows rows = batch.rows(b, head, begin, count, deep, totals, sums, gateDerivative.numel() > 0 ? gateDerivative.data_ptr<float>() : nullptr, row.data(), bits.data());
            apus::multiply(queries, 3 * D, keyColumns.data, keyColumns.stride, weights.scores.data(), T, count, T, d, false);
            apus::multiply(gathered, D, valueColumns.data, valueColumns.stride, slopes.scores.data(), T, count, T, d, false);
            backwardRows(weights.scores.data(), slopes.scores.data(), weights.made(), slopes.made(), rows, batch.dropping);
            addColumns(gathered, D, weights.made(), count, d, T, columns, made, valueSum);
            addColumns(queries, 3 * D, slopes.made(), count, d, T, columns, made, keySum);
            apus::multiply(slopes.made(), deep, keys.data, keys.stride, turned.data(), d, count, d, deep, false);
            store(turned, batch.part<Element>(derivative, 0, b, head) + begin * 3 * D, 3 * D, count, d);
        }
        for (int64_t index : {1, 2}) {
            apus::transpose((index == 1 ? keySum : valueSum).data(), T, turned.data(), d, d, T);
            store(turned, batch.part<Element>(derivative, index, b, head), 3 * D, T, d);
        }
    });
}

struct Attention : torch::autograd::Function<Attention> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &projected, const at::Tensor &hidden, const at::Tensor &bias, const at::Tensor &gates, int64_t heads, const apus::Draw &draw) {
        const Batch batch(projected.contiguous(), hidden, bias.contiguous(), gates.contiguous(), heads, draw);
        auto out = at::empty({batch.B, batch.T, heads * batch.d}, projected.options());
        auto totals = at::empty({batch.B, heads, batch.T}, hidden.options());
        if (apus::isHalf(projected)) attend<uint16_t>(batch, out, totals);
        else attend<float>(batch, out, totals);
        context->save_for_backward({batch.projected, hidden, batch.bias, batch.gates, totals});
        context->saved_data["heads"] = heads;
        draw.keep(context->saved_data);
        return out;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context, torch::autograd::variable_list gradients) {
        const auto saved = context->get_saved_variables();
        auto &data = context->saved_data;
        const auto draw = apus::Draw::kept(data);
        const Batch batch(saved[0], saved[1], saved[2], saved[3], data["heads"].toInt(), draw);
        const auto gradient = gradients[0].contiguous();
        auto derivative = at::empty_like(batch.projected);
        const auto biasDerivative = at::zeros_like(batch.bias), gateDerivative = at::zeros_like(batch.gates);
        if (apus::isHalf(gradient)) attendBackward<uint16_t>(batch, gradient, saved[4], derivative, biasDerivative, gateDerivative);
        else attendBackward<float>(batch, gradient, saved[4], derivative, biasDerivative, gateDerivative);
        return {derivative, at::Tensor(), biasDerivative, gateDerivative, at::Tensor(), at::Tensor()};
    }
};

/// The same where the kernel can't run: all scores exist at once.
at::Tensor composed(const at::Tensor &projected, const at::Tensor &hidden, const std::optional<at::Tensor> &bias, const std::optional<at::Tensor> &gates, int64_t heads, const apus::Draw &draw) {
    const apus::TypesKept kept;
    const int64_t B = projected.size(0), T = projected.size(1), D = projected.size(2) / 3;
    const auto parts = projected.view({B, T, 3, heads, D / heads}).permute({2, 0, 3, 1, 4}).unbind();  // (B, heads, T, d) each
    auto scores = at::matmul(parts[0], parts[1].transpose(2, 3)).to(at::kFloat) * (1.0 / std::sqrt(static_cast<double>(D / heads))) + hidden.view({B, 1, 1, T});
    if (bias) scores = scores + (gates ? gates->unsqueeze(-1) * *bias : *bias);
    const auto weights = apus::dropped(at::softmax(scores, -1), draw).to(projected.scalar_type());
    return at::matmul(weights, parts[2]).transpose(1, 2).reshape({B, T, D});
}

}  // namespace

apus_status apus_attention(apus_tensor projected, apus_tensor padding, apus_tensor bias, apus_tensor gates, int64_t heads, apus_draw draw, apus_tensor *out) APUS_NOEXCEPT {
    return apus::made(out, [&] {
        const auto &frames = projected->value;
        TORCH_CHECK(frames.dim() == 3 && heads > 0 && frames.size(2) % (3 * heads) == 0, "projected frames ", frames.sizes(), " of ", heads, " heads");
        const int64_t B = frames.size(0), T = frames.size(1);
        TORCH_CHECK(!padding || padding->value.numel() == B * T, "padding ", padding->value.sizes(), " doesn't fit ", frames.sizes());
        TORCH_CHECK(!bias || bias->value.sizes() == at::IntArrayRef({heads, T, T}), "a bias ", bias->value.sizes(), " doesn't fit ", frames.sizes());
        TORCH_CHECK(!gates || (bias && gates->value.sizes() == at::IntArrayRef({B, heads, T})), "gates that don't fit ", frames.sizes());
        auto hidden = at::zeros({B, T}, frames.options().dtype(at::kFloat));
        if (padding) hidden.masked_fill_(padding->value.reshape({B, T}), -std::numeric_limits<float>::infinity());
        // Pairs of halves are of one frame, and not every processor multiplies them.
        const bool fits = frames.scalar_type() != at::kBFloat16 || (apus::multipliesHalves() && frames.size(2) / 3 / heads % 2 == 0);
        const auto optional = [](apus_tensor each) { return each ? std::optional(each->value) : std::nullopt; };
        if (!apus::hasKernels(frames) || !fits) return composed(frames.contiguous(), hidden, optional(bias), optional(gates), heads, draw);
        const auto none = at::empty({0}, hidden.options());
        return Attention::apply(frames, hidden, bias ? bias->value : none, gates ? gates->value : none, heads, apus::Draw(draw));
    });
}
