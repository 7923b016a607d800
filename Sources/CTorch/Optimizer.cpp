// Gradient clipping, the steps of the optimisers, and running means of weights.
#include <torch/csrc/autograd/variable.h>

#include <cmath>

#include "Guard.hpp"

namespace {

/// Lets what was made of the weights know that they are others now; the fused steps don't.
void changed(const std::vector<at::Tensor> &weights) {
    for (const auto &weight : weights) torch::autograd::impl::bump_version(weight);
}

}  // namespace

apus_status apus_clip_gradients(const apus_tensor *parameters, int32_t count, double maximum, double *norm) APUS_NOEXCEPT {
    return apus::guarded([&] {
        c10::NoGradGuard unrecorded;
        std::vector<at::Tensor> gradients;
        for (int32_t i = 0; i < count; ++i)
            if (parameters[i]->value.grad().defined()) gradients.push_back(parameters[i]->value.grad());
        *norm = 0;
        if (gradients.empty()) return;
        // One copy to the CPU for all of them, and a sum whose order is the same there.
        const auto norms = at::stack(at::_foreach_norm(gradients, 2)).to(at::kCPU, at::kDouble);
        double squares = 0;
        for (int64_t i = 0; i < norms.numel(); ++i) squares += norms.data_ptr<double>()[i] * norms.data_ptr<double>()[i];
        *norm = std::sqrt(squares);
        // As torch.nn.utils.clip_grad_norm_ does it.
        const double scale = maximum / (*norm + 1e-6);
        if (scale < 1) at::_foreach_mul_(gradients, scale);
    });
}

apus_status apus_adamw(const apus_tensor *parameters, const apus_tensor *first_moments, const apus_tensor *second_moments, int32_t count, int64_t step, double rate, double beta1, double beta2, double epsilon, double weight_decay) APUS_NOEXCEPT {
    return apus::guarded([&] {
        c10::NoGradGuard unrecorded;
        std::vector<at::Tensor> weights, gradients, firsts, seconds, steps;
        for (int32_t i = 0; i < count; ++i) {
            const auto &gradient = parameters[i]->value.grad();
            if (!gradient.defined()) continue;
            weights.push_back(parameters[i]->value);
            gradients.push_back(gradient);
            firsts.push_back(first_moments[i]->value);
            seconds.push_back(second_moments[i]->value);
            steps.push_back(at::full({}, static_cast<double>(step), weights.back().options().dtype(at::kFloat)));
        }
        if (weights.empty()) return;
        at::_fused_adamw_(weights, gradients, firsts, seconds, {}, steps, rate, beta1, beta2, weight_decay, epsilon, false, false);
        changed(weights);
    });
}

apus_status apus_sgd(const apus_tensor *parameters, const apus_tensor *momenta, int32_t count, double rate, double momentum, double weight_decay) APUS_NOEXCEPT {
    return apus::guarded([&] {
        c10::NoGradGuard unrecorded;
        std::vector<at::Tensor> weights, gradients, buffers;
        for (int32_t i = 0; i < count; ++i) {
            const auto &gradient = parameters[i]->value.grad();
            if (!gradient.defined()) continue;
            weights.push_back(parameters[i]->value);
            gradients.push_back(gradient);
            // The kernel takes a list of buffers as the wish for momentum.
            if (momentum > 0) buffers.push_back(momenta[i]->value);
        }
        if (weights.empty()) return;
        at::_fused_sgd_(weights, gradients, buffers, weight_decay, momentum, rate, 0, false, false, false);
        changed(weights);
    });
}

apus_status apus_lamb(const apus_tensor *parameters, const apus_tensor *first_moments, const apus_tensor *second_moments, int32_t count, int64_t step, double rate, double beta1, double beta2, double epsilon, double weight_decay) APUS_NOEXCEPT {
    return apus::guarded([&] {
        c10::NoGradGuard unrecorded;
        const double first_correction = 1 - std::pow(beta1, static_cast<double>(step));
        const double second_correction = 1 - std::pow(beta2, static_cast<double>(step));
        for (int32_t i = 0; i < count; ++i) {
            const auto &gradient = parameters[i]->value.grad();
            if (!gradient.defined()) continue;
            at::Tensor weight = parameters[i]->value, first = first_moments[i]->value, second = second_moments[i]->value;
            first.mul_(beta1).add_(gradient, 1 - beta1);
            second.mul_(beta2).addcmul_(gradient, gradient, 1 - beta2);
            const auto root = second.div(second_correction).sqrt_().add_(epsilon);
            const auto update = first.div(first_correction).div_(root).add_(weight, weight_decay);
            const double weight_norm = weight.norm().item<double>(), update_norm = update.norm().item<double>();
            const double trust = weight_norm > 0 && update_norm > 0 ? weight_norm / update_norm : 1;
            weight.add_(update, -rate * trust);
        }
    });
}

apus_status apus_move_towards(const apus_tensor *averages, const apus_tensor *values, int32_t count, double share) APUS_NOEXCEPT {
    return apus::guarded([&] {
        c10::NoGradGuard unrecorded;
        std::vector<at::Tensor> into, from;
        for (int32_t i = 0; i < count; ++i) {
            into.push_back(averages[i]->value);
            from.push_back(values[i]->value);
        }
        if (!into.empty()) at::_foreach_lerp_(into, from, share);
    });
}
