// Multi-head self-attention over projected frames (Vaswani et al. 2017, section 3.2), from the scores
// to what the heads gather:
//
//   S = Q Kᵀ / √d + bias, minus infinity at padding;  P = softmax(S);  O = dropout(P) V
//
// for each recording and head. The scores of a batch are far larger than all else, and neither they
// nor P ever exist at once: a block of rows goes through all steps in a core's cache. What is kept for
// the backward pass is each row's log Σ exp(S); the block's scores and draws are computed again
// (Dao et al. 2022, FlashAttention, section 3.1). With G = (dO Vᵀ) · draws:
//
//   dS = P · (G - rowsum(P · G)),  dQ = dS K / √d,  dK = dSᵀ Q / √d,  dV = dropout(P)ᵀ dO
#include <ATen/native/CPUBlas.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>
#include <limits>

#include "Activations.hpp"
#include "Device.hpp"

namespace {

using apus::Dropping;
using apus::read;
using apus::write;

/// exp(x) for x ≤ 0 that is zero, not tiny, where a frame is masked.
__attribute__((always_inline)) inline float share(float x) { return x < -87.0f ? 0.0f : apus::exponential(x); }

/// Scores of one row -> weights after dropout; gives log Σ exp. `hidden` is minus infinity at padding,
/// `row` is room for T numbers.
template <bool Drops, class Element>
__attribute__((always_inline)) inline float forwardRow(Element *__restrict scores, const float *__restrict hidden, const float *__restrict bias, float *__restrict row, float scale, int64_t T, uint64_t first, const Dropping &dropping) {
#pragma clang fp reassociate(on)
    for (int64_t j = 0; j < T; ++j) row[j] = read(scores[j]) * scale + hidden[j];
    if (bias)
        for (int64_t j = 0; j < T; ++j) row[j] += bias[j];
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
    for (int64_t i = 0; i < T; ++i) write(scores[i], row[i] * inverse * dropping.factor<Drops>(first + static_cast<uint64_t>(i)));
    return maximum + std::log(sum);
}

/// Scores of one row -> weights after dropout; gradients of the weights -> gradients of the scores.
/// `sums` takes the gradient of the bias, `row` is room for 2 T numbers.
template <bool Drops, class Element>
__attribute__((always_inline)) inline void backwardRow(Element *__restrict scores, Element *__restrict gradients, const float *__restrict hidden, const float *__restrict bias, float *__restrict sums, float *__restrict row, float scale, float total, int64_t T, uint64_t first, const Dropping &dropping) {
#pragma clang fp reassociate(on)
    float *__restrict slope = row + T;
    for (int64_t j = 0; j < T; ++j) row[j] = read(scores[j]) * scale + hidden[j] - total;
    if (bias)
        for (int64_t j = 0; j < T; ++j) row[j] += bias[j];
    float mean = 0;
    for (int64_t j = 0; j < T; ++j) {
        const float weight = share(row[j]), factor = dropping.factor<Drops>(first + static_cast<uint64_t>(j));
        const float g = read(gradients[j]) * factor;
        row[j] = weight;
        slope[j] = g;
        mean += weight * g;
        write(scores[j], weight * factor);
    }
    if (sums)
        for (int64_t j = 0; j < T; ++j) sums[j] += row[j] * (slope[j] - mean);
    for (int64_t j = 0; j < T; ++j) write(gradients[j], row[j] * (slope[j] - mean) * scale);
}

#define APUS_ATTENTION_ROWS(ELEMENT)                                                               \
    APUS_CLONES void forwardRows(ELEMENT *scores, const float *hidden, const float *bias, float *row, float *totals, float scale, int64_t rows, int64_t T, uint64_t first, const Dropping &dropping) { \
        for (int64_t i = 0; i < rows; ++i) {                                                       \
            const float *own = bias ? bias + i * T : nullptr;                                      \
            const uint64_t start = first + static_cast<uint64_t>(i * T);                           \
            totals[i] = dropping.threshold ? forwardRow<true>(scores + i * T, hidden, own, row, scale, T, start, dropping) \
                                           : forwardRow<false>(scores + i * T, hidden, own, row, scale, T, start, dropping); \
        }                                                                                          \
    }                                                                                              \
    APUS_CLONES void backwardRows(ELEMENT *scores, ELEMENT *gradients, const float *hidden, const float *bias, float *sums, float *row, const float *totals, float scale, int64_t rows, int64_t T, uint64_t first, const Dropping &dropping) { \
        for (int64_t i = 0; i < rows; ++i) {                                                       \
            const float *own = bias ? bias + i * T : nullptr;                                      \
            float *sum = sums ? sums + i * T : nullptr;                                            \
            const uint64_t start = first + static_cast<uint64_t>(i * T);                           \
            if (dropping.threshold) backwardRow<true>(scores + i * T, gradients + i * T, hidden, own, sum, row, scale, totals[i], T, start, dropping); \
            else backwardRow<false>(scores + i * T, gradients + i * T, hidden, own, sum, row, scale, totals[i], T, start, dropping); \
        }                                                                                          \
    }

APUS_ATTENTION_ROWS(float)
APUS_ATTENTION_ROWS(uint16_t)

/// The sizes of a batch and its tensors: projected (B, T, 3D), hidden (B, T), bias (heads, T, T) or empty.
struct Batch {
    at::Tensor projected, hidden, bias;
    int64_t B, T, heads, d;
    float scale;
    Dropping dropping;

    Batch(const at::Tensor &projected, const at::Tensor &hidden, const at::Tensor &bias, int64_t heads, double probability, int64_t seed)
        : projected(projected), hidden(hidden), bias(bias), B(projected.size(0)), T(projected.size(1)), heads(heads), d(projected.size(2) / 3 / heads), scale(static_cast<float>(1.0 / std::sqrt(static_cast<double>(d)))), dropping(probability, static_cast<uint64_t>(seed)) {}

    /// Queries (0), keys (1) or values (2) of one head: (T, d), a view of `tensor` (B, T, 3D).
    at::Tensor part(const at::Tensor &tensor, int64_t index, int64_t b, int64_t head) const {
        return tensor[b].narrow(1, (index * heads + head) * d, d);
    }

    /// So many rows that a block of scores and one of gradients stay in a core's second cache.
    int64_t blockRows() const { return std::min(T, std::max<int64_t>(16, (apus::isHalf(projected) ? 163840 : 65536) / T / 16 * 16)); }

    bool hasBias() const { return bias.numel() > 0; }

    const float *biasRows(int64_t head, int64_t begin) const { return hasBias() ? bias.data_ptr<float>() + (head * T + begin) * T : nullptr; }

    /// Calls `body(b, head)` for all, in parallel; the recordings in order for each head, so that sums
    /// over them have the same bits whatever the number of threads.
    template <class Body>
    void forEach(Body &&body) const {
        if (hasBias())
            apus::parallel(heads, 1, [&](int64_t first, int64_t last) {
                at::AutoDispatchBelowADInplaceOrView unrecorded;
                for (int64_t head = first; head < last; ++head)
                    for (int64_t b = 0; b < B; ++b) body(b, head);
            });
        else
            apus::parallel(B * heads, 1, [&](int64_t first, int64_t last) {
                at::AutoDispatchBelowADInplaceOrView unrecorded;
                for (int64_t each = first; each < last; ++each) body(each / heads, each % heads);
            });
    }
};

/// The transpose, copied where `multiply` needs its rows without gaps.
at::Tensor transposed(const at::Tensor &matrix) { return apus::isHalf(matrix) ? matrix.t() : matrix.t().contiguous(); }

/// out = a b or, where it `adds`, out += a b; sums of halves are kept in 32 bits. oneDNN's kernel for
/// small matrices is faster than what a general product does, and wants rows without gaps in them.
void multiply(at::Tensor out, const at::Tensor &a, const at::Tensor &b, bool adds = false) {
    if (!apus::isHalf(a))
        at::native::cpublas::brgemm(a.size(0), b.size(1), a.size(1), a.stride(0), b.stride(0), out.stride(0), adds, a.data_ptr<float>(), b.data_ptr<float>(), out.data_ptr<float>(), false);
    else if (adds)
        out.add_(at::mm(a, b));
    else
        at::mm_out(out, a, b);
}

template <class Element>
void attend(const Batch &batch, const at::Tensor &out, const at::Tensor &totals) {
    const int64_t T = batch.T, block = batch.blockRows();
    batch.forEach([&](int64_t b, int64_t head) {
        const auto keys = transposed(batch.part(batch.projected, 1, b, head)), values = batch.part(batch.projected, 2, b, head);
        auto scores = at::empty({block, T}, out.options()), row = at::empty({T}, totals.options());
        for (int64_t begin = 0; begin < T; begin += block) {
            const int64_t rows = std::min(block, T - begin), place = (b * batch.heads + head) * T + begin;
            auto own = scores.narrow(0, 0, rows);
            multiply(own, batch.part(batch.projected, 0, b, head).narrow(0, begin, rows), keys);
            forwardRows(apus::numbers<Element>(own), batch.hidden.data_ptr<float>() + b * T, batch.biasRows(head, begin), row.data_ptr<float>(), totals.data_ptr<float>() + place, batch.scale, rows, T, static_cast<uint64_t>(place * T), batch.dropping);
            multiply(out[b].narrow(0, begin, rows).narrow(1, head * batch.d, batch.d), own, values);
        }
    });
}

template <class Element>
void attendBackward(const Batch &batch, const at::Tensor &gradient, const at::Tensor &totals, const at::Tensor &derivative, const at::Tensor &biasDerivative) {
    const int64_t T = batch.T, block = batch.blockRows();
    batch.forEach([&](int64_t b, int64_t head) {
        const auto keys = batch.part(batch.projected, 1, b, head);
        const auto keyColumns = transposed(keys), valueColumns = transposed(batch.part(batch.projected, 2, b, head));
        auto scores = at::empty({block, T}, gradient.options()), slopes = at::empty({block, T}, gradient.options());
        auto row = at::empty({2 * T}, totals.options());
        auto keySum = at::zeros({batch.d, T}, totals.options()), valueSum = at::zeros({batch.d, T}, totals.options());
        for (int64_t begin = 0; begin < T; begin += block) {
            const int64_t rows = std::min(block, T - begin), place = (b * batch.heads + head) * T + begin;
            const auto queries = batch.part(batch.projected, 0, b, head).narrow(0, begin, rows);
            const auto gathered = gradient[b].narrow(0, begin, rows).narrow(1, head * batch.d, batch.d);
            auto own = scores.narrow(0, 0, rows), slope = slopes.narrow(0, 0, rows);
            multiply(own, queries, keyColumns);
            multiply(slope, gathered, valueColumns);
            float *sums = batch.hasBias() ? biasDerivative.data_ptr<float>() + (head * T + begin) * T : nullptr;
            backwardRows(apus::numbers<Element>(own), apus::numbers<Element>(slope), batch.hidden.data_ptr<float>() + b * T, batch.biasRows(head, begin), sums, row.data_ptr<float>(), totals.data_ptr<float>() + place, batch.scale, rows, T, static_cast<uint64_t>(place * T), batch.dropping);
            multiply(valueSum, transposed(gathered), own, true);
            multiply(keySum, transposed(queries), slope, true);
            multiply(batch.part(derivative, 0, b, head).narrow(0, begin, rows), slope, keys);
        }
        batch.part(derivative, 1, b, head).copy_(keySum.t());
        batch.part(derivative, 2, b, head).copy_(valueSum.t());
    });
}

struct Attention : torch::autograd::Function<Attention> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &projected, const at::Tensor &hidden, const at::Tensor &bias, int64_t heads, double probability, int64_t seed) {
        const Batch batch(projected.contiguous(), hidden, bias.contiguous(), heads, probability, seed);
        auto out = at::empty({batch.B, batch.T, heads * batch.d}, projected.options());
        auto totals = at::empty({batch.B, heads, batch.T}, hidden.options());
        if (apus::isHalf(projected)) attend<uint16_t>(batch, out, totals);
        else attend<float>(batch, out, totals);
        context->save_for_backward({batch.projected, hidden, batch.bias, totals});
        context->saved_data["heads"] = heads;
        context->saved_data["probability"] = probability;
        context->saved_data["seed"] = seed;
        return out;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context, torch::autograd::variable_list gradients) {
        const auto saved = context->get_saved_variables();
        auto &data = context->saved_data;
        const Batch batch(saved[0], saved[1], saved[2], data["heads"].toInt(), data["probability"].toDouble(), data["seed"].toInt());
        const auto gradient = gradients[0].contiguous();
        auto derivative = at::empty_like(batch.projected);
        const auto biasDerivative = at::zeros_like(batch.bias);
        if (apus::isHalf(gradient)) attendBackward<uint16_t>(batch, gradient, saved[3], derivative, biasDerivative);
        else attendBackward<float>(batch, gradient, saved[3], derivative, biasDerivative);
        return {derivative, at::Tensor(), biasDerivative, at::Tensor(), at::Tensor(), at::Tensor()};
    }
};

/// The same where the kernel can't run: all scores exist at once.
at::Tensor composed(const at::Tensor &projected, const at::Tensor &hidden, const std::optional<at::Tensor> &bias, int64_t heads, const Dropping &dropping) {
    const apus::TypesKept kept;
    const int64_t B = projected.size(0), T = projected.size(1), D = projected.size(2) / 3;
    const auto parts = projected.view({B, T, 3, heads, D / heads}).permute({2, 0, 3, 1, 4}).unbind();  // (B, heads, T, d) each
    auto scores = at::matmul(parts[0], parts[1].transpose(2, 3)).to(at::kFloat) * (1.0 / std::sqrt(static_cast<double>(D / heads))) + hidden.view({B, 1, 1, T});
    if (bias) scores = scores + *bias;
    const auto weights = apus::dropped(at::softmax(scores, -1), dropping).to(projected.scalar_type());
    return at::matmul(weights, parts[2]).transpose(1, 2).reshape({B, T, D});
}

}  // namespace

apus_status apus_attention(apus_tensor projected, apus_tensor padding, apus_tensor bias, int64_t heads, double probability, uint64_t seed, apus_tensor *out) APUS_NOEXCEPT {
    return apus::made(out, [&] {
        const auto &frames = projected->value;
        TORCH_CHECK(frames.dim() == 3 && heads > 0 && frames.size(2) % (3 * heads) == 0, "projected frames ", frames.sizes(), " of ", heads, " heads");
        const int64_t B = frames.size(0), T = frames.size(1);
        TORCH_CHECK(!padding || padding->value.numel() == B * T, "padding ", padding->value.sizes(), " doesn't fit ", frames.sizes());
        TORCH_CHECK(!bias || bias->value.sizes() == at::IntArrayRef({heads, T, T}), "a bias ", bias->value.sizes(), " doesn't fit ", frames.sizes());
        auto hidden = at::zeros({B, T}, frames.options().dtype(at::kFloat));
        if (padding) hidden.masked_fill_(padding->value.reshape({B, T}), -std::numeric_limits<float>::infinity());
        if (!apus::hasKernels(frames)) return composed(frames.contiguous(), hidden, bias ? std::optional(bias->value) : std::nullopt, heads, Dropping(probability, seed));
        return Attention::apply(frames, hidden, bias ? bias->value : at::empty({0}, hidden.options()), heads, probability, static_cast<int64_t>(seed));
    });
}
