// y = LN(r + dropout(x + b)), the end of both parts of a post-norm transformer layer, in one pass.
//
// What follows reads y twice, as the next residual and in a product. The product has a copy of its own,
// in x's type, so that nobody has to round y again or add up the two gradients.
//
// What is kept for the backward pass is the sum z = r + dropout(x + b), and each row's mean and
// inverse deviation; the draws are made again. With x̂ the normalised z and g = w dy,
//
//   dz = (g - mean(g) - x̂ mean(g x̂)) / deviation,  dx = dz · draws,  dr = dz
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>

#include "Device.hpp"

namespace {

using apus::Dropping;
using apus::read;
using apus::write;

template <bool Drops, class Element, class Stream>
__attribute__((always_inline)) inline void forwardRows(const Element *__restrict x, const float *__restrict bias, const Stream *__restrict residual, const float *__restrict weight, const float *__restrict offset, Stream *__restrict z, Stream *__restrict out, Element *__restrict twin, float *__restrict moments, float epsilon, int64_t rows, int64_t width, int64_t first, const Dropping &dropping) {
#pragma clang fp reassociate(on)
    uint32_t bits[apus::drawsAtOnce];
    for (int64_t row = 0; row < rows; ++row) {
        const int64_t start = row * width;
        float sum = 0;
        for (int64_t place = 0; place < width; place += apus::drawsAtOnce) {
            const int64_t end = std::min(width, place + apus::drawsAtOnce);
            dropping.fill<Drops>(bits, static_cast<uint64_t>(first + start + place), end - place);
            for (int64_t j = place; j < end; ++j) {
                write(z[start + j], read(residual[start + j]) + (read(x[start + j]) + bias[j]) * dropping.factor<Drops>(bits + j - place));
                sum += read(z[start + j]);
            }
        }
        const float mean = sum / static_cast<float>(width);
        float squares = 0;
        for (int64_t j = 0; j < width; ++j) {
            const float d = read(z[start + j]) - mean;
            squares += d * d;
        }
        const float inverse = 1.0f / std::sqrt(squares / static_cast<float>(width) + epsilon);
        for (int64_t j = 0; j < width; ++j) write(out[start + j], (read(z[start + j]) - mean) * inverse * weight[j] + offset[j]);
        if (twin)
            for (int64_t j = 0; j < width; ++j) write(twin[start + j], read(out[start + j]));
        moments[2 * row] = mean;
        moments[2 * row + 1] = inverse;
    }
}

/// `twinGradient` is that of the products' copy or null; `sums` (3, width) takes the gradients of the bias, of the norm's weight and of its offset.
template <bool Drops, class Element, class Stream>
__attribute__((always_inline)) inline void backwardRows(const Stream *__restrict gradient, const Element *__restrict twinGradient, const Stream *__restrict z, const float *__restrict weight, const float *__restrict moments, Element *__restrict dx, Stream *__restrict dr, float *__restrict sums, int64_t rows, int64_t width, int64_t first, const Dropping &dropping) {
#pragma clang fp reassociate(on)
    uint32_t bits[apus::drawsAtOnce];
    for (int64_t row = 0; row < rows; ++row) {
        const int64_t start = row * width;
        const float mean = moments[2 * row], inverse = moments[2 * row + 1];
        for (int64_t j = 0; j < width; ++j) dr[start + j] = gradient[start + j];
        if (twinGradient)
            for (int64_t j = 0; j < width; ++j) write(dr[start + j], read(dr[start + j]) + read(twinGradient[start + j]));
        float sum = 0, product = 0;
        for (int64_t j = 0; j < width; ++j) {
            const float normal = (read(z[start + j]) - mean) * inverse, d = read(dr[start + j]);
            sum += d * weight[j];
            product += d * weight[j] * normal;
            sums[width + j] += d * normal;
            sums[2 * width + j] += d;
        }
        sum /= static_cast<float>(width);
        product /= static_cast<float>(width);
        for (int64_t place = 0; place < width; place += apus::drawsAtOnce) {
            const int64_t end = std::min(width, place + apus::drawsAtOnce);
            dropping.fill<Drops>(bits, static_cast<uint64_t>(first + start + place), end - place);
            for (int64_t j = place; j < end; ++j) {
                const float normal = (read(z[start + j]) - mean) * inverse;
                const float d = (read(dr[start + j]) * weight[j] - sum - normal * product) * inverse;
                const float dropped = d * dropping.factor<Drops>(bits + j - place);
                write(dr[start + j], d);
                write(dx[start + j], dropped);
                sums[j] += dropped;
            }
        }
    }
}

#define APUS_NORM_ROWS(ELEMENT, STREAM)                                                            \
    APUS_CLONES void forwardPiece(const ELEMENT *x, const float *bias, const STREAM *residual, const float *weight, const float *offset, STREAM *z, STREAM *out, ELEMENT *twin, float *moments, float epsilon, int64_t rows, int64_t width, int64_t first, const Dropping &dropping) { \
        if (dropping.threshold) forwardRows<true>(x, bias, residual, weight, offset, z, out, twin, moments, epsilon, rows, width, first, dropping); \
        else forwardRows<false>(x, bias, residual, weight, offset, z, out, twin, moments, epsilon, rows, width, first, dropping); \
    }                                                                                              \
    APUS_CLONES void backwardPiece(const STREAM *gradient, const ELEMENT *twinGradient, const STREAM *z, const float *weight, const float *moments, ELEMENT *dx, STREAM *dr, float *sums, int64_t rows, int64_t width, int64_t first, const Dropping &dropping) { \
        if (dropping.threshold) backwardRows<true>(gradient, twinGradient, z, weight, moments, dx, dr, sums, rows, width, first, dropping); \
        else backwardRows<false>(gradient, twinGradient, z, weight, moments, dx, dr, sums, rows, width, first, dropping); \
    }

APUS_NORM_ROWS(float, float)
APUS_NORM_ROWS(uint16_t, float)
APUS_NORM_ROWS(uint16_t, uint16_t)

/// Calls `body` with a number of x's type and one of the stream's.
template <class Body>
void withTypes(const at::Tensor &x, const at::Tensor &stream, Body &&body) {
    if (!apus::isHalf(x)) body(float(), float());
    else if (!apus::isHalf(stream)) body(uint16_t(), float());
    else body(uint16_t(), uint16_t());
}

struct ResidualNorm : torch::autograd::Function<ResidualNorm> {
    static torch::autograd::variable_list forward(torch::autograd::AutogradContext *context, const at::Tensor &input, const at::Tensor &bias, const at::Tensor &residual, const at::Tensor &weight, const at::Tensor &offset, double epsilon, const apus::Draw &draw) {
        const auto x = input.contiguous(), r = residual.contiguous();
        const int64_t D = x.size(-1);
        const Dropping dropping(draw, x.numel());
        auto z = at::empty_like(r), y = at::empty_like(r);
        // Without rounding the copy is y itself.
        const bool rounds = x.scalar_type() != r.scalar_type();
        at::Tensor twin;
        {
            at::AutoDispatchBelowADInplaceOrView unrecorded;
            twin = rounds ? at::empty_like(x) : y.view(y.sizes());
        }
        auto moments = at::empty({x.numel() / D, 2}, weight.options());
        withTypes(x, r, [&](auto element, auto stream) {
            using Element = decltype(element);
            using Stream = decltype(stream);
            apus::parallelRows(x.numel() / D, [&](int64_t, int64_t begin, int64_t end) {
                const int64_t start = begin * D;
                forwardPiece(apus::numbers<Element>(x) + start, bias.data_ptr<float>(), apus::numbers<Stream>(r) + start, weight.data_ptr<float>(), offset.data_ptr<float>(), apus::numbers<Stream>(z) + start, apus::numbers<Stream>(y) + start, rounds ? apus::numbers<Element>(twin) + start : nullptr, moments.data_ptr<float>() + 2 * begin, static_cast<float>(epsilon), end - begin, D, start, dropping);
            });
        });
        context->save_for_backward({z, weight, moments});
        context->saved_data["type"] = x.scalar_type();
        draw.keep(context->saved_data);
        context->set_materialize_grads(false);
        return {y, twin};
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context, torch::autograd::variable_list gradients) {
        const auto saved = context->get_saved_variables();
        const auto &z = saved[0], &weight = saved[1], &moments = saved[2];
        const auto twinGradient = gradients[1].defined() ? gradients[1].contiguous() : at::Tensor();
        const auto gradient = gradients[0].defined() ? gradients[0].contiguous() : at::zeros_like(z);
        const auto draw = apus::Draw::kept(context->saved_data);
        const Dropping dropping(draw, z.numel());
        const int64_t D = z.size(-1), rows = z.numel() / D;
        auto dx = at::empty(z.sizes(), z.options().dtype(context->saved_data["type"].toScalarType())), dr = at::empty_like(z);
        auto sums = at::zeros({(rows + apus::rowsApart - 1) / apus::rowsApart, 3, D}, weight.options());
        withTypes(dx, z, [&](auto element, auto stream) {
            using Element = decltype(element);
            using Stream = decltype(stream);
            apus::parallelRows(rows, [&](int64_t piece, int64_t begin, int64_t end) {
                const int64_t start = begin * D;
                backwardPiece(apus::numbers<Stream>(gradient) + start, twinGradient.defined() ? apus::numbers<Element>(twinGradient) + start : nullptr, apus::numbers<Stream>(z) + start, weight.data_ptr<float>(), moments.data_ptr<float>() + 2 * begin, apus::numbers<Element>(dx) + start, apus::numbers<Stream>(dr) + start, sums.data_ptr<float>() + piece * 3 * D, end - begin, D, start, dropping);
            });
        });
        const auto total = sums.sum(0);
        return {dx, total[0], dr, total[1], total[2], at::Tensor(), at::Tensor()};
    }
};

}  // namespace

apus_status apus_residual_norm(apus_tensor input, apus_tensor bias, apus_tensor residual, apus_tensor weight, apus_tensor offset, double epsilon, apus_draw draw, apus_tensor *out) APUS_NOEXCEPT {
    return apus::guarded([&] {
        const auto &x = input->value;
        const int64_t D = weight->value.numel();
        TORCH_CHECK(x.dim() > 0 && x.size(-1) == D && residual->value.sizes() == x.sizes() && (!bias || bias->value.numel() == D) && offset->value.numel() == D, "an input ", x.sizes(), ", a residual ", residual->value.sizes(), " and a norm of ", D, " don't fit");
        // The sum has the wider type of the two.
        const auto stream = residual->value.to(c10::promoteTypes(x.scalar_type(), residual->value.scalar_type()));
        const auto added = bias ? bias->value : at::zeros({D}, weight->value.options());
        if (!apus::hasKernels(x)) {
            const auto sum = (stream + apus::dropped(x.to(at::kFloat) + added, draw)).to(stream.scalar_type());
            const apus::TypesKept kept;
            *out = new apus_tensor_s{at::layer_norm(sum.to(at::kFloat), {D}, weight->value, offset->value, epsilon).to(stream.scalar_type())};
            return;
        }
        const auto both = ResidualNorm::apply(x, added, stream, weight->value, offset->value, epsilon, apus::Draw(draw));
        *out = new apus_tensor_s{both[0], both[1]};
    });
}
