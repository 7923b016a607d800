// Dropout with counter-based draws: parallel, reproducible whatever the thread count, and with no
// mask kept for the backward pass, which draws again.
#include <torch/csrc/autograd/custom_function.h>

#include "Device.hpp"

namespace {

template <class Element>
__attribute__((always_inline)) inline void dropPiece(const Element *in, Element *out, int64_t begin, int64_t end, const apus::Dropping &dropping) {
    uint32_t bits[apus::drawsAtOnce];
    for (; begin < end; begin += apus::drawsAtOnce) {
        const int64_t count = std::min(apus::drawsAtOnce, end - begin);
        dropping.fill<true>(bits, static_cast<uint64_t>(begin), count);
        for (int64_t i = 0; i < count; ++i) apus::write(out[begin + i], apus::read(in[begin + i]) * dropping.factor<true>(bits + i));
    }
}

APUS_CLONES void drop(const float *in, float *out, int64_t begin, int64_t end, const apus::Dropping &dropping) { dropPiece(in, out, begin, end, dropping); }
APUS_CLONES void drop(const uint16_t *in, uint16_t *out, int64_t begin, int64_t end, const apus::Dropping &dropping) { dropPiece(in, out, begin, end, dropping); }

at::Tensor dropAll(const at::Tensor &input, const apus::Draw &draw) {
    const auto dense = input.contiguous();
    auto result = at::empty_like(dense);
    const apus::Dropping dropping(draw, dense.numel());
    apus::parallel(dense.numel(), 16384, [&](int64_t begin, int64_t end) {
        if (apus::isHalf(dense)) drop(apus::numbers<uint16_t>(dense), apus::numbers<uint16_t>(result), begin, end, dropping);
        else drop(apus::numbers<float>(dense), apus::numbers<float>(result), begin, end, dropping);
    });
    return result;
}

struct Dropout : torch::autograd::Function<Dropout> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &input, const apus::Draw &draw) {
        draw.keep(context->saved_data);
        return dropAll(input, draw);
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context, torch::autograd::variable_list gradients) {
        return {dropAll(gradients[0], apus::Draw::kept(context->saved_data)), at::Tensor()};
    }
};

}  // namespace

apus_status apus_dropout(apus_tensor input, apus_draw draw, apus_tensor *out) APUS_NOEXCEPT {
    return apus::made(out, [&] {
        TORCH_CHECK(draw.probability >= 0 && draw.probability < 1, "dropout probability ", draw.probability, " is not in [0, 1)");
        if (draw.probability == 0) return input->value;
        if (!apus::hasKernels(input->value)) return apus::dropped(input->value, draw).to(input->value.scalar_type());
        return Dropout::apply(input->value, apus::Draw(draw));
    });
}
