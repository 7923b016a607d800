// y = dropout(gelu(x + b)), the middle of a transformer's feed-forward part, in one pass:
//
//   gelu(u) = u Φ(u),  gelu'(u) = Φ(u) + u φ(u)
//
// with Φ and φ of the standard normal distribution (Hendrycks and Gimpel 2016). What is kept for the
// backward pass is x; u, the draws and Φ are computed again.
#include <torch/csrc/autograd/custom_function.h>

#include "Activations.hpp"
#include "Device.hpp"

namespace {

using apus::Dropping;
using apus::read;
using apus::write;

/// Φ(u) and exp(-u²/2). The tail is Abramowitz and Stegun's 7.1.26: an error of at most 1.5e-7.
__attribute__((always_inline)) inline float normalShare(float u, float &bell) {
    bell = apus::exponential(-0.5f * u * u);
    const float t = 1.0f / (1.0f + 0.3275911f * 0.70710678f * std::fabs(u));
    float p = 1.061405429f;
    p = p * t - 1.453152027f;
    p = p * t + 1.421413741f;
    p = p * t - 0.284496736f;
    p = p * t + 0.254829592f;
    const float tail = 0.5f * p * t * bell;
    return u < 0.0f ? tail : 1.0f - tail;
}

template <bool Drops, class Element>
__attribute__((always_inline)) inline void forwardRows(const Element *__restrict in, const float *__restrict bias, Element *__restrict out, int64_t rows, int64_t width, int64_t first, const Dropping &dropping) {
    uint32_t bits[apus::drawsAtOnce];
    for (int64_t row = 0; row < rows; ++row) {
        for (int64_t place = 0; place < width; place += apus::drawsAtOnce) {
            const int64_t start = row * width + place, count = std::min(apus::drawsAtOnce, width - place);
            dropping.fill<Drops>(bits, static_cast<uint64_t>(first + start), count);
            for (int64_t j = 0; j < count; ++j) {
                const float u = read(in[start + j]) + bias[place + j];
                float bell;
                write(out[start + j], u * normalShare(u, bell) * dropping.factor<Drops>(bits + j));
            }
        }
    }
}

/// `sums` (width) takes the gradient of the bias.
template <bool Drops, class Element>
__attribute__((always_inline)) inline void backwardRows(const Element *__restrict in, const float *__restrict bias, const Element *__restrict gradient, Element *__restrict out, float *__restrict sums, int64_t rows, int64_t width, int64_t first, const Dropping &dropping) {
    uint32_t bits[apus::drawsAtOnce];
    for (int64_t row = 0; row < rows; ++row) {
        for (int64_t place = 0; place < width; place += apus::drawsAtOnce) {
            const int64_t start = row * width + place, count = std::min(apus::drawsAtOnce, width - place);
            dropping.fill<Drops>(bits, static_cast<uint64_t>(first + start), count);
            for (int64_t j = 0; j < count; ++j) {
                const float u = read(in[start + j]) + bias[place + j];
                float bell;
                const float share = normalShare(u, bell);
                const float d = read(gradient[start + j]) * dropping.factor<Drops>(bits + j) * (share + u * 0.39894228f * bell);
                write(out[start + j], d);
                sums[place + j] += d;
            }
        }
    }
}

#define APUS_GELU_ROWS(ELEMENT)                                                                    \
    APUS_CLONES void forwardPiece(const ELEMENT *in, const float *bias, ELEMENT *out, int64_t rows, int64_t width, int64_t first, const Dropping &dropping) { \
        if (dropping.threshold) forwardRows<true>(in, bias, out, rows, width, first, dropping);    \
        else forwardRows<false>(in, bias, out, rows, width, first, dropping);                      \
    }                                                                                              \
    APUS_CLONES void backwardPiece(const ELEMENT *in, const float *bias, const ELEMENT *gradient, ELEMENT *out, float *sums, int64_t rows, int64_t width, int64_t first, const Dropping &dropping) { \
        if (dropping.threshold) backwardRows<true>(in, bias, gradient, out, sums, rows, width, first, dropping); \
        else backwardRows<false>(in, bias, gradient, out, sums, rows, width, first, dropping);     \
    }

APUS_GELU_ROWS(float)
APUS_GELU_ROWS(uint16_t)

struct GELUDropout : torch::autograd::Function<GELUDropout> {
    template <class Element>
    static void forwardAll(const at::Tensor &x, const at::Tensor &bias, const at::Tensor &y, const Dropping &dropping) {
        const int64_t D = x.size(-1);
        apus::parallelRows(x.numel() / D, [&](int64_t, int64_t begin, int64_t end) {
            forwardPiece(apus::numbers<Element>(x) + begin * D, bias.data_ptr<float>(), apus::numbers<Element>(y) + begin * D, end - begin, D, begin * D, dropping);
        });
    }

    template <class Element>
    static void backwardAll(const at::Tensor &x, const at::Tensor &bias, const at::Tensor &gradient, const at::Tensor &dx, const at::Tensor &sums, const Dropping &dropping) {
        const int64_t D = x.size(-1);
        apus::parallelRows(x.numel() / D, [&](int64_t piece, int64_t begin, int64_t end) {
            backwardPiece(apus::numbers<Element>(x) + begin * D, bias.data_ptr<float>(), apus::numbers<Element>(gradient) + begin * D, apus::numbers<Element>(dx) + begin * D, sums.data_ptr<float>() + piece * D, end - begin, D, begin * D, dropping);
        });
    }

    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &input, const at::Tensor &bias, const apus::Draw &draw) {
        const auto x = input.contiguous(), b = bias.contiguous();
        auto y = at::empty_like(x);
        const Dropping dropping(draw, x.numel());
        if (apus::isHalf(x)) forwardAll<uint16_t>(x, b, y, dropping);
        else forwardAll<float>(x, b, y, dropping);
        context->save_for_backward({x, b});
        draw.keep(context->saved_data);
        return y;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context, torch::autograd::variable_list gradients) {
        const auto saved = context->get_saved_variables();
        const auto &x = saved[0], &bias = saved[1];
        const auto gradient = gradients[0].contiguous();
        const auto draw = apus::Draw::kept(context->saved_data);
        const Dropping dropping(draw, x.numel());
        const int64_t D = x.size(-1);
        auto dx = at::empty_like(x);
        auto sums = at::zeros({(x.numel() / D + apus::rowsApart - 1) / apus::rowsApart, D}, bias.options());
        if (apus::isHalf(x)) backwardAll<uint16_t>(x, bias, gradient, dx, sums, dropping);
        else backwardAll<float>(x, bias, gradient, dx, sums, dropping);
        return {dx, sums.sum(0), at::Tensor()};
    }
};

}  // namespace

apus_status apus_gelu_dropout(apus_tensor input, apus_tensor bias, apus_draw draw, apus_tensor *out) APUS_NOEXCEPT {
    return apus::made(out, [&] {
        const auto &x = input->value;
        TORCH_CHECK(x.dim() > 0 && (!bias || bias->value.sizes() == x.sizes().slice(x.dim() - 1)), "a bias doesn't fit ", x.sizes());
        const auto added = bias ? bias->value : at::zeros({x.size(-1)}, x.options().dtype(at::kFloat));
        if (!apus::hasKernels(x)) return apus::dropped(at::gelu(x.to(at::kFloat) + added), draw).to(x.scalar_type());
        return GELUDropout::apply(x, added, apus::Draw(draw));
    });
}
