// The two ends of a contrastive loss whose contexts share their negatives.
//
// Scores of recording b's predictions q with the frames that they predict and with its candidates:
//
//   s[b, t, k, 0] = q[b, t, k] . z[b, t + k + 1],  s[b, t, k, 1 + n] = q[b, t, k] . y[b, n]
//
// and the loss of the first class, L = log Σ exp(s) - s[0]. Recordings do not depend on each other: each
// thread takes some of them.
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>
#include <limits>

#include "Activations.hpp"
#include "Device.hpp"

namespace {

using apus::read;
using apus::write;

template <class Element>
__attribute__((always_inline)) inline float product(const Element *__restrict a, const Element *__restrict b, int64_t D) {
#pragma clang fp reassociate(on)
    float sum = 0;
    for (int64_t d = 0; d < D; ++d) sum += read(a[d]) * read(b[d]);
    return sum;
}

/// The scores of one recording's positives, each the first of a row of C.
template <class Element>
__attribute__((always_inline)) inline void positiveRows(const Element *queries, const Element *frames, float *scores, int64_t W, int64_t K, int64_t D, int64_t C) {
    for (int64_t t = 0; t < W; ++t)
        for (int64_t k = 0; k < K; ++k) scores[(t * K + k) * C] = product(queries + (t * K + k) * D, frames + (t + k + 1) * D, D);
}

/// Adds what the positives' gradients give to queries and frames.
template <class Element>
__attribute__((always_inline)) inline void positiveGradients(const Element *queries, const Element *frames, const float *gradients, Element *dq, float *dz, int64_t W, int64_t K, int64_t D, int64_t C) {
    for (int64_t t = 0; t < W; ++t)
        for (int64_t k = 0; k < K; ++k) {
            const int64_t row = t * K + k;
            const float g = gradients[row * C];
            const Element *__restrict q = queries + row * D, *__restrict z = frames + (t + k + 1) * D;
            Element *__restrict toQuery = dq + row * D;
            float *__restrict toFrame = dz + (t + k + 1) * D;
            for (int64_t d = 0; d < D; ++d) {
                write(toQuery[d], read(toQuery[d]) + g * read(z[d]));
                toFrame[d] += g * read(q[d]);
            }
        }
}

#define APUS_POSITIVES(ELEMENT)                                                                    \
    APUS_CLONES void scorePositives(const ELEMENT *queries, const ELEMENT *frames, float *scores, int64_t W, int64_t K, int64_t D, int64_t C) { positiveRows(queries, frames, scores, W, K, D, C); } \
    APUS_CLONES void addPositives(const ELEMENT *queries, const ELEMENT *frames, const float *gradients, ELEMENT *dq, float *dz, int64_t W, int64_t K, int64_t D, int64_t C) { positiveGradients(queries, frames, gradients, dq, dz, W, K, D, C); }

APUS_POSITIVES(float)
APUS_POSITIVES(uint16_t)

struct SharedScores : torch::autograd::Function<SharedScores> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &queries, const at::Tensor &frames, const at::Tensor &candidates) {
        // Detached, as the pool's threads record gradients.
        const auto q = queries.detach().contiguous(), z = frames.detach().contiguous(), y = candidates.detach().contiguous();
        const int64_t B = q.size(0), W = q.size(1), K = q.size(2), D = q.size(3), N = y.size(1);
        auto scores = at::empty({B, W, K, 1 + N}, q.options().dtype(at::kFloat));
        apus::parallel(B, 1, [&](int64_t begin, int64_t end) {
            for (int64_t b = begin; b < end; ++b) {
                const auto own = scores[b].view({W * K, 1 + N});
                auto others = own.narrow(1, 1, N);
                const auto rows = q[b].view({W * K, D});
                if (apus::isHalf(q)) others.copy_(at::mm(rows, y[b].t()));
                else at::mm_out(others, rows, y[b].t());
                if (apus::isHalf(q)) scorePositives(apus::numbers<uint16_t>(rows), apus::numbers<uint16_t>(z[b]), own.data_ptr<float>(), W, K, D, 1 + N);
                else scorePositives(apus::numbers<float>(rows), apus::numbers<float>(z[b]), own.data_ptr<float>(), W, K, D, 1 + N);
            }
        });
        context->save_for_backward({q, z, y});
        return scores;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context, torch::autograd::variable_list gradients) {
        const auto saved = context->get_saved_variables();
        const auto &q = saved[0], &z = saved[1], &y = saved[2];
        const auto gradient = gradients[0].contiguous();
        const int64_t B = q.size(0), W = q.size(1), K = q.size(2), D = q.size(3), N = y.size(1);
        auto dq = at::empty_like(q), dy = at::empty_like(y);
        auto dz = at::zeros(z.sizes(), gradient.options());
        apus::parallel(B, 1, [&](int64_t begin, int64_t end) {
            for (int64_t b = begin; b < end; ++b) {
                const auto own = gradient[b].view({W * K, 1 + N});
                const auto others = own.narrow(1, 1, N).to(q.scalar_type());
                const auto rows = q[b].view({W * K, D});
                auto toRows = dq[b].view({W * K, D}), toOthers = dy[b];
                at::mm_out(toRows, others, y[b]);
                at::mm_out(toOthers, others.t(), rows);
                if (apus::isHalf(q)) addPositives(apus::numbers<uint16_t>(rows), apus::numbers<uint16_t>(z[b]), own.data_ptr<float>(), apus::numbers<uint16_t>(toRows), dz[b].data_ptr<float>(), W, K, D, 1 + N);
                else addPositives(apus::numbers<float>(rows), apus::numbers<float>(z[b]), own.data_ptr<float>(), apus::numbers<float>(toRows), dz[b].data_ptr<float>(), W, K, D, 1 + N);
            }
        });
        return {dq, dz.to(z.scalar_type()), dy};
    }
};

APUS_CLONES void lossRows(const float *scores, float *totals, float *losses, int64_t rows, int64_t C) {
#pragma clang fp reassociate(on)
    for (int64_t row = 0; row < rows; ++row) {
        const float *own = scores + row * C;
        // Sixteen maxima, as a single one would not vectorise.
        float most[16];
        for (float &each : most) each = own[0];
        int64_t j = 0;
        for (; j + 16 <= C; j += 16)
            for (int64_t lane = 0; lane < 16; ++lane) most[lane] = own[j + lane] > most[lane] ? own[j + lane] : most[lane];
        for (; j < C; ++j) most[0] = own[j] > most[0] ? own[j] : most[0];
        float maximum = most[0];
        for (float each : most) maximum = each > maximum ? each : maximum;
        float sum = 0;
        for (int64_t i = 0; i < C; ++i) sum += own[i] - maximum < -87.0f ? 0.0f : apus::exponential(own[i] - maximum);
        totals[row] = maximum + std::log(sum);
        losses[row] = totals[row] - own[0];
    }
}

APUS_CLONES void lossGradients(const float *__restrict scores, const float *__restrict totals, const float *__restrict gradients, float *__restrict out, int64_t rows, int64_t C) {
    for (int64_t row = 0; row < rows; ++row) {
        const float g = gradients[row], total = totals[row];
        for (int64_t i = 0; i < C; ++i) {
            const float x = scores[row * C + i] - total;
            out[row * C + i] = x < -87.0f ? 0.0f : g * apus::exponential(x);
        }
        out[row * C] -= g;
    }
}

struct FirstClassLoss : torch::autograd::Function<FirstClassLoss> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &scores) {
        const auto s = scores.contiguous();
        const int64_t C = s.size(-1);
        auto losses = at::empty(s.sizes().slice(0, s.dim() - 1), s.options()), totals = at::empty_like(losses);
        apus::parallel(losses.numel(), 64, [&](int64_t begin, int64_t end) {
            lossRows(s.data_ptr<float>() + begin * C, totals.data_ptr<float>() + begin, losses.data_ptr<float>() + begin, end - begin, C);
        });
        context->save_for_backward({s, totals});
        return losses;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context, torch::autograd::variable_list gradients) {
        const auto saved = context->get_saved_variables();
        const auto &s = saved[0], &totals = saved[1];
        const auto gradient = gradients[0].contiguous();
        const int64_t C = s.size(-1);
        auto out = at::empty_like(s);
        apus::parallel(totals.numel(), 64, [&](int64_t begin, int64_t end) {
            lossGradients(s.data_ptr<float>() + begin * C, totals.data_ptr<float>() + begin, gradient.data_ptr<float>() + begin, out.data_ptr<float>() + begin * C, end - begin, C);
        });
        return {out};
    }
};

/// The scores where the kernel can't run.
at::Tensor composedScores(const at::Tensor &q, const at::Tensor &z, const at::Tensor &y) {
    const apus::TypesKept kept;
    const int64_t B = q.size(0), W = q.size(1), K = q.size(2), D = q.size(3), N = y.size(1);
    const auto predicted = z.narrow(1, 1, W + K - 1).unfold(1, K, 1).transpose(2, 3);  // (B, W, K, D)
    const auto own = (q.to(at::kFloat) * predicted.to(at::kFloat)).sum(-1, true);
    const auto others = at::bmm(q.reshape({B, W * K, D}), y.transpose(1, 2)).to(at::kFloat).view({B, W, K, N});
    return at::cat({own, others}, -1);
}

}  // namespace

apus_status apus_shared_scores(apus_tensor queries, apus_tensor frames, apus_tensor candidates, apus_tensor *out) APUS_NOEXCEPT {
    return apus::made(out, [&] {
        const auto &q = queries->value;
        const auto z = frames->value.to(q.scalar_type()), y = candidates->value.to(q.scalar_type());
        TORCH_CHECK(q.dim() == 4 && z.dim() == 3 && y.dim() == 3 && z.size(0) == q.size(0) && y.size(0) == q.size(0) && z.size(2) == q.size(3) && y.size(2) == q.size(3) && z.size(1) == q.size(1) + q.size(2), "queries ", q.sizes(), " don't fit frames ", z.sizes(), " and candidates ", y.sizes());
        if (!apus::hasKernels(q)) return composedScores(q, z, y);
        return SharedScores::apply(q, z, y);
    });
}

apus_status apus_first_class_loss(apus_tensor scores, apus_tensor *out) APUS_NOEXCEPT {
    return apus::made(out, [&] {
        TORCH_CHECK(scores->value.dim() > 0 && scores->value.size(-1) > 0, "scores ", scores->value.sizes());
        const auto s = scores->value.to(at::kFloat);
        if (!apus::hasKernels(s)) return at::log_softmax(s, -1).select(-1, 0).neg();
        return FirstClassLoss::apply(s);
    });
}
