// Dropout with counter-based draws: parallel, reproducible whatever the thread count, and with no
// mask kept for the backward pass, which draws again.
#include <torch/csrc/autograd/custom_function.h>

#include "Guard.hpp"

namespace {

APUS_CLONES void drop(const float *in, float *out, int64_t begin, int64_t end, uint64_t seed, uint32_t threshold, float scale) {
    for (int64_t i = begin; i < end; ++i) {
        const auto bits = static_cast<uint32_t>(apus::draw(seed, static_cast<uint64_t>(i)) >> 32);
        out[i] = bits < threshold ? 0.0f : in[i] * scale;
    }
}

// c10::BFloat16's own conversions are inline functions, which clang does not emit where only a
// function with clones calls them.
__attribute__((always_inline)) inline float widened(uint16_t bits) {
    return __builtin_bit_cast(float, static_cast<uint32_t>(bits) << 16);
}

/// To the nearest, halves to even; what is not a number stays so.
__attribute__((always_inline)) inline uint16_t rounded(float value) {
    const auto bits = __builtin_bit_cast(uint32_t, value);
    if (value != value) return 0x7FC0;
    return static_cast<uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

/// As above, on the bits of bfloat16 numbers.
APUS_CLONES void drop(const uint16_t *in, uint16_t *out, int64_t begin, int64_t end, uint64_t seed, uint32_t threshold, float scale) {
    for (int64_t i = begin; i < end; ++i) {
        const auto bits = static_cast<uint32_t>(apus::draw(seed, static_cast<uint64_t>(i)) >> 32);
        out[i] = bits < threshold ? 0 : rounded(widened(in[i]) * scale);
    }
}

at::Tensor dropped(const at::Tensor &input, double probability, uint64_t seed) {
    const auto dense = input.contiguous();
    auto result = at::empty_like(dense);
    const auto threshold = static_cast<uint32_t>(probability * 4294967296.0);
    const auto scale = static_cast<float>(1.0 / (1.0 - probability));
    apus::parallel(dense.numel(), 16384, [&](int64_t begin, int64_t end) {
        if (dense.scalar_type() == at::kBFloat16)
            drop(reinterpret_cast<const uint16_t *>(dense.data_ptr<c10::BFloat16>()), reinterpret_cast<uint16_t *>(result.data_ptr<c10::BFloat16>()), begin, end, seed, threshold, scale);
        else
            drop(dense.data_ptr<float>(), result.data_ptr<float>(), begin, end, seed, threshold, scale);
    });
    return result;
}

struct Dropout : torch::autograd::Function<Dropout> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &input, double probability, int64_t seed) {
        context->saved_data["probability"] = probability;
        context->saved_data["seed"] = seed;
        return dropped(input, probability, static_cast<uint64_t>(seed));
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context, torch::autograd::variable_list gradients) {
        const double probability = context->saved_data["probability"].toDouble();
        const auto seed = static_cast<uint64_t>(context->saved_data["seed"].toInt());
        return {dropped(gradients[0], probability, seed), at::Tensor(), at::Tensor()};
    }
};

}  // namespace

apus_status apus_dropout(apus_tensor input, double probability, uint64_t seed, apus_tensor *out) APUS_NOEXCEPT {
    return apus::made(out, [&] {
        TORCH_CHECK(probability >= 0 && probability < 1, "dropout probability ", probability, " is not in [0, 1)");
        if (probability == 0) return input->value;
        return Dropout::apply(input->value, probability, static_cast<int64_t>(seed));
    });
}
